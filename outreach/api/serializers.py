"""Shapes of seed 003's interactions, in snake_case."""

from __future__ import annotations

from rest_framework import serializers

from outreach.models import Interaction
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.l10n.serializers import DateField


class InteractionInput(StrictSerializer):
    """Body of ``POST /api/crm/customers/{id}/interactions``."""

    interaction_type = serializers.ChoiceField(choices=Interaction.Type.choices)
    direction = serializers.ChoiceField(choices=Interaction.Direction.choices)
    subject = serializers.CharField(required=False, allow_blank=True, max_length=200)
    details = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    outcome = serializers.ChoiceField(choices=Interaction.Outcome.choices, required=False, allow_blank=True)
    agent_id = serializers.UUIDField(required=False, allow_null=True)
    interaction_date = serializers.DateTimeField(required=False)
    follow_up_date = DateField(required=False, allow_null=True)


class InteractionFilters(serializers.Serializer[None]):
    """Query of ``GET /api/crm/customers/{id}/interactions``."""

    interaction_type = serializers.ChoiceField(choices=Interaction.Type.choices, required=False)
    outcome = serializers.ChoiceField(choices=Interaction.Outcome.choices, required=False)


class InteractionOutput(serializers.ModelSerializer[Interaction]):
    """One contact as the API shows it."""

    interaction_type = serializers.CharField(source="type")
    customer_id = serializers.UUIDField()
    agent_id = serializers.UUIDField(allow_null=True)
    agent_name = serializers.CharField(source="agent.display_name", default=None, allow_null=True)

    class Meta:
        model = Interaction
        fields = (
            "id", "customer_id", "interaction_type", "direction", "subject", "details", "outcome", "agent_id",
            "agent_name", "interaction_date", "follow_up_date", "created_at",
        )  # fmt: skip

"""The wire format of campaigns: the names of the first specification, in and out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from campaigns.models import Campaign, CampaignTemplate, CampaignType
from campaigns.selectors import CampaignPreview, DeliveryRow, Figures, Results
from campaigns.selectors.campaigns import SORTS
from campaigns.selectors.deliveries import NOT_REACHED, REASONS, STATUSES
from campaigns.services import possible_actions
from loyalty.models import DiscountCode
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.l10n import phone as phones
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.serializers import DateField, MoneyField

# Name on the wire → name in the services.
RENAMED = {"template_content": "content", "scheduled_date": "scheduled_at"}
# And back, in errors.
SENT_AS = {given: name for name, given in RENAMED.items()} | {"criteria": "target_segment", "channel": "type"}
_PLAIN = (
    "description", "provider_template", "subject", "link_url", "valid_hours", "starts_on", "ends_on", "test_percent",
    "test_hours", "test_metric", "winner", "holdout_percent", "attribution_days", "recipients", "estimated_parts",
    "estimated_cost", "problem", "review_note", "started_at", "sent_at", "completed_at", "submitted_at", "approved_at",
    "created_at", "updated_at", "version",
)  # fmt: skip


class CampaignCodeSerializer(StrictSerializer):
    """A discount code made with the campaign; without ``code`` one is drawn."""

    code = serializers.CharField(max_length=40, required=False, allow_blank=True)
    kind = serializers.ChoiceField(DiscountCode.Kind.choices)
    value = serializers.DecimalField(max_digits=14, decimal_places=2)
    max_discount = MoneyField(required=False, allow_null=True)
    item_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    minimum_amount = MoneyField(required=False)
    starts_on = DateField(required=False, allow_null=True)
    ends_on = DateField(required=False, allow_null=True)
    max_uses = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=100_000_000)
    max_uses_per_guest = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=1_000_000
    )


class CampaignVariantSerializer(StrictSerializer):
    """One text of a trial."""

    template_content = serializers.CharField(max_length=20_000)
    subject = serializers.CharField(max_length=200, required=False, allow_blank=True)


class TargetField(serializers.JSONField):
    """Criteria, as the first specification writes them, or the key of a segment, or a list of keys."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the value as it is. Raises ValidationError for anything else."""
        is_list = isinstance(data, list) and all(isinstance(item, str) for item in data)
        if not (isinstance(data, (dict, str)) or is_list):
            raise serializers.ValidationError(_("Give criteria, the key of a segment, or a list of keys."))
        return super().to_internal_value(data)


class CampaignSerializer(StrictSerializer):
    """The body of a preview and, partial, of a change."""

    name = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, max_length=2_000)
    type = serializers.ChoiceField(CampaignType.choices, required=False)
    target_segment = TargetField(required=False)
    segments = serializers.ListField(
        child=serializers.CharField(max_length=50), required=False, max_length=50
    )
    template_content = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    subject = serializers.CharField(required=False, allow_blank=True, max_length=200)
    provider_template = serializers.CharField(required=False, allow_blank=True, max_length=80)
    link_url = serializers.URLField(required=False, allow_blank=True, max_length=500)
    scheduled_date = serializers.DateTimeField(required=False, allow_null=True)
    valid_hours = serializers.IntegerField(required=False, min_value=1, max_value=168)
    starts_on = DateField(required=False, allow_null=True)
    ends_on = DateField(required=False, allow_null=True)
    variants = serializers.ListField(child=CampaignVariantSerializer(), required=False, max_length=4)
    test_percent = serializers.IntegerField(required=False, min_value=1, max_value=100)
    test_hours = serializers.IntegerField(required=False, min_value=1, max_value=168)
    test_metric = serializers.ChoiceField(Campaign.Metric.choices, required=False)
    holdout_percent = serializers.IntegerField(required=False, min_value=0, max_value=50)
    attribution_days = serializers.IntegerField(required=False, min_value=1, max_value=90)
    discount_code = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=40)
    new_code = CampaignCodeSerializer(required=False)


class NewCampaignSerializer(CampaignSerializer):
    """The body of POST."""

    send_immediately = serializers.BooleanField(required=False, default=False)


class CampaignChangeSerializer(CampaignSerializer):
    """The body of PATCH."""

    version = serializers.IntegerField(required=False, min_value=1, help_text="The version you saw.")


class CampaignPreviewSerializer(CampaignSerializer):
    """The body of a preview; ``send_immediately`` changes nothing in it."""

    name = serializers.CharField(max_length=200, required=False)
    send_immediately = serializers.BooleanField(required=False)


class DecisionSerializer(StrictSerializer):
    """A body with nothing but, if you like, the version you saw."""

    version = serializers.IntegerField(required=False, min_value=1)


class CampaignRejectSerializer(DecisionSerializer):
    """Why it is sent back."""

    reason = serializers.CharField(max_length=300)


class CampaignScheduleSerializer(DecisionSerializer):
    """When."""

    scheduled_date = serializers.DateTimeField(required=False)


class CampaignTestSerializer(StrictSerializer):
    """Where a test goes: a number or address as typed, or a guest; ``customer_id`` also fills the text in."""

    to = serializers.CharField(required=False, allow_blank=True, default="", max_length=254)
    customer_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    variant = serializers.CharField(required=False, allow_blank=True, default="", max_length=1)


class DuplicateCampaignSerializer(StrictSerializer):
    """The name of the copy."""

    name = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)


class CampaignQuery(serializers.Serializer[Any]):
    """Filters of the list."""

    status = serializers.ChoiceField(Campaign.Status.choices, required=False)
    type = serializers.ChoiceField(CampaignType.choices, required=False)
    segment = serializers.CharField(required=False, max_length=50)
    search = serializers.CharField(required=False, max_length=100)
    created_from = DateField(required=False)
    created_to = DateField(required=False)
    sort = serializers.ChoiceField(list(SORTS), required=False, default="created_at")
    order = serializers.ChoiceField(["asc", "desc"], required=False, default="desc")


class DeliveryQuery(serializers.Serializer[Any]):
    """Filters of the deliveries."""

    status = serializers.ChoiceField([*STATUSES, NOT_REACHED], required=False)
    reason = serializers.ChoiceField(list(REASONS), required=False)
    variant = serializers.ChoiceField(list("ABCD"), required=False)
    search = serializers.CharField(required=False, max_length=100)


class CampaignTemplateSerializer(StrictSerializer):
    """The body of a message template."""

    name = serializers.CharField(max_length=200)
    type = serializers.ChoiceField([one for one in CampaignType.choices if one[0] != "offer"], required=False)
    subject = serializers.CharField(required=False, allow_blank=True, max_length=200)
    template_content = serializers.CharField(max_length=20_000)
    category = serializers.CharField(required=False, allow_blank=True, max_length=50)
    provider_template = serializers.CharField(required=False, allow_blank=True, max_length=80)


class TemplateQuery(serializers.Serializer[Any]):
    """Filters of the templates."""

    type = serializers.ChoiceField(CampaignType.choices, required=False)
    category = serializers.CharField(required=False, max_length=50)


def values_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a read body in the names of the services."""
    values = {RENAMED.get(name, name): given for name, given in body.items()}
    if "target_segment" in values:
        target = values.pop("target_segment")
        if isinstance(target, dict):
            values["criteria"] = target
        else:
            values["segments"] = [target] if isinstance(target, str) else target
    if "variants" in values:
        values["variants"] = [
            {"content": one["template_content"], "subject": one.get("subject", "")}
            for one in values["variants"]
        ]
    return values


def campaign_payload(campaign: Campaign) -> dict[str, Any]:
    """Return one campaign; three queries when it was not read with segments, texts and code."""
    code = campaign.discount_code
    return {
        "id": str(campaign.pk),
        "name": campaign.name,
        "type": campaign.type,
        "status": campaign.status,
        "target_segment": campaign.criteria or {},
        "segments": [one.key for one in campaign.segments.all()],
        "template_content": campaign.content,
        "scheduled_date": campaign.scheduled_at,
        "variants": [
            {"key": one.key, "subject": one.subject, "template_content": one.content}
            for one in campaign.variants.all()
        ],
        "discount_code": code.code if code else None,
        "redemptions": code.times_used if code else 0,
        "funnel": campaign.funnel,
        **{name: getattr(campaign, name) for name in _PLAIN},
        "created_by": str(campaign.created_by_id) if campaign.created_by_id else None,
        "approved_by": str(campaign.approved_by_id) if campaign.approved_by_id else None,
        "possible_actions": possible_actions(campaign),
    }


def figures_payload(figures: Figures) -> dict[str, Any]:
    """Return the figures of a campaign in the list."""
    return {
        "total_targeted": figures.targeted,
        "messages_sent": figures.sent,
        "messages_delivered": figures.delivered,
        "messages_failed": figures.failed,
        "delivery_rate": figures.delivery_rate,
        "actual_cost": figures.actual_cost,
    }


def preview_payload(found: CampaignPreview) -> dict[str, Any]:
    """Return a preview as the contract prints it, and what else the composer knows."""
    region = get_locale().phone_region
    return {
        "funnel": found.funnel.as_json(),
        "recipients": found.recipients,
        "parts": found.parts,
        "parts_per_message": {"least": found.least, "most": found.most},
        "encoding": found.encoding,
        "estimated_cost": found.estimated_cost,
        "is_estimate": found.is_estimate,
        "needs_approval": found.needs_approval,
        "continues_at": found.continues_at,
        "samples": [
            {**asdict(one), "customer_id": str(one.customer_id), "recipient": _shown(one.recipient, region)}
            for one in found.samples
        ],
        "warnings": [asdict(one) for one in found.warnings],
    }


def delivery_payload(row: DeliveryRow) -> dict[str, Any]:
    """Return one guest of a campaign."""
    values = asdict(row) | {"customer_id": str(row.customer_id)}
    return values | {"recipient": _shown(row.recipient, get_locale().phone_region)}


def _shown(recipient: str, region: str) -> str:
    return phones.national(recipient, region) if recipient.startswith("+") else recipient


def results_payload(campaign: Campaign, found: Results, by_variant: Mapping[str, Figures]) -> dict[str, Any]:
    """Return what a campaign brought."""
    lift: dict[str, Any] | None = None
    if found.lift is not None:
        lift = asdict(found.lift) | {"confidence": 95, "method": "Newcombe hybrid score interval"}
    values = {name: given for name, given in asdict(found).items() if name != "lift"}
    return {
        "campaign_id": str(campaign.pk),
        **values,
        "lift": lift,
        "variants": {
            letter: figures_payload(figures) | {"clicks": figures.clicks, "clicked": figures.clicked}
            for letter, figures in by_variant.items()
        },
        "winner": campaign.winner,
    }


def template_payload(template: CampaignTemplate) -> dict[str, Any]:
    """Return one message template."""
    return {
        "id": str(template.pk),
        "name": template.name,
        "type": template.channel,
        "subject": template.subject,
        "template_content": template.content,
        "category": template.category,
        "provider_template": template.provider_template,
        "is_system": template.is_system,
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    }


class NoQuery(serializers.Serializer[Any]):
    """No parameters but those of paging."""

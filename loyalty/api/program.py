"""The program over HTTP: rules, tiers, bonus rules, versions and the simulator."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.errors import CustomerNotFound
from customers.models import Customer
from loyalty.api import program_shapes as shapes
from loyalty.models import BonusRule, Tier
from loyalty.selectors.program import get_program, get_rule_book, list_bonus_rules, outlet_names
from loyalty.selectors.simulate import Situation, bill_lines, simulate, with_guest
from loyalty.selectors.versions import count_rows, get_version, list_versions, rows_of_version
from loyalty.services.bonus_rules import (
    change_bonus_rule,
    create_bonus_rule,
    delete_bonus_rule,
    reorder_bonus_rules,
)
from loyalty.services.program import update_program, update_tiers
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.actors import Actor
from servaan_crm.core.errors import NotFound
from servaan_crm.core.pagination import paginate
from servaan_crm.core.responses import ok


class _RulesView(APIView):
    """Anybody who may see the club may read its rules; managers change them."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_MANAGE
    permissions_by_method = {"GET": P.LOYALTY_VIEW}
    rate_area = "customers"

    @property
    def actor(self) -> Actor:
        """The caller as the author of a change."""
        return staff_of(self.request).actor

    def read(self, form: Any) -> tuple[dict[str, Any], int | None]:
        """Return the validated body, and apart from it the version its author looked at."""
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        return values, values.pop("version", None)


class ProgramView(_RulesView):
    """The program."""

    @extend_schema(responses={200: dict})
    def get(self, request: Request) -> Response:
        return ok({"program": shapes.program_payload(get_program())})

    @extend_schema(request=shapes.ProgramSerializer, responses={200: dict})
    def patch(self, request: Request) -> Response:
        """Change rules from now on; points earned before stay as they are."""
        changes, version = self.read(shapes.ProgramSerializer(data=request.data, partial=True))
        program = update_program(actor=self.actor, changes=changes, expected_version=version)
        return ok({"program": shapes.program_payload(program)})


class TiersView(_RulesView):
    """All tiers, the lowest first."""

    @extend_schema(operation_id="loyalty_tiers", responses={200: dict})
    def get(self, request: Request) -> Response:
        return ok({"tiers": [shapes.tier_payload(tier) for tier in Tier.objects.all()]})

    @extend_schema(operation_id="loyalty_tiers_change", request=shapes.TiersSerializer, responses={200: dict})
    def patch(self, request: Request) -> Response:
        """Change several tiers in one version of the program."""
        values, version = self.read(shapes.TiersSerializer(data=request.data, partial=True))
        tiers = update_tiers(actor=self.actor, changes=values.get("tiers", {}), expected_version=version)
        return ok({"tiers": [shapes.tier_payload(tier) for tier in tiers]})


class TierView(_RulesView):
    """One tier."""

    @extend_schema(operation_id="loyalty_tier", responses={200: dict})
    def get(self, request: Request, level: str) -> Response:
        return ok({"tier": shapes.tier_payload(_tier(level))})

    @extend_schema(operation_id="loyalty_tier_change", request=shapes.TierSerializer, responses={200: dict})
    def patch(self, request: Request, level: str) -> Response:
        """Change one tier."""
        _tier(level)
        changes, version = self.read(shapes.TierSerializer(data=request.data, partial=True))
        try:
            update_tiers(actor=self.actor, changes={level: changes}, expected_version=version)
        except ValidationError as error:
            # A threshold may be in the way of the next tier's: then its full name is the clearer one.
            found = {name.removeprefix(f"{level}."): texts for name, texts in error.message_dict.items()}
            raise ValidationError(found) from error
        return ok({"tier": shapes.tier_payload(_tier(level))})


def _tier(level: str) -> Tier:
    tier = Tier.objects.filter(level=level).first()
    if tier is None:
        raise NotFound(details={"levels": Tier.Level.values})
    return tier


class BonusRulesView(_RulesView):
    """Bonus rules in their order."""

    @extend_schema(responses={200: dict})
    def get(self, request: Request) -> Response:
        return _rules_answer()

    @extend_schema(request=shapes.BonusRuleSerializer, responses={201: dict})
    def post(self, request: Request) -> Response:
        """Add a rule at the end."""
        values, version = self.read(shapes.BonusRuleSerializer(data=request.data))
        rule = create_bonus_rule(actor=self.actor, values=values, expected_version=version)
        return ok({"bonus_rule": shapes.bonus_payload(rule, outlet_names())}, status=201)

    @extend_schema(request=shapes.BonusOrderSerializer, responses={200: dict})
    def patch(self, request: Request) -> Response:
        """Put the rules into another order."""
        values, version = self.read(shapes.BonusOrderSerializer(data=request.data))
        reorder_bonus_rules(actor=self.actor, rule_ids=values["order"], expected_version=version)
        return _rules_answer()


def _rules_answer() -> Response:
    outlets = outlet_names()
    return ok({"bonus_rules": [shapes.bonus_payload(rule, outlets) for rule in list_bonus_rules()]})


class BonusRuleView(_RulesView):
    """One bonus rule."""

    @extend_schema(operation_id="bonus_rule_read", responses={200: dict})
    def get(self, request: Request, rule_id: UUID) -> Response:
        rule = BonusRule.objects.filter(pk=rule_id).first()
        if rule is None:
            raise NotFound(details={"rule_id": str(rule_id)})
        return ok({"bonus_rule": shapes.bonus_payload(rule, outlet_names())})

    @extend_schema(
        operation_id="bonus_rule_change", request=shapes.BonusRuleSerializer, responses={200: dict}
    )
    def patch(self, request: Request, rule_id: UUID) -> Response:
        """Change some fields of a rule."""
        changes, version = self.read(shapes.BonusRuleSerializer(data=request.data, partial=True))
        rule = change_bonus_rule(actor=self.actor, rule_id=rule_id, changes=changes, expected_version=version)
        return ok({"bonus_rule": shapes.bonus_payload(rule, outlet_names())})

    @extend_schema(operation_id="bonus_rule_delete", responses={200: dict})
    def delete(self, request: Request, rule_id: UUID) -> Response:
        """Delete a rule; what it gave stays."""
        delete_bonus_rule(actor=self.actor, rule_id=rule_id)
        return ok({"deleted": True, "id": rule_id})


class VersionsView(_RulesView):
    """Who changed the program, when and what."""

    @extend_schema(operation_id="program_versions", responses={200: dict})
    def get(self, request: Request) -> Response:
        page, pagination = paginate(request, list_versions())
        outlets = outlet_names()
        rows = [shapes.version_payload(row, outlets) for row in page]
        return ok({"versions": rows, "pagination": pagination})


class VersionView(_RulesView):
    """One version with all its rules."""

    @extend_schema(operation_id="program_version", responses={200: dict})
    def get(self, request: Request, version: int) -> Response:
        row = get_version(version)
        count = count_rows(rows_of_version(row))
        rows = {"ledger_rows": count.number, "ledger_rows_is_limit": count.is_more}
        return ok({"version": shapes.version_payload(row, outlet_names(), rules=True, rows=rows)})


class SimulateView(_RulesView):
    """What a visit would earn, and why. Writes nothing."""

    permission = P.LOYALTY_VIEW

    @extend_schema(request=shapes.SimulateSerializer, responses={200: dict})
    def post(self, request: Request) -> Response:
        values, _version = self.read(shapes.SimulateSerializer(data=request.data))
        book = get_rule_book()
        situation = Situation(
            total_amount=values["total_amount"], discount=values["discount_amount"],
            points_to_redeem=values["points_to_redeem"], at=values.get("at") or timezone.now(),
            tier=values["tier"], lines=bill_lines(values["items"]), visit_number=values["visit_number"],
            visit_type=values["visit_type"], outlet_id=str(values.get("outlet_id") or ""), code=values["code"],
            birthday=values.get("birthday"), earned_today=values["earned_today"],
        )  # fmt: skip
        if values.get("customer_id"):
            situation = with_guest(situation, _guest(values["customer_id"]), book)
        found = simulate(book, situation)
        return ok({"simulation": shapes.simulation_payload(found, book.version)})


def _guest(customer_id: UUID) -> Customer:
    customer = Customer.objects.select_related("summary").filter(pk=customer_id, deleted_at=None).first()
    if customer is None:
        raise CustomerNotFound(details={"customer_id": str(customer_id)})
    return customer

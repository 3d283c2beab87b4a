"""Bonus rules: make, change, order, switch off, delete. Each change makes a version of the program."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from loyalty.models import BonusRule
from loyalty.services.program_checks import check_bonus
from loyalty.services.versions import new_version
from servaan_crm.core.actors import Actor
from servaan_crm.core.errors import EditConflict, NotFound
from servaan_crm.l10n.money import format_number
from servaan_crm.l10n.text import search_key

# Every checkout reads all active rules, so there is an end to them.
MAX_RULES = 40
_EDITABLE = frozenset({
    "name", "kind", "factor", "points", "is_active", "starts_on", "ends_on", "weekdays", "from_time", "until_time",
    "items", "categories", "visit_types", "outlets", "tiers", "minimum_amount", "first_visit", "every_nth_visit",
    "birthday_days", "campaign_code",
})  # fmt: skip


def create_bonus_rule(
    *, actor: Actor, values: dict[str, Any], expected_version: int | None = None
) -> BonusRule:
    """Add a rule at the end of the list.

    Raises:
        ValidationError: a value cannot be so, or there are as many rules as a café may have.
        EditConflict: the program is not in ``expected_version`` any more.
    """
    with new_version(actor, expected_version):
        if BonusRule.objects.count() >= MAX_RULES:
            limit = {"most": format_number(MAX_RULES)}
            raise ValidationError(_("There are %(most)s bonus rules, the most. Delete one first.") % limit)
        last = BonusRule.objects.order_by("-position").values_list("position", flat=True).first()
        rule = BonusRule(position=0 if last is None else last + 1)
        _write(rule, values)
        return rule


def change_bonus_rule(
    *,
    actor: Actor,
    rule_id: UUID,
    changes: dict[str, Any],
    expected_version: int | None = None,
    seen: datetime | None = None,
) -> BonusRule:
    """Change a rule from now on; points given before stay.

    Args:
        seen: ``updated_at`` of the rule as its author looked at it.

    Raises:
        NotFound: there is no such rule.
        ValidationError: a value cannot be so.
        EditConflict: the rule, or the program, was changed meanwhile.
    """
    with new_version(actor, expected_version):
        rule = _locked(rule_id)
        if seen is not None and rule.updated_at != seen:
            raise EditConflict(details={"id": str(rule.pk)})
        _write(rule, changes)
        return rule


def delete_bonus_rule(*, actor: Actor, rule_id: UUID, expected_version: int | None = None) -> None:
    """Delete a rule; what it gave stays in the ledger under its name. Raises NotFound, EditConflict."""
    with new_version(actor, expected_version):
        _locked(rule_id).delete()


def reorder_bonus_rules(
    *, actor: Actor, rule_ids: Sequence[UUID], expected_version: int | None = None
) -> None:
    """Put the rules into this order; it decides with "only the first bonus", and which one a cap cuts.

    Raises:
        ValidationError: not every rule is named exactly once.
        EditConflict: the program is not in ``expected_version`` any more.
    """
    with new_version(actor, expected_version):
        rules = {rule.pk: rule for rule in BonusRule.objects.select_for_update()}
        if len(rule_ids) != len(rules) or set(rule_ids) != set(rules):
            raise ValidationError({"order": _("Name every bonus rule exactly once.")})
        _number([rules[rule_id] for rule_id in rule_ids])


def move_bonus_rule(*, actor: Actor, rule_id: UUID, steps: int) -> None:
    """Move a rule up (negative ``steps``) or down the list, as far as it goes. Raises NotFound."""
    with new_version(actor):
        rules = list(BonusRule.objects.select_for_update().order_by("position", "created_at", "id"))
        place = next((number for number, rule in enumerate(rules) if rule.pk == rule_id), None)
        if place is None:
            raise NotFound(details={"rule_id": str(rule_id)})
        rule = rules.pop(place)
        rules.insert(max(0, min(len(rules), place + steps)), rule)
        _number(rules)


def _number(rules: Sequence[BonusRule]) -> None:
    for position, rule in enumerate(rules):
        rule.position = position
    BonusRule.objects.bulk_update(rules, ["position"])


def _locked(rule_id: UUID) -> BonusRule:
    rule = BonusRule.objects.select_for_update().filter(pk=rule_id).first()
    if rule is None:
        raise NotFound(details={"rule_id": str(rule_id)})
    return rule


def _write(rule: BonusRule, values: dict[str, Any]) -> None:
    if unknown := sorted(set(values) - _EDITABLE):
        raise ValidationError({name: _("There is no such field.") for name in unknown})
    for name, value in values.items():
        setattr(rule, name, value)
    rule.name, rule.campaign_code = rule.name.strip(), rule.campaign_code.strip().upper()
    # All seven days are no condition; names that search the same are one.
    days = sorted(set(rule.weekdays))
    rule.weekdays = [] if days == list(range(7)) else days
    for name in ("items", "categories"):
        by_key = {search_key(text): text.strip() for text in reversed(getattr(rule, name))}
        setattr(rule, name, list(reversed(by_key.values())))
    for name in ("visit_types", "tiers", "outlets"):
        setattr(rule, name, list(dict.fromkeys(getattr(rule, name))))
    check_bonus(rule)
    rule.full_clean()
    rule.save()

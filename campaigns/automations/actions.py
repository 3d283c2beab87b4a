"""What an automation does besides its message. Each action writes rows in the transaction of the run, nothing else.

Rooms above register theirs with :func:`register_action`; what nobody registered is not offered and is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.automations.outside import check_address
from campaigns.automations.triggers import isolated
from campaigns.models import Automation, HookCall
from customers.events import CustomerUpdated
from customers.models import Tag
from customers.services.tags import find_tags
from customers.services.visits import lock_customer
from loyalty.models import Reward, Voucher
from loyalty.services import award_points
from loyalty.services.reward_rules import menu_spelling
from loyalty.services.vouchers import issue
from servaan_crm.core.actors import Actor
from servaan_crm.core.crypto import decrypt, encrypt
from servaan_crm.core.events import publish
from servaan_crm.core.ids import uuid7
from servaan_crm.core.tasks import enqueue
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.money import format_money, format_number, format_percent

MAX_POINTS = 1_000_000
MAX_VALUE = Decimal("99999999999")


@dataclass(slots=True)
class Deed:
    """One run at work. ``values``: what actions add for the text; ``results``: what they brought, kept with the run."""

    run_id: UUID
    automation: Automation
    customer_id: UUID
    occurrence: str
    facts: Mapping[str, Any]
    actor: Actor
    values: dict[str, str] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)


class Action(Protocol):
    """Something an automation can do. ``kind`` is its name in JSON and in the API."""

    kind: ClassVar[str]
    label: ClassVar[str | Promise]
    #: Variables that texts have because of it.
    variables: ClassVar[tuple[str, ...]]

    def clean(self, params: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``params`` as they are stored. ``before``: what was stored. Raises ValidationError naming the keys."""

    def perform(self, params: Mapping[str, Any], deed: Deed) -> None:
        """Do it for one guest, in the transaction of the run. A DomainError leaves the run undone, with its reason."""

    def say(self, params: Mapping[str, Any]) -> str:
        """Return it as a part of a sentence, in the imperative."""

    def example(self, params: Mapping[str, Any]) -> dict[str, str]:
        """Return what stands for ``variables`` while nothing is done yet."""


_actions: dict[str, Action] = {}


def register_action(action: Action) -> Action:
    """Add an action; the same kind again replaces it."""
    _actions[action.kind] = action
    return action


def get_action(kind: str) -> Action | None:
    """Return the action called ``kind``, or None."""
    return _actions.get(kind)


def actions() -> list[Action]:
    """Return all actions there are."""
    return list(_actions.values())


def _whole(params: Mapping[str, Any], name: str, least: int, most: int, default: int | None = None) -> int:
    given = params.get(name, default)
    if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
        bounds = {"least": format_number(least), "most": format_number(most)}
        raise ValidationError({name: [_("Give a whole number from %(least)s to %(most)s.") % bounds]})
    return given


class GivePoints:
    """Points, through the ledger."""

    kind: ClassVar[str] = "points"
    label: ClassVar[str | Promise] = gettext_lazy("Give points")
    variables: ClassVar[tuple[str, ...]] = ()

    def clean(self, params: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        return {"points": _whole(params, "points", 1, MAX_POINTS)}

    def perform(self, params: Mapping[str, Any], deed: Deed) -> None:
        entry = award_points(
            actor=deed.actor,
            customer_id=deed.customer_id,
            points=params["points"],
            reason=deed.automation.name,
            reference=f"automation:{deed.run_id}",
        )
        deed.results["points"] = {"points": entry.points, "entry_id": str(entry.pk)}
        deed.values["points"] = format_number(entry.balance_after)

    def say(self, params: Mapping[str, Any]) -> str:
        words = ngettext("give %(n)s point", "give %(n)s points", params["points"])
        return words % {"n": format_number(params["points"])}

    def example(self, params: Mapping[str, Any]) -> dict[str, str]:
        return {}


@dataclass(slots=True)
class _Terms:
    """The benefit of a coupon."""

    kind: str
    value: Decimal
    max_discount: Decimal | None
    item_name: str


class IssueCoupon:
    """A voucher of the guest's own, usable once."""

    kind: ClassVar[str] = "coupon"
    label: ClassVar[str | Promise] = gettext_lazy("Give a coupon")
    variables: ClassVar[tuple[str, ...]] = ("code", "expiry_date")

    def clean(self, params: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        benefit = str(params.get("benefit") or "")
        if benefit not in Reward.Kind.values:
            legal = {"values": ", ".join(Reward.Kind.values)}
            raise ValidationError({"benefit": [_("Choose from: %(values)s.") % legal]})
        item, value = str(params.get("item_name") or "").strip()[:100], _money(params.get("value"))
        if benefit == "item":
            if not item:
                raise ValidationError({"item_name": [_("Name the item that is free.")]})
            if found := menu_spelling(item):
                item, value = found.name, found.price
            value = value or Decimal(0)
        elif value is None or not 0 < value <= (100 if benefit == "percent" else MAX_VALUE):
            raise ValidationError(
                {"value": [_("The discount must be more than 0, a percentage at most 100.")]}
            )
        limit = _money(params.get("max_discount")) if benefit == "percent" else None
        if limit is not None and limit <= 0:
            raise ValidationError({"max_discount": [_("The discount must be more than 0.")]})
        return {
            "benefit": benefit,
            "value": str(value),
            "item_name": item if benefit == "item" else "",
            "max_discount": None if limit is None else str(limit),
            "days": _whole(params, "days", 1, 365, 30),
        }

    def perform(self, params: Mapping[str, Any], deed: Deed) -> None:
        terms = self._terms(params)
        voucher = issue(
            actor=deed.actor,
            customer=lock_customer(customer_id=deed.customer_id),
            source=Voucher.Source.AUTOMATION,
            source_reference=str(deed.run_id),
            benefit=terms,
            name=deed.automation.name,
            expires_on=local_date(timezone.now()) + timedelta(days=params["days"]),
        )
        deed.results["coupon"] = {"voucher_id": str(voucher.pk), "code": voucher.code}
        deed.values |= {"code": voucher.code, "expiry_date": str(voucher.expires_on)}

    def _terms(self, params: Mapping[str, Any]) -> _Terms:
        limit = params.get("max_discount")
        return _Terms(
            params["benefit"],
            Decimal(params["value"]),
            Decimal(limit) if limit else None,
            params["item_name"],
        )

    def say(self, params: Mapping[str, Any]) -> str:
        terms = self._terms(params)
        if terms.kind == "item":
            return _("give a coupon for %(item)s") % {"item": isolated(terms.item_name)}
        worth = (
            format_percent(terms.value, places=0) if terms.kind == "percent" else format_money(terms.value)
        )
        return _("give a coupon for %(worth)s off") % {"worth": worth}

    def example(self, params: Mapping[str, Any]) -> dict[str, str]:
        last = local_date(timezone.now()) + timedelta(days=params["days"])
        return {"code": "K7M4QX2P", "expiry_date": str(last)}


def _money(given: Any) -> Decimal | None:
    if given in (None, ""):
        return None
    try:
        value = Decimal(str(given))
    except ArithmeticError:
        value = None
    if value is None or not value.is_finite() or not -MAX_VALUE <= value <= MAX_VALUE:
        raise ValidationError({"value": [_("Give a number.")]})
    return value


class PutTag:
    """A tag of the café."""

    kind: ClassVar[str] = "tag"
    label: ClassVar[str | Promise] = gettext_lazy("Put a tag on the guest")
    variables: ClassVar[tuple[str, ...]] = ()

    def clean(self, params: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        given = str(params.get("tag") or "").strip()
        if not given:
            raise ValidationError({"tag": [_("Choose a tag.")]})
        try:
            (tag,) = find_tags([given])
        except ValidationError as error:
            raise ValidationError({"tag": error.messages}) from None
        return {"tag": str(tag.pk)}

    def perform(self, params: Mapping[str, Any], deed: Deed) -> None:
        if not Tag.objects.filter(pk=params["tag"]).exists():
            deed.results["tag"] = {"missing": True}  # it was deleted since; the rest is done all the same
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO customers_customer_tags (customer_id, tag_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [deed.customer_id, params["tag"]],
            )
            if cursor.rowcount:
                publish(CustomerUpdated(customer_id=str(deed.customer_id), fields=["tags"]))
        deed.results["tag"] = {"tag_id": params["tag"]}

    def say(self, params: Mapping[str, Any]) -> str:
        name = Tag.objects.filter(pk=params["tag"]).values_list("name", flat=True).first()
        return _("put the tag “%(name)s” on the guest") % {"name": isolated(name or _("(deleted)"))}

    def example(self, params: Mapping[str, Any]) -> dict[str, str]:
        return {}


class CallOutside:
    """A call of another system's address, made after the commit by a task of its own."""

    kind: ClassVar[str] = "webhook"
    label: ClassVar[str | Promise] = gettext_lazy("Call another system")
    variables: ClassVar[tuple[str, ...]] = ()

    def clean(self, params: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        """The secret is drawn here unless one is given, and stored encrypted."""
        url = str(params.get("url") or "").strip()
        check_address(url)
        given = str(params.get("secret") or "").strip()
        if given and not 16 <= len(given) <= 200:
            raise ValidationError({"secret": [_("A secret has 16 to 200 characters.")]})
        kept = before.get("sealed") if before.get("url") == url else None
        sealed = encrypt(given) if given else kept or encrypt(secrets.token_urlsafe(32))
        return {"url": url, "sealed": sealed}

    def perform(self, params: Mapping[str, Any], deed: Deed) -> None:
        from campaigns.automations.tasks import call_hooks  # tasks adapt this package, so they import us

        call = HookCall(
            id=uuid7(),
            run_id=deed.run_id,
            url=params["url"],
            secret=decrypt(params["sealed"]),
            next_at=timezone.now(),
        )
        call.body = {
            "delivery_id": str(call.pk),
            "automation": deed.automation.key,
            "occurrence": deed.occurrence,
            "customer_id": str(deed.customer_id),
            "facts": dict(deed.facts),
            "results": {kind: deed.results[kind] for kind in ("points", "coupon") if kind in deed.results},
            "happened_at": timezone.now().isoformat(),
        }
        call.save(force_insert=True)
        deed.results["webhook"] = {"delivery_id": str(call.pk)}
        enqueue(call_hooks)

    def say(self, params: Mapping[str, Any]) -> str:
        return _("call %(host)s") % {"host": urlsplit(params["url"]).hostname or ""}

    def example(self, params: Mapping[str, Any]) -> dict[str, str]:
        return {}


for one in (GivePoints(), IssueCoupon(), PutTag(), CallOutside()):
    register_action(one)

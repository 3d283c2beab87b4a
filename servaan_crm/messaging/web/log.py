"""``/messages/``: what went out and what became of it, and what guests wrote."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views import View

from servaan_crm.accounts.permissions import P
from servaan_crm.accounts.web import RolePage
from servaan_crm.l10n.jalali import DateError, format_date, local_day_bounds, parse_date
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import PhoneError, parse_phone
from servaan_crm.messaging.models import DEFAULT_ACCOUNT, Channel, InboundMessage, Message, ProviderAccount
from servaan_crm.messaging.secret_texts import shown_text
from servaan_crm.messaging.services.caps import first_id
from servaan_crm.messaging.services.checks import guests_with

PAGE = 50
TONES = {
    "queued": "info", "claimed": "info", "sent": "info", "unknown": "warn", "delivered": "ok", "failed": "bad",
    "undelivered": "bad", "blocked": "warn", "expired": "warn", "cancelled": "mute",
}  # fmt: skip
KINDS = {
    "first_visit_thanks": _("Thanks for the first visit"),
    "confirmation_code": _("Confirmation code"),
    "verification_code": _("Verification code"),
    "feedback_request": _("Question for feedback"),
    "business_invite": _("Invitation to the team"),
    "welcome_message": _("Welcome to the team"),
    "low_stock_alert": _("Low stock"),
    "bulk_sms": _("Text to many"),
    "campaign": _("Campaign"),
    "automation": _("Automation"),
}
MEANINGS = {"opt_out": "bad", "opt_in": "ok", "rating": "info", "text": "mute"}
# So far back kinds are looked for; a café does not invent new ones every day.
_KINDS_OF_THE_LAST = 2_000
# Numbers of strangers have no index: they are looked for among the messages of so many days.
_STRANGERS = dt.timedelta(days=30)


class LogPage(RolePage, View):
    """The outbox, newest first; pages go on where the last one ended."""

    permission = P.MESSAGES_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = {name: request.GET.get(name, "").strip()[:100] for name in _FILTERS}
        rows = list(_filtered(filters).order_by("-pk")[: PAGE + 1])
        more = rows[PAGE - 1].pk if len(rows) > PAGE else None
        kinds = set(Message.objects.order_by("-pk").values_list("kind", flat=True)[:_KINDS_OF_THE_LAST])
        context = {
            "rows": [_shown(row) for row in rows[:PAGE]],
            "filters": filters,
            "next_url": _next(request, more),
            "states": [(state.value, state.label) for state in Message.State],
            "channels": [(channel.value, channel.label) for channel in Channel],
            "kinds": sorted(((kind, kind_word(kind)) for kind in kinds), key=lambda pair: str(pair[1])),
            "is_filtered": any(filters[name] for name in _FILTERS if name != "before"),
            "has_fields": any(filters[name] for name in ("q", "channel", "kind", "day")),
            "is_first": not filters["before"],
        }
        return render(request, "messaging/log.html", context)


class MessagePage(RolePage, View):
    """One message: its text, its way, and why it did not arrive."""

    permission = P.MESSAGES_VIEW

    def get(self, request: HttpRequest, message_id: UUID) -> HttpResponse:
        row = Message.objects.filter(pk=message_id).first()
        if row is None:
            raise Http404
        key = _as_uuid(row.provider_account)
        accounts = ProviderAccount.objects.filter(pk=key) if key else ProviderAccount.objects.none()
        account = accounts.values_list("name", flat=True).first()
        steps = [
            (_("Written"), row.created_at),
            (_("Handed to the provider"), row.sent_at),
            (_("Arrived"), row.delivered_at),
            (_("Read"), row.read_at),
            (_("Ended without arriving"), row.failed_at),
        ]
        context = _shown(row) | {
            "account": account,
            "steps": [(word, at) for word, at in steps if at],
            "waits_until": row.not_before if row.state == Message.State.QUEUED else None,
        }
        return render(request, "messaging/message.html", context)


class InboundPage(RolePage, View):
    """What guests wrote to the café's lines."""

    permission = P.MESSAGES_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        meaning, before = request.GET.get("meaning", ""), request.GET.get("before", "")
        rows = InboundMessage.objects.order_by("-pk")
        if meaning in InboundMessage.Meaning.values:
            rows = rows.filter(meaning=meaning)
        if key := _as_uuid(before):
            rows = rows.filter(pk__lt=key)
        found = list(rows[: PAGE + 1])
        context = {
            "rows": [{"row": row, "tone": MEANINGS.get(row.meaning, "mute")} for row in found[:PAGE]],
            "meanings": InboundMessage.Meaning.choices,
            "next_url": _next(request, found[PAGE - 1].pk if len(found) > PAGE else None),
            "is_filtered": bool(meaning),
        }
        return render(request, "messaging/inbound.html", context)


_FILTERS = ("q", "state", "channel", "kind", "day", "group", "before")


def kind_word(kind: str) -> Any:
    """A message's kind for people."""
    return KINDS.get(kind, kind.replace("_", " "))


def _filtered(filters: dict[str, str]) -> QuerySet[Message]:
    rows = Message.objects.all()
    for name in ("state", "channel", "kind"):
        if filters[name]:
            rows = rows.filter(**{name: filters[name]})
    if group := _as_uuid(filters["group"]):
        rows = rows.filter(group_id=group)
    if before := _as_uuid(filters["before"]):
        rows = rows.filter(pk__lt=before)
    if filters["q"]:
        rows = rows.filter(_to_whom(filters["q"]))
    return rows.filter(_on_day(filters["day"])) if filters["day"] else rows


def _to_whom(text: str) -> Q:
    """Messages to a phone: by the guest who has it, or among the latest by the number itself."""
    try:
        phone = parse_phone(text, get_locale().phone_region)
    except PhoneError:
        return Q(pk__in=[])
    guest = guests_with([phone]).get(phone)
    if guest is not None:
        return Q(customer_id=guest)
    since = first_id(dt.datetime.now(dt.UTC) - _STRANGERS)
    return Q(recipient=phone, pk__gte=since)


def _on_day(text: str) -> Q:
    try:
        first, last = local_day_bounds(parse_date(text), get_locale().tz)
    except DateError:
        return Q(pk__in=[])
    return Q(pk__gte=first_id(first), pk__lt=first_id(last))


def _shown(row: Message) -> dict[str, Any]:
    return {
        "row": row,
        "tone": TONES.get(row.state, "mute"),
        "kind": kind_word(row.kind),
        "text": shown_text(row.kind, row.body),
        "is_phone": row.recipient.startswith("+"),
        "day": format_date(row.created_at.astimezone(get_locale().tz).date()),
    }


def _next(request: HttpRequest, key: UUID | None) -> str:
    if key is None:
        return ""
    query = request.GET.copy()
    query["before"] = str(key)
    return f"?{query.urlencode()}"


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text and text != DEFAULT_ACCOUNT else None
    except ValueError:
        return None

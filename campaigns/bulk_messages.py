"""One text to many guests, from the customer list: to those alone who may be written to, each once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.estimates import opt_out_line
from campaigns.texts import BULK, check_template, render_template
from campaigns.values import cafe_name
from customers.models import BulkOperation, Customer
from customers.selectors.consent import may_be_messaged, reachable
from customers.services.bulk import TARGETS, Portion, Skipped, register_effect
from servaan_crm.accounts.permissions import P
from servaan_crm.core.actors import Actor
from servaan_crm.l10n.money import format_number
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services import MessageDraft, queue_messages
from servaan_crm.messaging.services.rules import get_rules
from servaan_crm.messaging.sms import count_parts

SMS = Message.Channel.SMS
CHUNK = 5_000
SAMPLE = 2_000
MAX_PARTS = 12


@dataclass(frozen=True, slots=True)
class Size:
    """What a text comes to: parts of the shortest and the longest message, and of all together.

    ``is_estimate``: worked out from a sample, because the parts differ from guest to guest.
    """

    recipients: int
    least: int
    most: int
    total: int
    is_estimate: bool
    example: str


class SendMessage:
    """Queue one SMS for each guest who may be written to."""

    action: ClassVar[str] = "message"
    label: ClassVar[str | Promise] = gettext_lazy("Send a message")
    permission: ClassVar[P] = P.CAMPAIGNS_MANAGE
    can_undo: ClassVar[bool] = False

    def clean(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Take ``text``: at most 12 parts, with ``{{name}}``, ``{{points}}``, ``{{cafe_name}}``."""
        text = str(params.get("text") or "").replace("\r\n", "\n").strip()
        try:
            check_template(text, BULK)
        except ValidationError as error:
            raise ValidationError({"text": error.messages}) from None
        if not text or "\x00" in text or count_parts(text).parts > MAX_PARTS:
            raise ValidationError({"text": [_("Write a text of at most 12 parts.")]})
        return {"text": text}

    def preview(self, matches: QuerySet[Customer], params: Mapping[str, Any]) -> list[Skipped]:
        return left_out(matches)

    def weigh(self, matches: QuerySet[Customer], params: Mapping[str, Any]) -> Size | None:
        text = str(params.get("text") or "").strip()
        return size_of(text, matches) if text else None

    def apply(self, portion: Portion, actor: Actor) -> list[Skipped]:
        targets = Customer.objects.filter(pk__in=RawSQL(f"SELECT id FROM {TARGETS}", []))
        skipped = left_out(targets)
        drafts = _drafts(targets, portion)
        while chunk := list(islice(drafts, CHUNK)):
            portion.changed += len(queue_messages(chunk, actor=actor))
        return skipped

    def undo(self, operation: BulkOperation, actor: Actor) -> int:
        raise NotImplementedError("a message that was sent cannot be taken back")


def left_out(matches: QuerySet[Customer]) -> list[Skipped]:
    """Return who of ``matches`` gets no advertising by SMS, and why; one query."""
    blocked = Q(status=Customer.Status.BLOCKED)
    found = (
        matches.order_by()
        .annotate(may_be_messaged=may_be_messaged(SMS))
        .aggregate(
            blocked=Count("pk", filter=blocked),
            unwilling=Count("pk", filter=Q(may_be_messaged=False) & ~blocked),
        )
    )
    return [Skipped("blocked", found["blocked"]), Skipped("no_consent", found["unwilling"])]


def size_of(text: str, matches: QuerySet[Customer]) -> Size:
    """Return what ``text`` comes to for those of ``matches`` who get it; at most three queries.

    Raises ValidationError for a text that is not valid.
    """
    used = check_template(text, BULK)
    willing = reachable(matches.order_by(), SMS)
    recipients = willing.count()
    varies = bool({"name", "points"} & set(used))
    rows = willing.values_list("name", "summary__points")[: SAMPLE if varies else 1]
    ending = _ending(text)
    texts = [render_template(text, _values(name, points)) + ending for name, points in rows]
    parts = [count_parts(each).parts for each in texts] or [0]
    total = round(sum(parts) / len(parts) * recipients)
    return Size(
        recipients, min(parts), max(parts), total, varies and recipients > SAMPLE, texts[0] if texts else ""
    )


def _ending(text: str) -> str:
    """Return what is added: advertising says how to refuse it, unless the text does already."""
    ending = opt_out_line(SMS, get_rules())
    return "" if ending.strip() in text else ending


def _values(name: str, points: int) -> dict[str, str]:
    return {"name": name, "points": format_number(points), "cafe_name": cafe_name()}


def _drafts(targets: QuerySet[Customer], portion: Portion) -> Iterator[MessageDraft]:
    """Yield the messages guest by guest; the dedupe key lets a repetition add nothing."""
    text = portion.params["text"]
    ending = _ending(text)
    rows = reachable(targets.order_by("pk"), SMS).values_list("pk", "phone", "name", "summary__points")
    for pk, phone, name, points in rows.iterator(chunk_size=CHUNK):
        yield MessageDraft(
            recipient=phone,
            body=render_template(text, _values(name, points)) + ending,
            kind="bulk_message",
            purpose="marketing",
            customer_id=pk,
            dedupe_key=f"bulk:{portion.pk}:{pk}",
        )


register_effect(SendMessage())

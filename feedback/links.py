"""Links after a visit: made in bulk, opened by the guest, answered once.

An address is ``/f/`` and fourteen letters and digits: a key of eight, signed with six. The same visit has the same link
for as long as it is the same guest's. Another kind of link, such as one per table, takes a salt of its own, so that the
token of one opens nothing of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy

from customers.errors import CustomerNotFound
from customers.models import Visit
from feedback.errors import CannotBeAsked, FeedbackExists
from feedback.models import Feedback, FeedbackLink
from feedback.services import add_words, lock_visit, record_feedback
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import EditConflict, NotFound
from servaan_crm.core.features import is_enabled, require_feature
from servaan_crm.core.ids import uuid7
from servaan_crm.tenancy.current import get_cafe
from servaan_crm.tenancy.selectors import public_origin
from servaan_crm.tenancy.signed_keys import SignedKeys

VALID_FOR = timedelta(days=30)
# What a guest answered to the question by SMS, which the page may be used to say more about.
BY_REPLY, BY_LINK = "reply", "link"
_KEYS = SignedKeys("feedback.link", signature=6)
_DRAWS = 5
_GUEST = Actor(kind="guest", name="")

# Guests are held in one order as by ``customers.services.attach``: against a merge, which waits, and not against tills.
_WANTED = """
WITH wanted AS (SELECT * FROM unnest(%(visits)s::uuid[], %(ids)s::uuid[], %(keys)s::text[]) AS w (visit_id, id, key)),
guests AS MATERIALIZED (
    SELECT c.id FROM customers_customer AS c
     WHERE c.id IN (SELECT v.customer_id FROM customers_visit AS v JOIN wanted AS w ON w.visit_id = v.id)
       AND c.deleted_at IS NULL AND c.erased_at IS NULL AND c.status <> 'blocked'
     ORDER BY c.id FOR KEY SHARE),
askable AS (
    SELECT w.*, v.customer_id FROM wanted AS w
      JOIN customers_visit AS v ON v.id = w.visit_id AND v.voided_at IS NULL
      JOIN guests AS g ON g.id = v.customer_id
     WHERE NOT EXISTS (SELECT FROM feedback_feedback AS f WHERE f.visit_id = v.id AND NOT f.by_staff))
"""
# A visit that went to another guest gets a new key: who has the older link was never here.
_MAKE = f"""{_WANTED}
INSERT INTO feedback_feedbacklink AS l (id, key, visit_id, customer_id, expires_at, created_at, updated_at)
SELECT id, key, visit_id, customer_id, %(until)s, %(now)s, %(now)s FROM askable ORDER BY visit_id
ON CONFLICT (visit_id) DO UPDATE
   SET key = CASE WHEN l.customer_id = excluded.customer_id THEN l.key ELSE excluded.key END,
       customer_id = excluded.customer_id, expires_at = greatest(l.expires_at, excluded.expires_at),
       updated_at = excluded.updated_at
 WHERE l.used_at IS NULL
RETURNING visit_id, key
"""
_LOOK = f"{_WANTED.replace('FOR KEY SHARE', '')} SELECT visit_id, key FROM askable"


def link_start() -> str:
    """Return what stands before the token in the address of a link of this café; one query."""
    return f"{public_origin(get_cafe())}/f/"


def make_links(visits: Iterable[UUID], *, is_trial: bool = False) -> dict[UUID, str]:
    """Return visit → the address where its guest says how it was, of those who can be asked.

    Left out are visits without a guest, voided, or rated already, and guests who are blocked, deleted or erased; all of
    them while the café does without feedback. Two statements however many; a link that is made again is valid for
    another thirty days. In the caller's transaction.

    Args:
        is_trial: write nothing, and return addresses that look like links and open nothing.
    """
    wanted = sorted(set(visits))
    if not wanted or not is_enabled("feedback"):
        return {}
    start = link_start()
    for _draw in range(_DRAWS - 1):
        try:
            with transaction.atomic():
                return _ask(wanted, start, _LOOK if is_trial else _MAKE)
        except IntegrityError:  # a key that was drawn before, once in a very long time
            continue
    return _ask(wanted, start, _LOOK if is_trial else _MAKE)


def link_of(visit_id: UUID) -> tuple[str, datetime]:
    """Return the address where the guest of one visit says how it was, and until when.

    Raises:
        FeatureDisabled: the café does without feedback.
        NotFound: there is no such visit.
        CannotBeAsked: :func:`make_links` leaves it out.
    """
    require_feature("feedback")
    with transaction.atomic():
        if (link := make_links([visit_id]).get(visit_id)) is not None:
            return link, FeedbackLink.objects.values_list("expires_at", flat=True).get(visit_id=visit_id)
        details = {"visit_id": str(visit_id)}
        if Visit.objects.filter(pk=visit_id).exists():
            raise CannotBeAsked(details=details)
        raise NotFound(gettext_lazy("There is no such visit."), details=details)


def _ask(wanted: list[UUID], start: str, statement: str) -> dict[UUID, str]:
    now = timezone.now()
    values: dict[str, Any] = {
        "visits": wanted,
        "ids": [uuid7() for _visit in wanted],
        "keys": [_KEYS.draw() for _visit in wanted],
        "now": now,
        "until": now + VALID_FOR,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {visit: start + _KEYS.token(key) for visit, key in cursor.fetchall()}


class LinkState(StrEnum):
    """What a link is good for."""

    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"
    CLOSED = "closed"  # there is no such link, or nobody may use it


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """A link as somebody opened it.

    Args:
        said: what the guest answered for this visit so far; while the link is open, a bare rating by SMS.
    """

    state: LinkState
    link: FeedbackLink | None = None
    said: Feedback | None = None

    @property
    def first_name(self) -> str:
        """Return how the guest is greeted; "" where there is nobody to greet."""
        name = self.link.customer.name if self.link is not None else ""
        return str((name.split() or [""])[0])


def open_link(token: str) -> OpenedLink:
    """Return what the link with this token is good for now. Reads only; three queries at most."""
    key = _KEYS.read(token) if is_enabled("feedback") else None
    rows = FeedbackLink.objects.select_related("visit", "customer")
    link = rows.filter(key=key).first() if key else None
    if link is None or not _is_alive(link):
        return OpenedLink(LinkState.CLOSED)
    said = Feedback.objects.filter(visit_id=link.visit_id, by_staff=False).first()
    if link.used_at is not None or (said is not None and not _is_bare(said)):
        return OpenedLink(LinkState.ANSWERED, link, said)
    state = LinkState.EXPIRED if link.expires_at <= timezone.now() else LinkState.OPEN
    return OpenedLink(state, link, said)


def _is_alive(link: FeedbackLink) -> bool:
    guest, visit = link.customer, link.visit
    is_here = guest.deleted_at is None and guest.erased_at is None and not guest.is_blocked
    return is_here and visit.voided_at is None and visit.customer_id == guest.pk


def _is_bare(said: Feedback) -> bool:
    """Whether the guest sent a digit by SMS and nothing else."""
    details: Mapping[str, Any] = said.category_ratings or {}
    return said.source_reference == BY_REPLY and not (said.comment or details or said.categories)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a guest says by a link.

    Args:
        rating: overall, 1-5; not looked at where the guest gave one by SMS.
        device_info, ip_address: where it came from, as far as known.
    """

    rating: int
    category_ratings: Mapping[str, int]
    comment: str = ""
    comment_language: str = ""
    device_info: dict[str, Any] | None = None
    ip_address: str | None = None


def answer_link(token: str, answer: Answer) -> OpenedLink:
    """Keep the answer as the feedback of the link's visit, and return the link as it was found.

    Its state says whether the answer was taken: only an open one takes any, and only once. A guest who gave a rating by
    SMS before keeps it, and adds the words to it.

    Raises ValidationError.
    """
    for _try in range(_DRAWS):
        try:
            return _answer_once(token, answer)
        except EditConflict:  # the visit went to another guest at this very moment
            continue
        except (CustomerNotFound, FeedbackExists):  # so did the guest, or a till was first
            break
    return open_link(token)


def _answer_once(token: str, answer: Answer) -> OpenedLink:
    found = open_link(token)
    if found.state != LinkState.OPEN or found.link is None:
        return found
    with write(_GUEST):
        visit = lock_visit(found.link.visit_id)
        found = open_link(token)  # what it was before the lock may be over
        if found.state != LinkState.OPEN or found.link is None:
            return found
        words = {
            "comment": answer.comment,
            "comment_language": answer.comment_language,
            "category_ratings": answer.category_ratings,
            "device_info": answer.device_info,
            "ip_address": answer.ip_address,
        }
        if found.said is not None:
            add_words(actor=_GUEST, feedback_id=found.said.pk, **words)  # type: ignore[arg-type]
        else:
            record_feedback(
                actor=_GUEST,
                rating=answer.rating,
                source=Feedback.Source.SMS_LINK,
                source_reference=BY_LINK,
                visit_id=visit.pk,
                **words,  # type: ignore[arg-type]
            )
        now = timezone.now()
        FeedbackLink.objects.filter(pk=found.link.pk).update(used_at=now, updated_at=now)
    return found

"""Every write of the feedback room."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Visit
from customers.services.attach import hold_guest
from customers.services.ratings import note_rating
from feedback.errors import FeedbackExists
from feedback.events import FeedbackRecorded
from feedback.models import LOW_RATING, Feedback
from servaan_crm.accounts.models import User
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import EditConflict, NotFound
from servaan_crm.core.events import publish
from servaan_crm.l10n.jalali import local_date

MAX_CATEGORIES = 20
_CATEGORY = re.compile(r"[a-z][a-z0-9_]{0,39}")


def record_feedback(
    *,
    actor: Actor,
    rating: int,
    source: str,
    customer_id: UUID | None = None,
    visit_id: UUID | None = None,
    categories: Sequence[str] = (),
    category_ratings: Mapping[str, int] | None = None,
    comment: str = "",
    comment_language: str = "",
    table_number: str = "",
    source_reference: str = "",
    device_info: dict[str, Any] | None = None,
    ip_address: str | None = None,
) -> Feedback:
    """Keep what a guest said, put the rating on the visit, and tell the other rooms.

    Guest and visit are both optional; a visit brings its guest along. For one visit guests (and tills that
    pass their answers on) are heard once; staff may add what they hear as often as they hear it. A rating of
    1 or 2 asks for a follow-up.

    Args:
        rating: overall, 1-5.
        source: a value of ``Feedback.Source``.
        categories: subjects the guest ticked, such as "service"; ``category_ratings``: subject → 1-5.

    Raises:
        ValidationError: a value is not valid, or the visit is another guest's or was voided.
        CustomerNotFound, NotFound: no such guest, no such visit.
        FeedbackExists: this visit was rated already.
    """
    feedback = Feedback(
        rating=rating,
        source=source,
        source_reference=source_reference,
        categories=_clean_categories([*categories, *(category_ratings or {})]),
        category_ratings=_clean_ratings(category_ratings or {}),
        comment=comment.strip(),
        comment_language=comment_language,
        table_number=table_number,
        follow_up_required=rating <= LOW_RATING,
        by_staff=_is_staff(actor),
        created_by_id=actor.user_id,
        device_info=device_info,
        ip_address=ip_address,
    )
    with write(actor):
        _attach(feedback, customer_id, visit_id)
        feedback.full_clean(validate_constraints=False)
        feedback.save()
        if feedback.visit:
            note_rating(feedback.visit, rating=rating, comment=feedback.comment)
        _tell(feedback)
    return feedback


def add_words(
    *,
    actor: Actor,
    feedback_id: UUID,
    comment: str,
    comment_language: str,
    category_ratings: Mapping[str, int],
    **origin: Any,
) -> Feedback:
    """Add what a guest says in words to a rating given before; the rating stays, and nobody is told a second time.

    Args:
        origin: ``device_info`` and ``ip_address`` of who says it.

    Raises NotFound and ValidationError.
    """
    with write(actor):
        feedback = Feedback.objects.select_for_update().filter(pk=feedback_id).first()
        if feedback is None:
            raise NotFound(details={"feedback_id": str(feedback_id)})
        feedback.comment, feedback.comment_language = comment.strip(), comment_language
        feedback.category_ratings = _clean_ratings(category_ratings)
        feedback.categories = _clean_categories([*feedback.categories, *category_ratings])
        for name, value in origin.items():
            setattr(feedback, name, value)
        feedback.full_clean(validate_constraints=False)
        feedback.save()
        if feedback.visit:
            note_rating(feedback.visit, rating=feedback.rating, comment=feedback.comment)
    return feedback


def _tell(feedback: Feedback) -> None:
    publish(
        FeedbackRecorded(
            feedback_id=feedback.pk,
            customer_id=feedback.customer_id,
            visit_id=feedback.visit_id,
            rating=feedback.rating,
            is_low=feedback.is_low,
        )
    )


def answer_feedback(
    *,
    actor: Actor,
    feedback_id: UUID,
    response_text: str | None = None,
    status: str | None = None,
    follow_up_date: Any = ...,
    follow_up_completed: bool | None = None,
) -> Feedback:
    """Note the café's answer, the state and the follow-up; what is not given stays.

    ``follow_up_date`` is a date, or None to clear it. Raises NotFound and ValidationError.
    """
    with write(actor):
        feedback = Feedback.objects.select_for_update().filter(pk=feedback_id).first()
        if feedback is None:
            raise NotFound(details={"feedback_id": str(feedback_id)})
        if response_text is not None and response_text.strip() != feedback.response_text:
            _set_response(feedback, actor, response_text.strip())
        if status is not None:
            feedback.status = status
        if follow_up_date is not ...:
            feedback.follow_up_date = follow_up_date
            feedback.follow_up_required = feedback.follow_up_required or follow_up_date is not None
        if follow_up_completed is not None:
            feedback.follow_up_completed = follow_up_completed
        feedback.full_clean()
        feedback.save()
        return feedback


def _set_response(feedback: Feedback, actor: Actor, text: str) -> None:
    feedback.response_text = text
    feedback.response_date = timezone.now() if text else None
    feedback.responded_by = User.objects.filter(pk=actor.user_id).first() if text and actor.user_id else None


def _is_staff(actor: Actor) -> bool:
    return actor.kind == "user" and actor.role != User.Role.INTEGRATOR


def _attach(feedback: Feedback, customer_id: UUID | None, visit_id: UUID | None) -> None:
    """Set guest and visit; locks the visit, so that two answers for it come one after the other.

    The guest is held before the visit is locked, in the order in which a merge takes them.
    """
    if customer_id is not None:
        customer_id = hold_guest(customer_id)
    if visit_id is not None:
        visit = lock_visit(visit_id)
        _check_visit(feedback, visit, customer_id)
        feedback.visit = visit
        feedback.visit_date = local_date(visit.visit_date)
        feedback.order_amount = visit.final_amount
        feedback.table_number = feedback.table_number or visit.table_number
        customer_id = visit.customer_id
    if customer_id is not None:
        feedback.customer_id = hold_guest(customer_id)


def lock_visit(visit_id: UUID) -> Visit:
    """Return the visit, locked, its guest held; whoever answers for it next waits. In the caller's transaction.

    Raises NotFound, and EditConflict when the visit went to another guest at this very moment.
    """
    visit = Visit.objects.filter(pk=visit_id).first()
    if visit is None:
        raise NotFound(gettext_lazy("There is no such visit."), details={"visit_id": str(visit_id)})
    owner = hold_guest(visit.customer_id, deleted_too=True) if visit.customer_id else None
    locked = Visit.objects.select_for_update(no_key=True).get(pk=visit_id)
    if locked.customer_id != owner:
        raise EditConflict(details={"visit_id": str(visit_id)})
    return locked


def _check_visit(feedback: Feedback, visit: Visit, customer_id: UUID | None) -> None:
    if customer_id is not None and visit.customer_id != customer_id:
        raise ValidationError({"visit_id": [_("This visit belongs to another guest.")]})
    if visit.is_voided:
        raise ValidationError({"visit_id": [_("This visit was voided.")]})
    if not feedback.by_staff and Feedback.objects.filter(visit=visit, by_staff=False).exists():
        raise FeedbackExists(details={"visit_id": str(visit.pk)})


def _clean_categories(categories: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(categories))
    bad = [name for name in found if not _CATEGORY.fullmatch(name)]
    if bad or len(found) > MAX_CATEGORIES:
        text = _("Categories are words such as “service” or “wait_time” (at most %(count)s): %(bad)s")
        raise ValidationError({"categories": [text % {"count": MAX_CATEGORIES, "bad": ", ".join(bad)}]})
    return found


def _clean_ratings(ratings: Mapping[str, int]) -> dict[str, int]:
    bad = [name for name, value in ratings.items() if type(value) is not int or not 1 <= value <= 5]
    if bad:
        text = _("Ratings are whole numbers from 1 to 5: %(names)s") % {"names": ", ".join(bad)}
        raise ValidationError({"category_ratings": [text]})
    return dict(ratings)

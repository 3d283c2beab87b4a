"""What a guest said about one visit, kept on the visit for its timeline."""

from django.utils import timezone

from customers.models import Visit


def note_rating(visit: Visit, *, rating: int, comment: str) -> None:
    """Put the rating (1-5) and the comment on the visit; the caller holds a lock on it.

    Called by the feedback room, which keeps the whole answer.
    """
    visit.feedback_rating = rating
    visit.feedback_comment = comment
    Visit.objects.filter(pk=visit.pk).update(
        feedback_rating=rating, feedback_comment=comment, updated_at=timezone.now()
    )

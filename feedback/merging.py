"""Feedback, and the links to give it, go along when two guests become one."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext_lazy as _

from customers.merging.registry import Merge, Mover, RowsMover, register_mover
from feedback.models import Feedback

_FOLLOW = """
UPDATE feedback_feedbacklink AS l SET customer_id = v.customer_id
  FROM customers_visit AS v
 WHERE v.id = l.visit_id AND l.customer_id = ANY(%(both)s) AND v.customer_id = ANY(%(both)s)
   AND l.customer_id <> v.customer_id
"""


class LinksMover(Mover):
    """A link is the guest's whose visit it is, after a merge and after its undoing; so it never forbids the undoing."""

    name = "feedback_links"
    handles = ("feedback.FeedbackLink.customer",)

    def settle(self, merge: Merge) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_FOLLOW, {"both": merge.ids})


register_mover(RowsMover(Feedback, label=_("Feedback"), icon="message-dots", code="feedback"))
register_mover(LinksMover())

"""Feedback goes along when two guests become one."""

from django.utils.translation import gettext_lazy as _

from customers.merging.registry import RowsMover, register_mover
from feedback.models import Feedback

register_mover(RowsMover(Feedback, label=_("Feedback"), icon="message-dots", code="feedback"))

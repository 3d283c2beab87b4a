"""Contacts go along when two guests become one."""

from django.utils.translation import gettext_lazy as _

from customers.merging.registry import RowsMover, register_mover
from outreach.models import Interaction

register_mover(RowsMover(Interaction, label=_("Contacts"), icon="phone-call", code="interactions"))

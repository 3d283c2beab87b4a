"""The base segment follows the figures when two guests become one, and back."""

from django.utils.translation import gettext_lazy as _

from customers.merging.registry import Merge, Mover, register_mover
from segments.services import refresh_customer


class BaseSegmentMover(Mover):
    """Worked out again once visits, points and tier have moved."""

    name = "base_segment"
    label = _("Segment")

    def settle(self, merge: Merge) -> None:
        for guest in (merge.kept, merge.merged):
            refresh_customer(guest.summary)


register_mover(BaseSegmentMover())

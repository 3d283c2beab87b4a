"""RFM: how recently, how often and for how much, each scored 1 to 5 by the café's own distribution."""

from django.utils.translation import gettext_lazy as _

# The eleven groups, best first; who belongs where is in :func:`group_of`.
GROUPS = (
    ("champions", _("Champions")),
    ("loyal", _("Loyal guests")),
    ("potential_loyal", _("Potentially loyal")),
    ("recent", _("New guests (RFM)")),
    ("promising", _("Promising")),
    ("needs_attention", _("Need attention")),
    ("about_to_sleep", _("About to sleep")),
    ("at_risk", _("At risk (RFM)")),
    ("cannot_lose", _("Must not be lost")),
    ("hibernating", _("Hibernating")),
    ("lost", _("Lost")),
)

# The group by recency (rows, 5 first) and the mean of frequency and spend, rounded up (columns, 1 first). After the
# table of eleven segments that RFM tools share (Putler, "RFM analysis", 2017: ranges of R against the mean of F and
# M); its ranges overlap, so where two fit, the one that asks for the more urgent action was taken.
GRID = (
    ("recent", "potential_loyal", "potential_loyal", "champions", "champions"),
    ("promising", "potential_loyal", "potential_loyal", "loyal", "champions"),
    ("promising", "needs_attention", "needs_attention", "loyal", "loyal"),
    ("about_to_sleep", "about_to_sleep", "at_risk", "at_risk", "at_risk"),
    ("lost", "hibernating", "at_risk", "cannot_lose", "cannot_lose"),
)
# With fewer guests a fifth is a handful, and a score says more about chance than about the guest.
LEAST_GUESTS = 25
WINDOW_DAYS = 365


def group_of(recency: int, frequency: int, monetary: int) -> str:
    """Return the group of three scores from 1 to 5."""
    return GRID[5 - recency][(frequency + monetary + 1) // 2 - 1]

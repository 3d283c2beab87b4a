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

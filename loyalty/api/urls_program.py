"""``/api/crm/loyalty/``: the program, its tiers, bonus rules, versions and the simulator."""

from loyalty.api import program
from servaan_crm.core.urls import both

urlpatterns = [
    *both("loyalty/program", program.ProgramView.as_view(), name="loyalty-program"),
    *both("loyalty/program/versions", program.VersionsView.as_view(), name="loyalty-versions"),
    *both("loyalty/program/versions/<int:version>", program.VersionView.as_view(), name="loyalty-version"),
    *both("loyalty/tiers", program.TiersView.as_view(), name="loyalty-tiers"),
    *both("loyalty/tiers/<str:level>", program.TierView.as_view(), name="loyalty-tier"),
    *both("loyalty/bonus-rules", program.BonusRulesView.as_view(), name="bonus-rules"),
    *both("loyalty/bonus-rules/<uuid:rule_id>", program.BonusRuleView.as_view(), name="bonus-rule"),
    *both("loyalty/simulate", program.SimulateView.as_view(), name="loyalty-simulate"),
]

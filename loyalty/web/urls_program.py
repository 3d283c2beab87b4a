"""``/loyalty/``: the program, its bonus rules, tiers and versions."""

from django.urls import path

from loyalty.web import program, simulator, tiers

urlpatterns = [
    path("", program.ProgramPage.as_view(), name="program"),
    path("save/", program.SaveProgram.as_view(), name="program-save"),
    path("simulate/", simulator.SimulationPart.as_view(), name="simulate"),
    path("bonus/new/", program.BonusPage.as_view(), name="bonus-new"),
    path("bonus/sentence/", program.BonusSentence.as_view(), name="bonus-sentence"),
    path("bonus/<uuid:rule_id>/", program.EditBonus.as_view(), name="bonus"),
    path("bonus/<uuid:rule_id>/list/", program.ChangeBonusList.as_view(), name="bonus-list"),
    path("tiers/", tiers.TiersPage.as_view(), name="tiers"),
    path("tiers/save/", tiers.SaveTiers.as_view(), name="tiers-save"),
    path("tiers/preview/", tiers.TierPreviewPart.as_view(), name="tiers-preview"),
    path("versions/", program.VersionsPage.as_view(), name="versions"),
    path("versions/<int:version>/", program.VersionPage.as_view(), name="version"),
]

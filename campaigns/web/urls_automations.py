"""``/automations/``."""

from django.urls import path

from campaigns.web import automations as pages

app_name = "automations"
_ONE = "<uuid:automation_id>/"
urlpatterns = [
    path("", pages.AutomationList.as_view(), name="list"),
    path("new/", pages.NewAutomation.as_view(), name="new"),
    path("sentence/", pages.SentencePart.as_view(), name="sentence"),
    path("condition/", pages.ConditionPart.as_view(), name="condition"),
    path(_ONE, pages.AutomationPage.as_view(), name="detail"),
    path(f"{_ONE}edit/", pages.EditAutomation.as_view(), name="edit"),
    path(f"{_ONE}switch/", pages.Switch.as_view(), name="switch"),
    path(f"{_ONE}delete/", pages.Delete.as_view(), name="delete"),
    path(f"{_ONE}dry-run/", pages.DryRunPage.as_view(), name="dry-run"),
]

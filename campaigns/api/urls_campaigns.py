"""``/api/crm/campaigns`` and ``/api/crm/campaign-templates``; fixed words come first."""

from campaigns.api import templates, views
from servaan_crm.core.urls import both

_ONE = "campaigns/<uuid:campaign_id>"

urlpatterns = [
    *both("campaigns", views.CampaignsView.as_view(), name="campaigns"),
    *both("campaigns/preview", views.PreviewView.as_view(), name="campaigns-preview"),
    *both(_ONE, views.CampaignView.as_view(), name="campaign"),
    *both(f"{_ONE}/submit", views.SubmitView.as_view(), name="campaign-submit"),
    *both(f"{_ONE}/approve", views.ApproveView.as_view(), name="campaign-approve"),
    *both(f"{_ONE}/reject", views.RejectView.as_view(), name="campaign-reject"),
    *both(f"{_ONE}/withdraw", views.WithdrawView.as_view(), name="campaign-withdraw"),
    *both(f"{_ONE}/schedule", views.ScheduleView.as_view(), name="campaign-schedule"),
    *both(f"{_ONE}/send", views.SendView.as_view(), name="campaign-send"),
    *both(f"{_ONE}/pause", views.PauseView.as_view(), name="campaign-pause"),
    *both(f"{_ONE}/resume", views.ResumeView.as_view(), name="campaign-resume"),
    *both(f"{_ONE}/cancel", views.CancelView.as_view(), name="campaign-cancel"),
    *both(f"{_ONE}/retry", views.RetryView.as_view(), name="campaign-retry"),
    *both(f"{_ONE}/test", views.TestView.as_view(), name="campaign-test"),
    *both(f"{_ONE}/duplicate", views.DuplicateCampaignView.as_view(), name="campaign-duplicate"),
    *both(f"{_ONE}/stats", views.StatsView.as_view(), name="campaign-stats"),
    *both(f"{_ONE}/deliveries", views.DeliveriesView.as_view(), name="campaign-deliveries"),
    *both(f"{_ONE}/results", views.ResultsView.as_view(), name="campaign-results"),
    *both("campaign-templates", templates.TemplatesView.as_view(), name="campaign-templates"),
    *both(
        "campaign-templates/<uuid:template_id>", templates.TemplateView.as_view(), name="campaign-template"
    ),
]

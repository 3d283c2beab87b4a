"""``/campaigns/``."""

from django.urls import path

from campaigns.web import actions, composer, listing, live, previews, recipients, selection, texts

app_name = "campaigns"
_ONE = "<uuid:campaign_id>/"
_TEXT = "templates/<uuid:template_id>/"
urlpatterns = [
    path("", listing.CampaignList.as_view(), name="list"),
    path("new/", composer.NewCampaign.as_view(), name="new"),
    path("audience/", previews.AudiencePart.as_view(), name="audience"),
    path("from-customers/", selection.FromCustomers.as_view(), name="from-customers"),
    path("templates/", texts.TextList.as_view(), name="templates"),
    path("templates/new/", texts.NewText.as_view(), name="template-new"),
    path(_TEXT, texts.EditText.as_view(), name="template"),
    path(f"{_TEXT}copy/", texts.CopyText.as_view(), name="template-copy"),
    path(f"{_TEXT}delete/", texts.DeleteText.as_view(), name="template-delete"),
    path(_ONE, live.CampaignPage.as_view(), name="detail"),
    path(f"{_ONE}edit/", composer.EditStep.as_view(), name="edit"),
    path(f"{_ONE}edit/<slug:step>/", composer.EditStep.as_view(), name="edit-step"),
    path(f"{_ONE}text/", previews.TextPart.as_view(), name="text-part"),
    path(f"{_ONE}time/", previews.TimePart.as_view(), name="time-part"),
    path(f"{_ONE}live/", live.LivePart.as_view(), name="live"),
    path(f"{_ONE}guests/", recipients.RecipientList.as_view(), name="deliveries"),
    path(f"{_ONE}guests/export/", recipients.RecipientFile.as_view(), name="export"),
    path(f"{_ONE}do/<slug:action>/", actions.Act.as_view(), name="act"),
    path(f"{_ONE}reject/", actions.Reject.as_view(), name="reject"),
    path(f"{_ONE}retry/", actions.Retry.as_view(), name="retry"),
    path(f"{_ONE}test/", actions.SendTest.as_view(), name="test"),
    path(f"{_ONE}copy/", actions.Duplicate.as_view(), name="duplicate"),
    path(f"{_ONE}delete/", actions.Delete.as_view(), name="delete"),
]

"""Short links; short, because they travel by SMS."""

from django.urls import path

from campaigns.web.short_links import ShortLinkView

urlpatterns = [path("<slug:link>", ShortLinkView.as_view(), name="short-link")]

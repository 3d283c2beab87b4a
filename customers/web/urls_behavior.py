"""The behaviour tab and the occasions ahead."""

from django.urls import path

from customers.web import behavior, events

urlpatterns = [
    path("events/", events.EventsPage.as_view(), name="events"),
    path("<uuid:customer_id>/tab/behavior/", behavior.BehaviorTab.as_view(), name="tab-behavior"),
]

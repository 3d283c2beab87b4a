"""Addresses of this room."""

from outreach.api.calls import CallTaskStatusView, CallTasksTodayView, CallTasksView
from outreach.api.communications import CommunicationsView
from outreach.api.views import InteractionsView
from servaan_crm.core.urls import both

urlpatterns = [
    *both("call-tasks", CallTasksView.as_view(), name="call-tasks"),
    *both("call-tasks/today", CallTasksTodayView.as_view(), name="call-tasks-today"),
    *both("call-tasks/<uuid:task_id>/status", CallTaskStatusView.as_view(), name="call-task-status"),
    *both("customers/<uuid:customer_id>/interactions", InteractionsView.as_view(), name="interactions"),
    *both(
        "customers/<uuid:customer_id>/communications",
        CommunicationsView.as_view(),
        name="customer-communications",
    ),
]

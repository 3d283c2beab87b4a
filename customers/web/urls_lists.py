"""The list: its parts, what can be done to many guests, saved views."""

from django.urls import path

from customers.web import bulk, customer_list, saved_views

urlpatterns = [
    path("", customer_list.CustomerListPage.as_view(), name="list"),
    path("narrow/", customer_list.NarrowList.as_view(), name="narrow"),
    path("count/", customer_list.ExactCount.as_view(), name="count"),
    path("searches/", saved_views.RecentSearches.as_view(), name="recent"),
    path("views/", saved_views.SaveView.as_view(), name="save-view"),
    path("views/<uuid:view_id>/", saved_views.ChangeView.as_view(), name="change-view"),
    path("bulk/", bulk.PrepareBulk.as_view(), name="bulk"),
    path("bulk/run/", bulk.RunBulk.as_view(), name="bulk-run"),
    path("bulk/message/", bulk.PreviewMessage.as_view(), name="bulk-message"),
    path("bulk/<uuid:bulk_id>/", bulk.BulkJobPage.as_view(), name="bulk-job"),
    path("bulk/<uuid:bulk_id>/cancel/", bulk.CancelBulk.as_view(), name="bulk-cancel"),
    path("bulk/<uuid:bulk_id>/undo/", bulk.UndoBulk.as_view(), name="bulk-undo"),
]

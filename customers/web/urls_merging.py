"""Duplicates and merging under ``/customers/``."""

from django.urls import path

from customers.web import merging

urlpatterns = [
    path("duplicates/", merging.DuplicatesPage.as_view(), name="duplicates"),
    path("duplicates/search/", merging.LookAgain.as_view(), name="duplicates-search"),
    path("duplicates/progress/", merging.ScanProgress.as_view(), name="duplicates-progress"),
    path("merges/<uuid:merge_id>/undo/", merging.UndoMerge.as_view(), name="merge-undo"),
    path("<uuid:customer_id>/duplicates/", merging.DuplicateHint.as_view(), name="duplicate-hint"),
    path("<uuid:customer_id>/merge/", merging.ChooseOther.as_view(), name="merge-choose"),
    path("<uuid:customer_id>/merge/<uuid:other_id>/", merging.MergePage.as_view(), name="merge"),
    path(
        "<uuid:customer_id>/not-duplicate/<uuid:other_id>/",
        merging.DismissDuplicate.as_view(),
        name="not-duplicate",
    ),
]

"""The parts of one guest's profile, and the café's own fields."""

from django.urls import path

from customers.web import consent, custom_fields, family, history, notes, privacy

ONE = "<uuid:customer_id>"

urlpatterns = [
    path("fields/", custom_fields.CustomFieldsPage.as_view(), name="fields"),
    path("fields/<uuid:field_id>/", custom_fields.EditCustomField.as_view(), name="field"),
    path(f"{ONE}/tab/notes/", notes.NotesTab.as_view(), name="tab-notes"),
    path(f"{ONE}/tab/notes/<uuid:note_id>/", notes.EditNote.as_view(), name="note"),
    path(f"{ONE}/tab/notes/<uuid:note_id>/pin/", notes.PinNote.as_view(), name="note-pin"),
    path(f"{ONE}/tab/notes/<uuid:note_id>/delete/", notes.DeleteNote.as_view(), name="note-delete"),
    path(f"{ONE}/tags/", notes.SaveTags.as_view(), name="save-tags"),
    path(f"{ONE}/tab/family/", family.FamilyTab.as_view(), name="tab-family"),
    path(f"{ONE}/tab/family/<uuid:member_id>/", family.EditMember.as_view(), name="family-member"),
    path(f"{ONE}/tab/family/<uuid:member_id>/remove/", family.RemoveMember.as_view(), name="family-remove"),
    path(f"{ONE}/tab/consent/", consent.ConsentTab.as_view(), name="tab-consent"),
    path(f"{ONE}/block/", consent.BlockCustomer.as_view(), name="block"),
    path(f"{ONE}/unblock/", consent.UnblockCustomer.as_view(), name="unblock"),
    path(f"{ONE}/tab/history/", history.HistoryTab.as_view(), name="tab-history"),
    path(f"{ONE}/data/", privacy.CustomerData.as_view(), name="data"),
    path(f"{ONE}/erase/", privacy.EraseCustomer.as_view(), name="erase"),
]

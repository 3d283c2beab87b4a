"""Notes, tags, family, consent, own fields and privacy of guests."""

from customers.api import profile
from servaan_crm.core.urls import both

ONE = "customers/<uuid:customer_id>"

urlpatterns = [
    *both(f"{ONE}/notes", profile.NotesView.as_view(), name="customer-notes"),
    *both(f"{ONE}/notes/<uuid:note_id>", profile.NoteView.as_view(), name="customer-note"),
    *both(f"{ONE}/family-members", profile.FamilyMembersView.as_view(), name="customer-family"),
    *both(
        f"{ONE}/family-members/<uuid:member_id>",
        profile.FamilyMemberView.as_view(),
        name="customer-family-member",
    ),
    *both("tags", profile.TagsView.as_view(), name="tags"),
    *both(f"{ONE}/tags", profile.CustomerTagsView.as_view(), name="customer-tags"),
    *both(f"{ONE}/consent", profile.ConsentView.as_view(), name="customer-consent"),
    *both(f"{ONE}/custom-fields", profile.CustomFieldsView.as_view(), name="customer-custom-fields"),
    *both(f"{ONE}/erase", profile.EraseView.as_view(), name="customer-erase"),
    *both(f"{ONE}/data-export", profile.DataExportView.as_view(), name="customer-data-export"),
]

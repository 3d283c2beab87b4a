"""The customer book in the back office: guests through the services, visits to be read, the menu to be kept."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from customers import admin_book, admin_lists  # noqa: F401 - register the rest of the book
from customers.admin_seen import SeenForm, seen_of
from customers.errors import CustomerNotFound
from customers.models import Customer, MenuItem, Tag, Visit
from customers.selectors import search_customers
from customers.services import create_customer, delete_customer, restore_customer, update_customer
from customers.services.catalog import delete_tag, save_menu_item, save_tag
from servaan_crm.core.admin_display import ReadOnlyAdmin, ServiceAdmin
from servaan_crm.core.errors import DomainError
from servaan_crm.l10n.money import format_money, format_number


class DeletedFilter(admin.SimpleListFilter):
    """Guests in the book, unless the deleted ones are asked for."""

    title = _("Deleted")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Deleted"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Customer]) -> QuerySet[Customer]:
        return queryset.filter(deleted_at__isnull=self.value() != "yes")

    def choices(self, changelist: Any) -> Any:
        """Say what "all" means here: those who are not deleted."""
        for number, choice in enumerate(super().choices(changelist)):
            yield {**choice, "display": _("Not deleted")} if number == 0 else choice


class CustomerForm(forms.ModelForm):
    """Carries the version the person saw, so that nobody overwrites a newer change unseen."""

    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Customer
        fields = (
            "name", "phone", "status", "block_reason", "allow_marketing", "tags", "name_english", "email", "gender",
            "birthday", "anniversary", "notes", "preferences", "address", "city", "postal_code",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen_version"] = self.instance.version

    def add_prefix(self, field_name: str) -> str:
        """Call it "version" in the page; as a name of the form that is the model's own, locked column."""
        return super().add_prefix("version" if field_name == "seen_version" else field_name)


@admin.register(Customer)
class CustomerAdmin(ServiceAdmin):
    """Guests. Deleting keeps the history and can be taken back."""

    form = CustomerForm
    list_display = ("name", "phone", "status", "visits", "spent", "created_at")
    list_filter = (DeletedFilter, "status", "summary__tier", "summary__segment", "tags")
    list_select_related = ("summary",)
    search_fields = ("search_key", "phone")
    ordering = ("-created_at",)
    filter_horizontal = ("tags",)
    show_full_result_count = False
    readonly_fields = ("created_at", "created_by", "deleted_at")
    fieldsets = (
        (_("Who"), {"fields": ("name", "phone", "name_english", "email", "gender", "tags", "seen_version")}),
        (_("Days to remember"), {"fields": ("birthday", "anniversary")}),
        (_("At the counter"), {"fields": ("notes", "preferences")}),
        (_("Status and consent"), {"fields": ("status", "block_reason", "allow_marketing")}),
        (_("Contact"), {"fields": ("address", "city", "postal_code"), "classes": ("collapse",)}),
        (_("In the book"), {"fields": ("created_at", "created_by", "deleted_at")}),
    )
    actions = ("restore_chosen",)

    @admin.display(description=_("visits"), ordering="summary__total_visits")
    def visits(self, customer: Customer) -> str:
        """How often the guest came."""
        return format_number(customer.summary.total_visits)

    @admin.display(description=_("lifetime spend"), ordering="summary__lifetime_spent")
    def spent(self, customer: Customer) -> str:
        """What the guest spent in all visits."""
        return format_money(customer.summary.lifetime_spent)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Search as everywhere else: «علي» finds «علی», ۰۹۱۲ finds +98912, through the indexes made for it."""
        return search_customers(queryset, search_term), False

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Customer:
        values.pop("seen_version", None)
        return create_customer(actor=request.user.actor, offer_restore=True, **values)  # type: ignore[union-attr]

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> Customer:
        seen = changes.pop("seen_version", None) or row.version
        actor = request.user.actor  # type: ignore[union-attr]
        return update_customer(actor=actor, customer_id=row.pk, expected_version=seen, changes=changes)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.deleted_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_delete(request) and (obj is None or obj.deleted_at is None)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Nothing else goes with a guest: history and ledger stay."""
        return [str(guest) for guest in objs], {str(self.opts.verbose_name_plural): len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_customer(actor=request.user.actor, customer_id=obj.pk)  # type: ignore[union-attr]

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for customer in queryset.filter(deleted_at=None):
            with suppress(CustomerNotFound):  # somebody else was faster
                self.delete_model(request, customer)

    @admin.action(description=_("Restore the chosen customers"), permissions=["delete"])
    def restore_chosen(self, request: HttpRequest, queryset: QuerySet[Customer]) -> None:
        """Bring the chosen guests back."""
        count = 0
        for customer in queryset.exclude(deleted_at=None):
            try:
                restore_customer(actor=request.user.actor, customer_id=customer.pk)  # type: ignore[union-attr]
            except DomainError as error:  # the number has another owner, merged, erased
                self.message_user(request, f"{customer}: {error}", messages.ERROR)
            else:
                count += 1
        if not count:
            return
        text = ngettext("%(count)d customer was restored.", "%(count)d customers were restored.", count)
        self.message_user(request, text % {"count": count})


@admin.register(Visit)
class VisitAdmin(ReadOnlyAdmin):
    """Bills. They are recorded and voided at the counter."""

    list_display = (
        "visit_date", "customer", "visit_number", "final_amount", "payment_method", "outlet", "voided_at",
    )  # fmt: skip
    list_filter = ("outlet", "visit_type", "payment_method", ("voided_at", admin.EmptyFieldListFilter))
    list_select_related = ("customer", "outlet")
    search_fields = ("customer__name", "=customer__phone", "=order_reference", "=table_number")
    ordering = ("-visit_date",)


@admin.register(MenuItem)
class MenuItemAdmin(ServiceAdmin):
    """What the café sells. Bills keep the name and price of their day; what is off the menu is switched off."""

    list_display = ("name", "category", "price", "is_active", "display_order")
    list_filter = ("is_active", "category")
    search_fields = ("name", "category")
    form = SeenForm

    def create(self, request: HttpRequest, values: dict[str, Any]) -> MenuItem:
        values.pop("seen", None)
        return save_menu_item(actor=request.user.actor, values=values)  # type: ignore[union-attr]

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> MenuItem:
        seen, actor = seen_of(row, changes), request.user.actor  # type: ignore[union-attr]
        return save_menu_item(actor=actor, values=changes, item=row, seen=seen)


@admin.register(Tag)
class TagAdmin(ServiceAdmin):
    """Words staff put on guests."""

    list_display = ("name", "color")
    search_fields = ("name",)
    form = SeenForm

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Tag:
        values.pop("seen", None)
        return save_tag(actor=request.user.actor, values=values)  # type: ignore[union-attr]

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> Tag:
        seen, actor = seen_of(row, changes), request.user.actor  # type: ignore[union-attr]
        return save_tag(actor=actor, values=changes, tag=row, seen=seen)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_delete(request)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_tag(actor=request.user.actor, tag_id=obj.pk)  # type: ignore[union-attr]

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for tag in queryset:
            self.delete_model(request, tag)

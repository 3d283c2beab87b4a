"""How the admin writes dates, numbers and amounts, and pages that only show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString

from servaan_crm.core.db import write
from servaan_crm.core.errors import DomainError
from servaan_crm.core.features import FEATURES, is_enabled
from servaan_crm.l10n.forms import DigitsIntegerField, LocalDateField, MoneyField, PhoneField
from servaan_crm.l10n.jalali import format_date, format_datetime
from servaan_crm.l10n.money import format_money, format_number
from servaan_crm.l10n.phone import display

# From this size on a decimal is an amount of money; percentages and multipliers are smaller.
_MONEY_DIGITS = 12


# Rooms whose feature toggle has another name than the room.
FEATURE_OF = {"customers": "crm", "segments": "crm"}


def room_is_on(app_label: str) -> bool:
    """Whether the café has the feature of this room switched on; rooms without one always are."""
    feature = FEATURE_OF.get(app_label, app_label)
    return feature not in FEATURES or is_enabled(feature)


def is_money(field: models.Field[Any, Any]) -> bool:
    """Whether the column holds an amount in the base unit of the currency."""
    if not isinstance(field, models.DecimalField):
        return False
    return field.decimal_places == 2 and (field.max_digits or 0) >= _MONEY_DIGITS


def writer_of(field: models.Field[Any, Any], *, money: bool = True) -> Callable[[Any], str] | None:
    """Return what writes values of ``field`` for people, or None where Django's own way is right."""
    if field.choices or field.is_relation:
        return None
    if isinstance(field, models.DateTimeField):
        return format_datetime
    if isinstance(field, models.DateField):
        return format_date
    if money and is_money(field):
        return format_money
    if isinstance(field, models.DecimalField):
        return lambda value: format_number(value, places=field.decimal_places or 0)
    if isinstance(field, models.IntegerField):
        return lambda value: format_number(value)
    if isinstance(field, models.CharField) and field.name in {"phone", "recipient"}:
        return _national
    return None


def _national(e164: str) -> SafeString:
    """Return a number as people of the country write it, isolated from the direction of the text around."""
    return format_html('<bdi dir="ltr">{}</bdi>', display(e164)) if e164 else SafeString("")


class LocalDisplay(admin.ModelAdmin):
    """Mixed into every admin of ours by the site."""

    # Decimal columns that are large and yet no money.
    not_money: tuple[str, ...] = ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return room_is_on(self.opts.app_label) and super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return room_is_on(self.opts.app_label) and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return room_is_on(self.opts.app_label) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return room_is_on(self.opts.app_label) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write with the author known to the audit trail."""
        with write(request.user.actor):  # type: ignore[union-attr]
            super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with write(request.user.actor):  # type: ignore[union-attr]
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        with write(request.user.actor):  # type: ignore[union-attr]
            super().delete_queryset(request, queryset)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [self._written(name) for name in super().get_list_display(request)]

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        if self.list_display_links or self.list_display_links is None or not list_display:
            return super().get_list_display_links(request, list_display)
        return list(list_display)[:1]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [self._written(name) for name in super().get_readonly_fields(request, obj)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Show frozen columns in the café's writing; those that can be edited stay form fields."""
        frozen = {
            name if isinstance(name, str) else name.__name__
            for name in self.get_readonly_fields(request, obj)
        }
        only_shown = obj is not None and not self.has_change_permission(request, obj)
        return [
            (
                title,
                {
                    **options,
                    "fields": [self._placed(entry, frozen, only_shown) for entry in options["fields"]],
                },
            )
            for title, options in super().get_fieldsets(request, obj)
        ]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Take dates of the café's calendar, amounts in the screen's unit, digits of any script."""
        if not db_field.choices and not db_field.is_relation and db_field.editable:
            field_class = self._form_class(db_field)
            if field_class is not None:
                return _plain_form_field(db_field, field_class)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def _form_class(self, db_field: Any) -> type[forms.Field] | None:
        if isinstance(db_field, models.DateField) and not isinstance(db_field, models.DateTimeField):
            return LocalDateField
        if is_money(db_field) and db_field.name not in self.not_money:
            return MoneyField
        if isinstance(db_field, models.CharField) and db_field.name == "phone":
            return PhoneField
        return DigitsIntegerField if isinstance(db_field, models.IntegerField) else None

    def _placed(self, entry: Any, frozen: set[str], only_shown: bool) -> Any:
        if isinstance(entry, (list, tuple)):
            return tuple(self._placed(each, frozen, only_shown) for each in entry)
        return self._written(entry) if only_shown or entry in frozen else entry

    def _written(self, name: Any) -> Any:
        """Return the column in the café's writing, or the name as it is. The same callable each time."""
        if not isinstance(name, str) or hasattr(self, name):
            return name
        known: dict[str, Any] = self.__dict__.setdefault("_writers", {})
        if name not in known:
            known[name] = self._make_writer(name)
        return known[name]

    def _make_writer(self, name: str) -> Any:
        try:
            field = self.model._meta.get_field(name)
        except FieldDoesNotExist:
            return name
        if not isinstance(field, models.Field):
            return name
        write = writer_of(field, money=name not in self.not_money)
        if write is None:
            return name

        @admin.display(description=field.verbose_name, ordering=name, empty_value="–")
        def written(row: Any) -> str:
            value = getattr(row, name)
            return "" if value is None else write(value)

        written.__name__ = name
        return written


def _plain_form_field(db_field: Any, field_class: type[forms.Field]) -> forms.Field:
    options: dict[str, Any] = {
        "required": not db_field.blank,
        "label": db_field.verbose_name,
        "help_text": db_field.help_text,
    }
    if db_field.has_default():
        options["initial"] = db_field.get_default()
    return field_class(**options)


class ReadOnlyAdmin(LocalDisplay):
    """Look, do not touch: nothing can be added, changed or deleted here, by anybody."""

    leave_out: tuple[str, ...] = ()
    show_full_result_count = False
    list_per_page = 50
    actions = None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if self.fields:
            return self.fields
        return [field.name for field in self.model._meta.concrete_fields if field.name not in self.leave_out]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [self._written(name) for name in self.get_fields(request, obj)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ServiceAdmin(LocalDisplay):
    """Saving goes through the room's services, refusals come back as messages; rows are not deleted here.

    A room implements ``create`` and/or ``update``. Django's form has validated and filled the object; the
    service gets the changed values, writes in its own way and returns the row as it is now.
    """

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Any:
        """Create a row from the cleaned form."""
        raise NotImplementedError

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> Any:
        """Change ``row``; ``changes`` holds the cleaned values that differ."""
        raise NotImplementedError

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            saved = self.create(request, dict(form.cleaned_data))
        else:
            changes = {
                name: form.cleaned_data[name] for name in form.changed_data if name in form.cleaned_data
            }
            saved = self.update(request, obj, changes) if changes else obj
        obj.pk = saved.pk
        obj._state.adding = False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Show what a service refuses above the form instead of failing."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except (DomainError, ValidationError) as error:
            for text in error.messages if isinstance(error, ValidationError) else [str(error)]:
                self.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_delete(self, request: HttpRequest) -> bool:
        """Whether the role may delete here, for rooms that have a service for it."""
        return LocalDisplay.has_delete_permission(self, request)

"""One filter set for the customer lists of the API and of the pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet, TextChoices
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_filters import Filter, FilterSet

from customers.models import Customer, CustomerSummary, Tag
from customers.selectors.custom_fields import CUSTOM_PREFIX, CustomFilters
from customers.selectors.customers import DEFAULT_ORDER, DEFAULT_SORT, SORTS, CustomerList, all_customers
from customers.selectors.derived import CustomerType, Fact, Facts, Lifecycle, Risk, Temperature, get_facts
from customers.selectors.search import search_customers
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.digits import plain_number
from servaan_crm.l10n.forms import LocalDateField
from servaan_crm.l10n.jalali import local_date, local_day_bounds, month_bounds, week_bounds
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.text import search_key


class Preset(TextChoices):
    """Filters that move with the calendar, so that a saved view stays what it was saved as."""

    WEEK_VISITS = "week_visits", gettext_lazy("This week's visits")
    MONTH_VISITS = "month_visits", gettext_lazy("This month")
    NEW_MEMBERS = "new_members", gettext_lazy("New members")


def preset_days(preset: str, today: date) -> tuple[date, date]:
    """Return the first and the last day ``preset`` covers; weeks and months are those of the café's calendar."""
    first, following = week_bounds(today) if preset == Preset.WEEK_VISITS else month_bounds(today)
    return first, following - timedelta(days=1)


def _say_legal(values: Iterable[str]) -> str:
    return _("Choose one of: %(values)s.") % {"values": ", ".join(values)}


def unknown_parameters(given: Iterable[str], legal: Iterable[str]) -> dict[str, list[str]]:
    """Return parameter → messages for those of ``given`` that are not ``legal``."""
    names = list(legal)
    words = _("There is no such parameter. The legal ones are: %(names)s.") % {"names": ", ".join(names)}
    return {name: [words] for name in given if name not in names}


class CodeField(forms.CharField):
    """One of a few codes; a wrong one is answered with the legal ones."""

    def __init__(self, *, codes: Iterable[str] = (), **options: Any) -> None:
        super().__init__(**options)
        self.codes = tuple(codes)

    def to_python(self, value: Any) -> str:
        code = super().to_python(value) or ""
        if code and code not in self.codes:
            raise ValidationError(_say_legal(self.codes))
        return code


class NamedField(forms.Field):
    """A row of a small table, by id or by name; gives its id."""

    def __init__(self, *, rows: Callable[[], QuerySet[Any]], **options: Any) -> None:
        super().__init__(**options)
        self.rows = rows

    def to_python(self, value: Any) -> UUID | None:
        text = str(value or "").strip()
        if not text:
            return None
        known = list(self.rows().values_list("pk", "name")[:500])
        for pk, name in known:
            if str(pk) == text.lower() or search_key(name) == search_key(text):
                return pk  # type: ignore[no-any-return]
        raise ValidationError(_say_legal(name for _pk, name in known[:50]))


class NumberField(forms.DecimalField):
    """A number from 0, in digits of any script."""

    def __init__(self, *, whole: bool = False, **options: Any) -> None:
        super().__init__(min_value=0, max_digits=18, decimal_places=0 if whole else None, **options)

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        return super().to_python(plain_number(value) if isinstance(value, str) else value)


class TextFilter(Filter):
    field_class = forms.CharField


class CodeFilter(Filter):
    field_class = CodeField


class NamedFilter(Filter):
    field_class = NamedField


class NumberFilter(Filter):
    field_class = NumberField


class DayFilter(Filter):
    field_class = LocalDateField


class CustomerFilter(FilterSet):
    """Reads a query string into a :class:`CustomerList`.

    ``extra`` names the parameters that mean something to the caller (page, limit); every other unknown
    one is an error that lists the legal ones.
    """

    search = TextFilter(max_length=100, method="find")
    segment = CodeFilter(codes=CustomerSummary.Segment.values, field_name="summary__segment")
    status = CodeFilter(codes=Customer.Status.values, field_name="status")
    tier = CodeFilter(codes=CustomerSummary.TierLevel.values, field_name="summary__tier")
    tag = NamedFilter(rows=Tag.objects.all, method="tagged")
    outlet = NamedFilter(rows=Outlet.objects.all, field_name="outlet_id")
    type = CodeFilter(codes=CustomerType.values, method="derived")
    lifecycle = CodeFilter(codes=Lifecycle.values, method="derived")
    temperature = CodeFilter(codes=Temperature.values, method="derived")
    risk = CodeFilter(codes=Risk.values, method="derived")
    preset = CodeFilter(codes=Preset.values, method="presented")
    min_spent = NumberFilter(field_name="summary__lifetime_spent", lookup_expr="gte")
    max_spent = NumberFilter(field_name="summary__lifetime_spent", lookup_expr="lte")
    min_visits = NumberFilter(whole=True, field_name="summary__total_visits", lookup_expr="gte")
    max_visits = NumberFilter(whole=True, field_name="summary__total_visits", lookup_expr="lte")
    created_from = DayFilter(field_name="created_at", method="since")
    created_to = DayFilter(field_name="created_at", method="until")
    last_visit_from = DayFilter(field_name="summary__last_visit_at", method="since")
    last_visit_to = DayFilter(field_name="summary__last_visit_at", method="until")
    sort = CodeFilter(codes=SORTS, method="keep")
    order = CodeFilter(codes=("asc", "desc"), method="keep")

    def __init__(
        self,
        data: QueryDict | Mapping[str, str],
        *,
        extra: Iterable[str] = (),
        default_sort: str = DEFAULT_SORT,
        facts: Facts | None = None,
    ) -> None:
        super().__init__(data, queryset=all_customers())
        self._custom = CustomFilters(data)
        self._legal = [*self.filters, *extra]
        self._default_sort = default_sort
        self._facts = facts

    def problems(self) -> dict[str, list[str]]:
        """Return parameter → messages of everything that is wrong; empty when all is well."""
        found = {name: [str(text) for text in errors] for name, errors in self.form.errors.items()}
        given = [name for name in self.data if not name.startswith(CUSTOM_PREFIX)]
        return found | unknown_parameters(given, self._legal) | self._custom.problems

    def customers(self) -> CustomerList:
        """Return the list asked for. Call it when :meth:`problems` found none."""
        chosen = self.form.cleaned_data
        sort = chosen.get("sort") or self._default_sort
        natural = "asc" if sort in ("name", "phone") else DEFAULT_ORDER
        order = chosen.get("order") or natural
        alone = list(self.active) == ["search"]
        return CustomerList(
            self.qs, sort, order, is_everybody=not self.active, unfenced=self._unfenced(), may_walk=alone,
            of_summary=self._of_summary(), group=self._group(),
        )  # fmt: skip

    def _group(self) -> tuple[str, str] | None:
        """Return segment and tier when nothing else narrows; their numbers are kept."""
        active = self.active
        if not active or not active.keys() <= {"segment", "tier"}:
            return None
        return active.get("segment", ""), active.get("tier", "")

    def _of_summary(self) -> QuerySet[CustomerSummary] | None:
        """Return the summaries of the same guests, deleted ones included; None when a filter needs the guests."""
        rows = CustomerSummary.objects.all()
        for name, value in self.active.items():
            condition = self._summary_condition(name, value)
            if condition is None:
                return None
            rows = rows.filter(condition)
        return rows

    def _summary_condition(self, name: str, value: Any) -> Q | None:
        if name in ("type", "lifecycle", "temperature", "risk"):
            return self._fact(name).q(value, prefix="")
        if name == "preset" and value != Preset.NEW_MEMBERS:
            first, last = preset_days(value, local_date(self._now))
            return _since("last_visit_at", first) & _until("last_visit_at", last)
        field = str(self.filters[name].field_name) if name in self.filters else ""
        if not field.startswith("summary__"):
            return None
        field = field.removeprefix("summary__")
        if name.endswith("_from"):
            return _since(field, value)
        if name.endswith("_to"):
            return _until(field, value)
        return Q(**{f"{field}__{self.filters[name].lookup_expr}": value})

    def _fact(self, name: str) -> Fact:
        facts = self._facts or get_facts()
        return facts.customer_type if name == "type" else getattr(facts, name)  # type: ignore[no-any-return]

    @property
    def _now(self) -> datetime:
        return self._facts.now if self._facts else timezone.now()

    def _unfenced(self) -> QuerySet[Customer] | None:
        """Return the same guests with the search left to the planner; None without a search."""
        if not self.active.get("search"):
            return None
        rows = all_customers()
        for name, value in self.form.cleaned_data.items():
            if name == "search":
                rows = search_customers(rows, value, fenced=False)
            else:
                rows = self.filters[name].filter(rows, value)
        return rows

    @property
    def active(self) -> dict[str, Any]:
        """The narrowing parameters in use: name → value."""
        cleaned = self.form.cleaned_data.items()
        return {
            name: value
            for name, value in cleaned
            if value not in (None, "") and name not in ("sort", "order")
        } | self._custom.active

    def filter_queryset(self, queryset: QuerySet[Customer]) -> QuerySet[Customer]:
        """Narrow by the declared filters and by the café's own fields."""
        return self._custom.narrow(super().filter_queryset(queryset))

    def find(self, rows: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        return search_customers(rows, value)

    def tagged(self, rows: QuerySet[Customer], _name: str, value: UUID) -> QuerySet[Customer]:
        return rows.filter(pk__in=Customer.tags.through.objects.filter(tag_id=value).values("customer_id"))

    def derived(self, rows: QuerySet[Customer], name: str, value: str) -> QuerySet[Customer]:
        return rows.filter(self._fact(name).q(value))

    def presented(self, rows: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        first, last = preset_days(value, local_date(self._now))
        name = "created_at" if value == Preset.NEW_MEMBERS else "summary__last_visit_at"
        return self.until(self.since(rows, name, first), name, last)

    def since(self, rows: QuerySet[Customer], name: str, value: date) -> QuerySet[Customer]:
        return rows.filter(_since(name, value))

    def until(self, rows: QuerySet[Customer], name: str, value: date) -> QuerySet[Customer]:
        return rows.filter(_until(name, value))

    def keep(self, rows: QuerySet[Customer], _name: str, _value: str) -> QuerySet[Customer]:
        """Sorting is not filtering: :meth:`customers` reads it."""
        return rows


def _since(name: str, day: date) -> Q:
    return Q(**{f"{name}__gte": local_day_bounds(day, get_locale().tz)[0]})


def _until(name: str, day: date) -> Q:
    return Q(**{f"{name}__lt": local_day_bounds(day, get_locale().tz)[1]})


PARAMETER_HELP = {
    "search": gettext_lazy("Fragment of the name, phone number, e-mail, notes or a tag."),
    "tag": gettext_lazy("Name or id of a tag."),
    "outlet": gettext_lazy("Name or id of the outlet of the first contact."),
    "risk": gettext_lazy("Risk of dropping off, by the days since the last visit."),
    "preset": gettext_lazy(
        "Who came last this week or this month, or became a guest this month, by the café's calendar."
    ),
    "min_spent": gettext_lazy("Lifetime spend in the base unit, at least."),
    "max_spent": gettext_lazy("Lifetime spend in the base unit, at most."),
}

"""What a column can be, and the guess from its header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from customers.models import CustomField, ImportJob
from servaan_crm.l10n.text import search_key

CUSTOM = "custom:"


@dataclass(frozen=True, slots=True)
class Target:
    """One thing a column can be. ``words`` are headers people write for it, best known first."""

    key: str
    label: str | Promise
    words: tuple[str, ...] = ()
    # Part of a header that is enough to know it.
    parts: tuple[str, ...] = ()


_PHONE = Target(
    "phone",
    gettext_lazy("Mobile number"),
    (
        "تلفن",
        "تماس",
        "شماره",
        "شماره تماس",
        "شماره تلفن",
        "phone",
        "tel",
        "telephone",
        "number",
        "contact",
        "cell",
    ),
    ("موبایل", "همراه", "mobile", "phone number", "cell phone", "شماره تماس", "شماره تلفن"),
)
_NAME = Target(
    "name",
    pgettext_lazy("person", "Name"),
    ("نام", "نام کامل", "نام مشتری", "نام مهمان", "اسم", "مشتری", "مهمان", "name", "full name", "customer",
     "customer name", "guest", "guest name", "first name", "firstname", "نام کوچک"),
    ("نام و نام خانوادگی", "نام خانوادگی و نام", "نام ونام", "اسم و فامیل"),
)  # fmt: skip
_CUSTOMER_TARGETS = (
    _PHONE,
    _NAME,
    Target("last_name", gettext_lazy("Family name"),
           ("نام خانوادگی", "فامیل", "فامیلی", "last name", "lastname", "surname", "family name", "family")),
    Target("name_english", gettext_lazy("Latin name"),
           ("نام لاتین", "نام انگلیسی", "latin name", "english name", "name english", "name en")),
    Target("email", gettext_lazy("E-mail"), ("ایمیل", "رایانامه", "پست الکترونیک", "email", "e mail", "mail"),
           ("ایمیل", "email")),
    Target("gender", gettext_lazy("Gender"), ("جنسیت", "جنس", "gender", "sex")),
    Target("birthday", gettext_lazy("Birthday"),
           ("تولد", "birthday", "birth date", "birthdate", "date of birth", "dob"), ("تاریخ تولد", "روز تولد")),
    Target("anniversary", gettext_lazy("Anniversary"),
           ("سالگرد", "سالگرد ازدواج", "تاریخ ازدواج", "anniversary", "wedding anniversary")),
    Target("city", gettext_lazy("City"), ("شهر", "city", "town")),
    Target("address", gettext_lazy("Address"), ("آدرس", "نشانی", "address")),
    Target("postal_code", gettext_lazy("Postal code"),
           ("کد پستی", "کدپستی", "postal code", "postcode", "zip", "zip code", "pin code")),
    Target("tags", gettext_lazy("Tags"), ("برچسب", "برچسبها", "برچسب ها", "تگ", "تگ ها", "tag", "tags", "labels")),
    Target("allow_marketing", gettext_lazy("Agreed to marketing"),
           ("رضایت", "رضایت تبلیغات", "پیامک تبلیغاتی", "اجازه پیامک", "دریافت پیامک", "consent", "marketing",
            "allow marketing", "opt in", "sms consent", "subscribed")),
    Target("notes", gettext_lazy("Notes"),
           ("یادداشت", "یادداشت ها", "توضیحات", "توضیح", "ملاحظات", "note", "notes", "comment", "remarks")),
    Target("outlet", gettext_lazy("Outlet"), ("شعبه", "outlet", "branch", "location")),
)  # fmt: skip
_VISIT_TARGETS = (
    _PHONE,
    _NAME,
    Target("date", gettext_lazy("Date of the visit"),
           ("تاریخ", "تاریخ خرید", "تاریخ فاکتور", "زمان", "date", "visit date", "order date", "created at",
            "datetime"), ("تاریخ مراجعه", "تاریخ سفارش")),
    Target("time", gettext_lazy("Time of day"), ("ساعت", "time", "hour")),
    Target("amount", gettext_lazy("Amount"),
           ("مبلغ", "جمع", "جمع کل", "مبلغ کل", "مبلغ فاکتور", "مبلغ خرید", "amount", "total", "total amount",
            "price", "bill", "subtotal")),
    Target("discount", gettext_lazy("Discount"), ("تخفیف", "مبلغ تخفیف", "discount", "discount amount")),
    Target("payment", gettext_lazy("Payment"),
           ("پرداخت", "روش پرداخت", "نحوه پرداخت", "نوع پرداخت", "payment", "payment method", "paid by")),
    Target("type", gettext_lazy("Type"), ("نوع", "نوع سفارش", "نوع مراجعه", "type", "visit type", "order type")),
    Target("items", gettext_lazy("Items"), ("اقلام", "سفارش", "محصولات", "آیتم ها", "items", "order", "products")),
    Target("table", gettext_lazy("Table"), ("میز", "شماره میز", "table", "table number")),
    Target("server", gettext_lazy("Server"), ("گارسون", "صندوقدار", "سرور", "server", "waiter", "cashier")),
    Target("outlet", gettext_lazy("Outlet"), ("شعبه", "outlet", "branch", "location")),
    Target("reference", gettext_lazy("Order reference"),
           ("شماره فاکتور", "شماره سفارش", "کد سفارش", "فاکتور", "invoice", "invoice number", "order id",
            "order number", "order reference", "reference", "receipt")),
    Target("notes", gettext_lazy("Notes"), ("یادداشت", "توضیحات", "توضیح", "note", "notes", "comment")),
)  # fmt: skip
# Without these there is nothing to take over.
REQUIRED = {ImportJob.Kind.CUSTOMERS: ("phone",), ImportJob.Kind.VISITS: ("date", "amount")}
_MARKS = re.compile(r"[\W_]+")


def targets(kind: str) -> list[Target]:
    """Return what a column of a file of ``kind`` can be; the café's own fields come last."""
    if kind == ImportJob.Kind.VISITS:
        return list(_VISIT_TARGETS)
    own = CustomField.objects.filter(is_active=True)
    return [
        *_CUSTOMER_TARGETS,
        *(Target(f"{CUSTOM}{field.key}", field.label, (field.label, field.key)) for field in own),
    ]


def _plain(text: str) -> str:
    return " ".join(_MARKS.sub(" ", search_key(text)).split())


def guess(headers: Iterable[str], kind: str) -> dict[str, str]:
    """Return column number (as text, from 0) → target key for the headers that are understood.

    Each target is given once: to the first column whose header is one of its words, else contains a part.
    """
    columns = {str(number): _plain(header) for number, header in enumerate(headers)}
    found: dict[str, str] = {}
    choices = targets(kind)
    for exact in (True, False):
        for number, header in columns.items():
            if number in found or not header:
                continue
            for target in choices:
                if target.key not in found.values() and _fits(target, header, exact):
                    found[number] = target.key
                    break
    return found


def _fits(target: Target, header: str, exact: bool) -> bool:
    if exact:
        return header in {_plain(word) for word in (*target.words, *target.parts)}
    return any(_plain(part) in header for part in target.parts)


def check_mapping(mapping: Mapping[str, str], headers: list[str], kind: str) -> dict[str, str]:
    """Return ``mapping`` (column number → target key) without the columns that are left out.

    Raises:
        ValidationError: names a column or a target that does not exist, a target given twice, and what is
            missing.
    """
    legal = {target.key: target for target in targets(kind)}
    chosen: dict[str, str] = {}
    for number, key in mapping.items():
        if not key:
            continue
        if key not in legal:
            raise ValidationError(
                {"mapping": _("“%(key)s” is no field. Choose one of: %(keys)s.")
                 % {"key": key, "keys": ", ".join(legal)}}
            )  # fmt: skip
        if not number.isdigit() or int(number) >= len(headers):
            raise ValidationError({"mapping": _("There is no column %(number)s.") % {"number": number}})
        if key in chosen.values():
            raise ValidationError(
                {"mapping": _("Two columns are “%(label)s”. Choose one.") % {"label": legal[key].label}}
            )
        chosen[number] = key
    for key in REQUIRED[ImportJob.Kind(kind)]:
        if key not in chosen.values():
            words = _("Say which column is “%(label)s”.") % {"label": legal[key].label}
            raise ValidationError({"mapping": words})
    return chosen


def by_header(wanted: Mapping[str, object], headers: list[str], kind: str) -> dict[str, str]:
    """Return the mapping for ``wanted`` (header or column number → target key; "" leaves a column out).

    Columns that are not named keep the guess. Raises ValidationError for a header the file does not have.
    """
    chosen = guess(headers, kind)
    for header, key in wanted.items():
        number = str(headers.index(header)) if header in headers else header
        if not (number.isdigit() and int(number) < len(headers)):
            raise ValidationError(
                {"mapping": _("The file has no column “%(header)s”.") % {"header": header[:100]}}
            )
        text = "" if key is None else str(key)
        chosen = {other: kept for other, kept in chosen.items() if kept != text or not text}
        chosen[number] = text
    return check_mapping(chosen, headers, kind)

"""Phone numbers as the counter's field shows them."""

from dataclasses import dataclass

from customers.models import Customer
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import PhoneError, display, parse_phone, phone_fragment


@dataclass(frozen=True, slots=True)
class TypedNumber:
    """What was typed: a whole number (``e164``), or a hint on what is missing."""

    e164: str = ""
    hint: str = ""


def read_number(typed: str) -> TypedNumber:
    """Read the field; a hint is given only once enough digits for a number were typed."""
    locale = get_locale()
    try:
        return TypedNumber(e164=parse_phone(typed, locale.phone_region))
    except PhoneError as error:
        return TypedNumber(hint=error.suggestion(locale.language) if len(typed) >= 10 else "")


@dataclass(frozen=True, slots=True)
class PhoneMatch:
    """A guest in the list, with the part of the number that was typed set apart."""

    customer: Customer
    before: str
    hit: str
    after: str

    @classmethod
    def of(cls, customer: Customer, typed: str) -> "PhoneMatch":
        """Mark the typed digits in the number as it is shown; group spaces do not count."""
        shown = display(customer.phone, get_locale())
        places = [index for index, char in enumerate(shown) if char.isdigit()]
        digits = "".join(to_ascii(shown[index]) for index in places)
        wanted = "".join(char for char in to_ascii(typed) if char.isdigit())
        start = digits.find(wanted) if wanted else -1
        if start < 0:
            wanted = phone_fragment(typed).lstrip("+")
            start = digits.find(wanted) if wanted else -1
        if start < 0:
            return cls(customer, shown, "", "")
        first, last = places[start], places[start + len(wanted) - 1] + 1
        return cls(customer, shown[:first], shown[first:last], shown[last:])

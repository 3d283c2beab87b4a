"""What differs between the countries a café can be simulated for."""

from dataclasses import dataclass

from checkout.simulation import menus, names_fa, names_in
from checkout.simulation.menus import Dish


class NoProfile(ValueError):
    """There are no names and menu for that country."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name as the café writes it, and in Latin letters when that differs."""

    text: str
    latin: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """Names, menu and habits of one country. Amounts in the base unit; shares from 0 to 1."""

    country: str
    female: tuple[Name, ...]
    male: tuple[Name, ...]
    last: tuple[Name, ...]
    phone_prefixes: tuple[str, ...]
    phone_digits: int
    menu: tuple[Dish, ...]
    tags: tuple[str, ...]
    notes: tuple[str, ...]
    allergies: tuple[str, ...]
    block_reasons: tuple[str, ...]
    cities: tuple[str, ...]
    servers: tuple[str, ...]
    second_outlet: str
    amount_step: int
    redeem_step: int
    # Upper bounds of a uniform draw, in this order.
    payments: tuple[tuple[str, float], ...]
    visit_types: tuple[tuple[str, float], ...]


def _names(text: str) -> tuple[Name, ...]:
    pairs = (pair.rpartition(" ") for line in text.strip().splitlines() for pair in line.split("|"))
    return tuple(Name(text or latin, latin if text else "") for text, _, latin in pairs)


_IR_OTHERS = (910, 911, *range(913, 919), 921, 922, 901, 902, 903, 937, 938, 939, 990, 991, 992)
IRAN = Profile(
    country="IR",
    female=_names(names_fa.FEMALE),
    male=_names(names_fa.MALE),
    last=_names(names_fa.LAST),
    phone_prefixes=tuple(f"+98{prefix}" for prefix in (912, 935, 919, 936, 930, 933, *_IR_OTHERS)),
    phone_digits=7,
    menu=menus.MENU_FA,
    tags=menus.TAGS_FA,
    notes=menus.NOTES_FA,
    allergies=menus.ALLERGIES_FA,
    block_reasons=("بدون پرداخت صورت‌حساب رفت", "رفتار نامناسب با همکاران"),
    cities=("تهران", "تهران", "تهران", "تهران", "کرج", "شهریار", "لواسان"),
    servers=("نگار", "پویا", "سحر", "آرمان", "هانیه", "کیان"),
    second_outlet="شعبهٔ ولیعصر",
    amount_step=1000,
    redeem_step=50,
    payments=(("card", 0.8), ("cash", 0.87), ("online", 0.97), ("mixed", 1.0)),
    visit_types=(("dine_in", 0.72), ("takeaway", 0.93), ("delivery", 1.0)),
)
INDIA = Profile(
    country="IN",
    female=_names(names_in.FEMALE),
    male=_names(names_in.MALE),
    last=_names(names_in.LAST),
    phone_prefixes=tuple(
        f"+91{prefix}" for prefix in (9820, 9821, 9833, 9867, 9869, 9892, 9920, 9930, 9967, 9969)
    ),
    phone_digits=6,
    menu=menus.MENU_IN,
    tags=menus.TAGS_IN,
    notes=menus.NOTES_IN,
    allergies=menus.ALLERGIES_IN,
    block_reasons=("Left without paying", "Rude to the staff"),
    cities=("Dombivli", "Dombivli", "Dombivli", "Kalyan", "Thane", "Mumbai"),
    servers=("Ganesh", "Sneha", "Ramesh", "Kavita", "Suresh"),
    second_outlet="Station Road",
    amount_step=1,
    redeem_step=5,
    payments=(("online", 0.62), ("cash", 0.86), ("card", 0.97), ("mixed", 1.0)),
    visit_types=(("dine_in", 0.66), ("takeaway", 0.9), ("delivery", 1.0)),
)
_PROFILES = {profile.country: profile for profile in (IRAN, INDIA)}


def profile_for(country: str) -> Profile:
    """Return the profile of an ISO country code. Raises NoProfile naming the countries there are."""
    try:
        return _PROFILES[country]
    except KeyError:
        known = ", ".join(sorted(_PROFILES))
        raise NoProfile(
            f"no café of {country} can be simulated; there are names and menus for {known}"
        ) from None

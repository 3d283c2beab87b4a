"""Prices of an account as data: per part, by script and operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

# Prefixes after +98 as allocated by the regulator; numbers may have moved to another operator since.
_OPERATORS = {
    "mci": {*range(910, 920), *range(990, 995)},
    "irancell": {900, 901, 902, 903, 904, 905, 930, 933, *range(935, 940), 941},
    "rightel": {920, 921, 922, 923},
    "aptel": {999},
    "taliya": {932},
}
OPERATORS = tuple(_OPERATORS)
_OPERATOR_OF = {str(prefix): name for name, prefixes in _OPERATORS.items() for prefix in prefixes}


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices of one part in the café's base currency unit; zero stands for "not known".

    ``by_operator``: operator → {"persian": price, "latin": price}.
    """

    persian: Decimal = Decimal(0)
    latin: Decimal = Decimal(0)
    by_operator: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def price_of_part(self, recipient: str, *, is_latin: bool) -> Decimal | None:
        """Price of one part to ``recipient`` (E.164); None where the tariff does not say."""
        script = "latin" if is_latin else "persian"
        own = self.by_operator.get(operator_of(recipient), {}).get(script)
        price = Decimal(own) if own not in (None, "") else (self.latin if is_latin else self.persian)
        return price or None


def operator_of(recipient: str) -> str:
    """The operator an Iranian mobile number was allocated to, "" for any other number."""
    return _OPERATOR_OF.get(recipient[3:6], "") if recipient.startswith("+98") else ""

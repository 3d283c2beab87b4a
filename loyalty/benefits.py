"""What rewards, vouchers and discount codes take off a bill. Pure functions of the benefit and the bill."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from servaan_crm.l10n.text import search_key

_WHOLE, _CENT = Decimal(1), Decimal("0.01")


class BenefitTerms(Protocol):
    """The columns of ``models.Benefit``: a reward, a voucher and a discount code have them all."""

    kind: str
    value: Decimal
    max_discount: Decimal | None
    item_name: str


class OpenBill:
    """What is left of a bill while benefits are taken off it, one after the other.

    Each free item uses up one piece of its line, so that two vouchers for a latte need two lattes.

    Args:
        total: what is left to pay, base unit.
        lines: the lines as stored on a visit; none: the items of the bill are not known.
    """

    def __init__(self, total: Decimal, lines: Iterable[Mapping[str, Any]] = ()) -> None:
        self.left = Decimal(total)
        self._pieces: list[tuple[str, Decimal]] = []
        self._is_known = False
        for line in lines:
            self._is_known = True
            self._pieces += [(search_key(str(line.get("name") or "")), _price(line))] * _count(line)

    def take(self, benefit: BenefitTerms) -> Decimal:
        """Take ``benefit`` off and return how much that was: never more than what is left of the bill.

        Percentages are of what is left, in whole units of the currency. A free item takes off what it costs on
        this bill; when the items of the bill are not known, its price on the menu.

        Raises:
            ValidationError: the free item is not on the bill.
        """
        if benefit.kind == "percent":
            wanted = (self.left * benefit.value / 100).quantize(_WHOLE, ROUND_HALF_UP)
        elif benefit.kind == "item":
            wanted = self._piece(benefit)
        else:
            wanted = benefit.value
        if benefit.max_discount is not None:
            wanted = min(wanted, benefit.max_discount)
        discount = max(Decimal(0), min(Decimal(wanted), self.left))
        self.left -= discount
        return discount

    def rest(self) -> list[dict[str, Any]]:
        """Return the lines that are left, a piece each, for whoever goes on with the bill elsewhere."""
        if not self._is_known:
            return []
        nothing: dict[str, Any] = {"name": "", "quantity": 0}
        return [
            nothing,
            *({"name": name, "quantity": 1, "unit_price": price} for name, price in self._pieces),
        ]

    def _piece(self, benefit: BenefitTerms) -> Decimal:
        if not self._is_known:
            return benefit.value
        wanted = search_key(benefit.item_name)
        for piece in self._pieces:
            if piece[0] == wanted:
                self._pieces.remove(piece)
                return piece[1]
        raise ValidationError(_("“%(item)s” is not on the bill.") % {"item": benefit.item_name})


def discount_of(benefit: BenefitTerms, *, total: Decimal, lines: Iterable[Mapping[str, Any]] = ()) -> Decimal:
    """Return what one benefit takes off a bill of ``total`` (base unit).

    See :meth:`OpenBill.take`; several benefits on one bill need one ``OpenBill``.

    Raises:
        ValidationError: the free item is not on the bill.
    """
    return OpenBill(total, lines).take(benefit)


def _count(line: Mapping[str, Any]) -> int:
    return int(line.get("quantity") or 0)


def _price(line: Mapping[str, Any]) -> Decimal:
    """Return what one piece costs: a line that was sold cheaper counts with its own price."""
    listed, total = line.get("unit_price"), line.get("total_price")
    share = (Decimal(str(total)) / max(1, _count(line))).quantize(_CENT) if total is not None else None
    if listed is None:
        return share or Decimal(0)
    unit = Decimal(str(listed))
    return unit if share is None else min(unit, share)

"""What was typed or scanned into one field: a discount code, vouchers, or both."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from checkout.services.request import MAX_VOUCHERS
from loyalty.models import Voucher
from loyalty.services.codes import normal_code
from loyalty.voucher_codes import normalise


@dataclass(frozen=True, slots=True)
class TypedCodes:
    """The codes of one bill."""

    discount_code: str = ""
    vouchers: tuple[str, ...] = ()


def sort_codes(typed: str) -> TypedCodes:
    """Tell vouchers from discount codes; one query, none for an empty field.

    Raises ValidationError for more than one discount code, or too many vouchers.
    """
    words = [word for word in re.split(r"[\s,،;]+", typed) if word]
    if not words:
        return TypedCodes()
    wanted = {normalise(word)[:16] for word in words}
    known = set(Voucher.objects.filter(code__in=wanted).values_list("code", flat=True))
    vouchers = list(dict.fromkeys(normalise(word) for word in words if normalise(word) in known))
    codes = list(dict.fromkeys(normal_code(word) for word in words if normalise(word) not in known))
    if len(codes) > 1:
        text = _("One bill takes one discount code: %(codes)s.")
        raise ValidationError(text % {"codes": ", ".join(code[:40] for code in codes)})
    if len(vouchers) > MAX_VOUCHERS:
        raise ValidationError(_("At most %(most)s vouchers fit on one bill.") % {"most": MAX_VOUCHERS})
    return TypedCodes(codes[0][:40] if codes else "", tuple(vouchers))

"""What discount codes refuse."""

from typing import Any, Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError

_WHY_NOT: dict[str, Promise] = {
    "unknown": _("There is no discount code %(code)s."),
    "off": _("The discount code %(code)s is switched off."),
    "not_yet": _("The discount code %(code)s is not valid yet."),
    "expired": _("The discount code %(code)s has expired."),
    "used_up": _("The discount code %(code)s was used up."),
    "blocked": _("This guest is blocked."),
    "needs_guest": _("The discount code %(code)s needs the guest's number."),
    "another_guest": _("The discount code %(code)s belongs to another guest."),
    "tier": _("The discount code %(code)s is for other tiers."),
    "outlet": _("The discount code %(code)s is for other outlets."),
    "minimum": _("The discount code %(code)s needs a bill of at least %(amount)s."),
    "used_by_guest": _("This guest has used the discount code %(code)s already."),
    "item": _("The discount code %(code)s is for “%(item)s”, which is not on the bill."),
    "nothing_left": _("Nothing is left of the bill to take the discount code %(code)s off."),
}
REASONS = tuple(_WHY_NOT)


class DiscountCodeNotUsable(DomainError):
    """``details`` has the ``discount_code``, the ``field`` of the bill and, in one word, the ``reason``."""

    code = "DISCOUNT_CODE_NOT_USABLE"
    status = 409

    @classmethod
    def because(cls, reason: str, code: str, **params: Any) -> Self:
        """Return the refusal for one of the known reasons."""
        details = {"field": "discount_code", "discount_code": code, "reason": reason}
        return cls(_WHY_NOT[reason], params={"code": code, **params}, details=details)


class CodeUsedUp(DomainError):
    code = "CONFLICT"
    status = 409
    message = _(
        "The discount code %(code)s was used up by other bills meanwhile. Record the visit again instead."
    )


class CodeNotForGuest(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("The discount code %(code)s of this bill is not for that guest. Void it and record it again.")

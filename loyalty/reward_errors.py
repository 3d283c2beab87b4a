"""What rewards, vouchers and confirmation codes refuse."""

from typing import Any, Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError, NotFound

_WHY_NO_REWARD: dict[str, Promise] = {
    "off": _("This reward is switched off."),
    "not_yet": _("This reward is not offered yet."),
    "over": _("The time of this reward is over."),
    "sold_out": _("This reward is sold out."),
    "tier": _("This reward is for higher tiers."),
    "limit": _("The guest has had this reward as often as one guest may."),
    "points": _("The guest does not have enough points for this reward."),
    "blocked": _("This guest is blocked."),
    "program_off": _("The loyalty program is switched off."),
}
_WHY_NO_VOUCHER: dict[str, Promise] = {
    "unknown": _("There is no voucher %(code)s."),
    "used": _("The voucher %(code)s was used already."),
    "expired": _("The voucher %(code)s has expired."),
    "cancelled": _("The voucher %(code)s was cancelled."),
    "another_guest": _("The voucher %(code)s belongs to another guest."),
    "outlet": _("The voucher %(code)s is not valid at this outlet."),
    "weekday": _("The voucher %(code)s is not valid on this weekday."),
    "repeated": _("The voucher %(code)s was entered twice."),
    "item": _("The voucher %(code)s is for “%(item)s”, which is not on the bill."),
}


def why_no_reward(reason: str) -> str:
    """Return the sentence for a reason such as "sold_out"; empty for no reason."""
    return str(_WHY_NO_REWARD[reason]) if reason else ""


class RewardNotFound(NotFound):
    code = "REWARD_NOT_FOUND"
    message = _("This reward was not found.")


class RewardNotAvailable(DomainError):
    """``details["reason"]`` says why, in one word."""

    code = "REWARD_NOT_AVAILABLE"
    status = 409

    @classmethod
    def because(cls, reason: str, **details: Any) -> Self:
        """Return the refusal for one of the known reasons."""
        return cls(_WHY_NO_REWARD[reason], details={"reason": reason, **details})


class RewardInUse(DomainError):
    code = "REWARD_IN_USE"
    status = 409
    message = _("Guests hold vouchers of this reward, or a stamp card brings it: switch it off instead.")


class VoucherNotFound(NotFound):
    code = "VOUCHER_NOT_FOUND"
    message = _("This voucher was not found.")


class VoucherNotUsable(DomainError):
    """``details`` has the ``voucher_code`` and, in one word, the ``reason``."""

    code = "VOUCHER_NOT_USABLE"
    status = 409

    @classmethod
    def because(cls, reason: str, code: str, item: str = "") -> Self:
        """Return the refusal for one of the known reasons."""
        params = {"code": code, "item": item} if reason == "item" else {"code": code}
        return cls(_WHY_NO_VOUCHER[reason], params=params, details={"voucher_code": code, "reason": reason})


class VoucherClosed(DomainError):
    code = "VOUCHER_CLOSED"
    status = 409
    message = _("Only a voucher that is ready to use can be cancelled.")


class ConfirmationRequired(DomainError):
    """``details``: the ``points`` in question and the ``threshold`` in the base unit of the currency."""

    code = "CONFIRMATION_REQUIRED"
    status = 409
    message = _("So many points need the code that the guest gets by SMS.")


class ConfirmationFailed(DomainError):
    """``details["tries_left"]``: how often the newest code can still be tried."""

    code = "CONFIRMATION_FAILED"
    status = 409
    message = _("The code is not right, or it is no longer valid.")


class ConfirmationTooSoon(DomainError):
    """``details["retry_after"]`` in seconds."""

    code = "RATE_LIMIT_EXCEEDED"
    status = 429
    message = _("A code was sent a moment ago. Please wait before you send another one.")


class StampCardNotFound(NotFound):
    code = "STAMP_CARD_NOT_FOUND"
    message = _("This stamp card was not found.")


class StampCardInUse(DomainError):
    code = "STAMP_CARD_IN_USE"
    status = 409
    message = _("Guests have stamps on this card: switch it off instead.")

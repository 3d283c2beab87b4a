"""What entering a referral refuses."""

from typing import Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError, NotFound

_WHY_NOT: dict[str, Promise] = {
    "self": _("Nobody can bring oneself: this code belongs to the same guest."),
    "already_referred": _("Another guest has brought this guest already."),
    "not_new": _("This guest has been here before; only new guests can be brought."),
    "blocked": _("One of the two guests is blocked."),
}


class ReferralNotFound(NotFound):
    message = _("There is no such referral.")


class ReferralCodeUnknown(DomainError):
    code = "REFERRAL_CODE_UNKNOWN"
    status = 404
    message = _("No guest has this code for friends.")


class ReferralNotPossible(DomainError):
    """``details`` has, in one word, the ``reason``."""

    code = "REFERRAL_NOT_POSSIBLE"
    status = 409

    @classmethod
    def because(cls, reason: str, **details: str) -> Self:
        """Return the refusal for "self", "already_referred", "not_new" or "blocked"."""
        return cls(_WHY_NOT[reason], details={"reason": reason, **details})


class ReferralsInactive(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("The café's program has no points for bringing friends.")


class ReferralDecided(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("This referral does not wait for a decision.")

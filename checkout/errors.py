"""Refusals at the counter."""

from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError


class VisitNotFound(DomainError):
    code = "NOT_FOUND"
    status = 404
    message = _("There is no such visit.")


class VisitAlreadyVoided(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("This visit was voided before.")


class VoidTooLate(DomainError):
    code = "PERMISSION_DENIED"
    status = 403
    message = _("Only a manager can correct a visit of an earlier day.")


class InvalidPhone(DomainError):
    code = "INVALID_PHONE_FORMAT"
    status = 400
    message = _("The phone number is not valid.")


class VisitNotVoided(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("This visit was not voided.")


class VisitIsVoided(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("A voided visit cannot be changed. Restore it first.")


class PaidWithPoints(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("Part of this bill was paid with the first guest's points. Void it and record it again.")


class PaidWithVoucher(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("A voucher of the first guest was used on this bill. Void it and record it again.")


class VoucherIsGone(DomainError):
    code = "CONFLICT"
    status = 409
    message = _(
        "The voucher %(code)s of this bill was used or cancelled meanwhile. Record the visit again instead."
    )


class RewardIsGone(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("The reward “%(name)s” of this bill is sold out by now. Record the visit again instead.")

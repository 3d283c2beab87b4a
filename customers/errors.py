"""What the customer book refuses."""

from typing import Any, Self
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError
from servaan_crm.l10n import phone as phones
from servaan_crm.l10n.locale import get_locale


class CustomerNotFound(DomainError):
    code = "CUSTOMER_NOT_FOUND"
    status = 404
    message = _("This customer was not found.")

    @classmethod
    def by_phone(cls, phone: str, *, deleted_customer_id: UUID | None = None) -> Self:
        """Return the refusal for a number (E.164) nobody has; a deleted guest who had it can be restored."""
        with translation.override("fa"):
            persian = gettext("Please check the phone number.")
        with translation.override("en"):
            english = gettext("Please check the phone number.")
        details: dict[str, Any] = {
            "phone": phones.national(phone, get_locale().phone_region),
            "suggestion": persian,
            "suggestion_en": english,
        }
        if deleted_customer_id is not None:
            details["deleted_customer_id"] = str(deleted_customer_id)
        return cls(_("Customer with this phone number not found"), details=details)


class CustomerAlreadyExists(DomainError):
    """The number has an owner: ``details`` names it, or the deleted guest who can be restored."""

    code = "CUSTOMER_ALREADY_EXISTS"
    status = 409
    message = _("A customer with this phone number is already registered.")

    @classmethod
    def owned_by(cls, phone: str, customer_id: UUID) -> Self:
        """Return the refusal for a number (E.164) another guest has."""
        return cls(details={"phone": _shown(phone), "customer_id": str(customer_id)})

    @classmethod
    def was_deleted(cls, phone: str, customer_id: UUID) -> Self:
        """Return the offer to restore the deleted guest who had this number (E.164)."""
        return cls(
            _("This number belonged to a deleted customer, who can be restored."),
            details={"phone": _shown(phone), "deleted_customer_id": str(customer_id)},
        )

    @classmethod
    def was_merged(cls, phone: str, customer_id: UUID) -> Self:
        """Return the pointer to the guest that the owner of this number (E.164) is part of now."""
        return cls(
            _("The customer with this number is part of another customer now."),
            details={"phone": _shown(phone), "merged_into_customer_id": str(customer_id)},
        )


class CustomerBlocked(DomainError):
    code = "CUSTOMER_BLOCKED"
    status = 409
    message = _("This customer is blocked.")


class BulkOperationNotFound(DomainError):
    code = "NOT_FOUND"
    status = 404
    message = _("This operation was not found.")


class BulkSetChanged(DomainError):
    """The filter finds other guests than those that were confirmed: ``details`` has the set as it is now."""

    code = "CONFLICT"
    status = 409
    message = _("The list has changed since you confirmed it. Look at the new number and confirm again.")


class BulkUndoImpossible(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("This operation cannot be taken back (any more).")


def _shown(phone: str) -> str:
    return phones.national(phone, get_locale().phone_region)

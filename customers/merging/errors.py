"""Why two guests cannot become one, or one cannot become two again."""

from typing import Self
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError


class MergeRefused(DomainError):
    """The two cannot be merged; ``details.reason`` says why in one word."""

    code = "CONFLICT"
    status = 409

    @classmethod
    def one_is_blocked(cls, blocked_id: UUID) -> Self:
        """Return the refusal for a blocked and an unblocked guest: a person decides which of it is right."""
        return cls(
            _("One of the two is blocked. Unblock it, or block both, and merge then."),
            details={"reason": "one_is_blocked", "customer_id": str(blocked_id)},
        )

    @classmethod
    def already_merged(cls, merged_id: UUID, into_id: UUID) -> Self:
        """Return the refusal for a guest who is part of another one already."""
        return cls(
            _("This customer was merged into another one already."),
            details={
                "reason": "already_merged",
                "customer_id": str(merged_id),
                "merged_into_customer_id": str(into_id),
            },
        )


class MergeNotFound(DomainError):
    code = "NOT_FOUND"
    status = 404
    message = _("There is no such merge.")


class UndoRefused(DomainError):
    """The merge stays as it is; ``details.reason`` says why in one word."""

    code = "CONFLICT"
    status = 409

    @classmethod
    def already_undone(cls) -> Self:
        return cls(_("This merge was undone already."), details={"reason": "already_undone"})

    @classmethod
    def changed(cls, what: str | Promise, name: str) -> Self:
        """Return the refusal because of ``what`` (in words; ``name`` is its code) that came after the merge."""
        return cls(
            _("This merge can no longer be undone, because of a change since: %(what)s."),
            details={"reason": "changed", "changed": name},
            params={"what": what},
        )

    @classmethod
    def phone_taken(cls, phone: str, customer_id: UUID) -> Self:
        """Return the refusal because another guest has the number (as people read it) meanwhile."""
        return cls(
            _("This merge can no longer be undone: another customer has the number %(phone)s now."),
            details={"reason": "phone_taken", "phone": phone, "customer_id": str(customer_id)},
            params={"phone": phone},
        )

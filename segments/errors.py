"""Refusals of the segments room."""

from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError


class InvalidCriteria(DomainError):
    """The criteria cannot be read; ``details`` has the path of the fault and what is allowed there."""

    code = "INVALID_SEGMENT_CRITERIA"
    status = 400
    message = _("The segment's criteria are not right at %(path)s.")

    def __str__(self) -> str:
        """The sentence with the fault, which is in the language of whoever asked."""
        return f"{super().__str__()} {self.params.get('problem', '')}".strip()


class SegmentLocked(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("A built-in segment cannot be changed; make a copy.")


class SegmentNotFound(DomainError):
    code = "NOT_FOUND"
    status = 404
    message = _("There is no such segment.")


class SegmentInUse(DomainError):
    """``details.used_by`` lists what uses it: kind, name and address."""

    code = "CONFLICT"
    status = 409
    message = _("This segment is used by %(names)s and cannot be deleted.")


class NotAList(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("Only a fixed list takes guests by hand; this segment follows its criteria.")

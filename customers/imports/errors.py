"""What an import refuses."""

from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError


class ImportNotFound(DomainError):
    code = "IMPORT_NOT_FOUND"
    status = 404
    message = _("This import was not found.")


class UnreadableFile(DomainError):
    """The file as a whole cannot be read; the message says why and what to do."""

    code = "UNREADABLE_FILE"
    status = 400
    message = _("This file cannot be read.")


class FileTooLarge(UnreadableFile):
    code = "FILE_TOO_LARGE"
    status = 413
    message = _("The file is too large: at most %(megabytes)s MB.")


class ImportNotPossible(DomainError):
    """The import is in a state that does not allow this step."""

    code = "IMPORT_NOT_POSSIBLE"
    status = 409
    message = _("This import cannot do that in its present state.")

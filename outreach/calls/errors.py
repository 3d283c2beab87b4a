"""What the call list refuses."""

from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError


class CallTaskEnded(DomainError):
    """Somebody has noted another end already; ``details`` says which."""

    message = _("This call was already noted, by somebody else or otherwise.")


class CallTaskSettled(DomainError):
    """The end of a call cannot be taken back any more."""

    message = _("This can no longer be taken back.")

"""What campaigns refuse, and why."""

from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError, NotFound


class CampaignNotFound(NotFound):
    message = _("There is no such campaign.")


class TemplateNotFound(NotFound):
    message = _("There is no such message template.")


class CampaignAlreadySent(DomainError):
    """``details``: campaign_id, status."""

    code = "CAMPAIGN_ALREADY_SENT"
    message = _("This campaign was sent already.")


class WrongCampaignState(DomainError):
    """``details``: campaign_id, status, action, possible (the actions that are possible now)."""

    message = _("This is not possible while the campaign is in this state.")


class CampaignNotEditable(WrongCampaignState):
    message = _("Only a draft can be changed.")


class ApprovalNeeded(DomainError):
    """``details``: recipients, approval_above."""

    message = _("So many recipients need the approval of a second person.")


class OwnApproval(DomainError):
    code = "PERMISSION_DENIED"
    status = 403
    message = _("Somebody else has to approve it: whoever wrote a campaign cannot.")


class NobodyToSendTo(DomainError):
    """``details``: funnel."""

    message = _("Nobody would get this message.")


class NoAccount(DomainError):
    """``details``: channel."""

    message = _("There is no provider for this channel yet.")


class NothingToRetry(DomainError):
    message = _("No message failed in a way that another try could repair.")


class InvalidTemplate(DomainError):
    """``details``: field → messages; nothing else is wrong with what was sent."""

    code = "INVALID_TEMPLATE"
    status = 400
    message = _("The text has a variable that does not exist, or braces that do not match.")

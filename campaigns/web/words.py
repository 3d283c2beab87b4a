"""The words, tones and icons of what campaigns say in codes: states, channels, reasons, problems."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from campaigns.texts import CAMPAIGN, variables


class Word(NamedTuple):
    """How a code is shown. ``tone``: a CSS class without "is-"; ``hint``: what it means for the reader.

    ``to_providers``: the settings of the providers are where it is repaired.
    """

    text: str | Promise
    tone: str = ""
    icon: str = ""
    hint: str | Promise = ""
    to_providers: bool = False


# The keys are those of Campaign.Status.
STATES: dict[str, Word] = {
    "draft": Word(_("Draft"), "mute", "edit"),
    "pending_approval": Word(_("Waits for approval"), "warn", "shield-check"),
    "scheduled": Word(_("Scheduled"), "info", "calendar-event"),
    "sending": Word(_("Being sent"), "accent", "send"),
    "paused": Word(_("Paused"), "warn", "player-pause"),
    "sent": Word(_("Sent"), "ok", "send", _("Everything has left; reports of delivery still come in.")),
    "completed": Word(_("Completed"), "ok", "circle-check"),
    "cancelled": Word(_("Cancelled"), "mute", "x"),
    "failed": Word(_("Failed"), "bad", "alert-circle"),
}
# An offer sends nothing, so its states are told differently.
OFFER_STATES: dict[str, Word] = {
    "sending": Word(_("Running"), "accent", "discount"),
    "sent": Word(_("Running"), "accent", "discount"),
    "completed": Word(_("Over"), "ok", "circle-check"),
}
# One chip of the list for each: (code, words, states it stands for).
STATE_GROUPS: tuple[tuple[str, str | Promise, tuple[str, ...]], ...] = (
    ("draft", _("Drafts"), ("draft",)),
    ("waiting", _("Waiting"), ("pending_approval", "scheduled")),
    ("running", _("Running"), ("sending", "paused")),
    ("done", _("Done"), ("sent", "completed")),
    ("stopped", _("Stopped"), ("cancelled", "failed")),
)

TYPES: dict[str, Word] = {
    "sms": Word(_("SMS"), icon="message"),
    "whatsapp": Word(_("WhatsApp"), icon="brand-whatsapp"),
    "email": Word(_("E-mail"), icon="mail"),
    "push": Word(_("Push message"), icon="bell"),
    "instagram": Word(_("Instagram"), icon="brand-instagram"),
    "offer": Word(_("Offer without messages"), icon="discount"),
}

# Steps of the funnel and reasons of deliveries; one guest has one reason.
REASONS: dict[str, Word] = {
    "blocked": Word(_("Blocked by the café")),
    "no_consent": Word(_("No consent to advertising")),
    "opted_out": Word(_("Said no on this channel")),
    "invalid": Word(_("No number or address that works")),
    "capped": Word(_("Had enough messages lately")),
    "no_window": Word(_("Has not written within 24 hours")),
    "no_value": Word(_("Something in the text is not known of the guest")),
    "too_long": Word(_("The text became too long for the guest")),
    "merged": Word(_("Is one guest with another recipient")),
    "deleted": Word(_("Deleted meanwhile")),
    "holdout": Word(_("Left out for comparison")),
    "cancelled": Word(_("Stopped before its turn")),
}

# What became of one guest: the delivery, or its message when there is one.
OUTCOMES: dict[str, Word] = {
    "waiting": Word(_("Waiting for its turn"), "mute", "clock"),
    "queued": Word(_("On its way"), "info", "clock"),
    "claimed": Word(_("Being sent"), "info", "send"),
    "sent": Word(pgettext_lazy("message", "Sent"), "info", "send"),
    "unknown": Word(_("Being checked"), "warn", "alert-triangle"),
    "delivered": Word(_("Delivered"), "ok", "check"),
    "undelivered": Word(_("Not delivered"), "bad", "x"),
    "failed": Word(pgettext_lazy("message", "Failed"), "bad", "alert-circle"),
    "blocked": Word(_("Refused by the guest"), "warn", "ban"),
    "expired": Word(_("Expired"), "mute", "clock"),
    "cancelled": Word(pgettext_lazy("message", "Stopped"), "mute", "x"),
    "holdout": Word(_("Left out for comparison"), "mute", "users"),
    "skipped": Word(_("Left out"), "mute", "minus"),
}

# Why a campaign stands still, and what helps.
PROBLEMS: dict[str, Word] = {
    "credit": Word(
        _("The credit at the provider is used up."), "bad", "wallet",
        _("Add credit in the provider's panel, then continue here. Nobody gets the message twice."), True,
    ),
    "auth": Word(
        _("The provider refuses the café's key."), "bad", "lock",
        _("Check the key in the settings of the provider and press its test button, then continue here."), True,
    ),
    "no_account": Word(
        _("No provider is set up for this channel."), "bad", "plug",
        _("Set one up in the settings, then continue here."), True,
    ),
    "late": Word(
        _("Its time was over before it could begin."), "bad", "clock",
        _("Make a copy and give it another time."),
    ),
    "criteria": Word(
        _("The conditions cannot be read any more."), "bad", "alert-circle",
        _("Something they name was deleted. Make a copy and choose its guests again."),
    ),
    "approval": Word(
        _("More guests than before would get it, so somebody has to approve it again."), "warn", "shield-check",
    ),
    "nobody": Word(
        _("Nobody was left to write to."), "warn", "users-group",
        _("Look below who fell out at which step, and choose other segments."),
    ),
}  # fmt: skip
_OTHER_PROBLEM = Word(
    _("The provider reports an error."), "bad", "alert-circle",
    _("It is tried again; when it lasts, look at the provider in the settings."),
)  # fmt: skip

METRIC_HEADS: dict[str, str | Promise] = {
    "clicks": _("Followed the link"),
    "visits": _("Came"),
    "redemptions": _("Used the code"),
}
METRICS: dict[str, str | Promise] = {
    "clicks": _("clicks on the link"),
    "visits": _("visits"),
    "redemptions": _("uses of the code"),
}

# What stands in the text when a guest has no value of a variable.
FALLBACKS: dict[str, str | Promise] = {
    "name": pgettext_lazy("instead of a name", "guest"),
    "first_name": pgettext_lazy("instead of a name", "guest"),
    "last_visit_days": pgettext_lazy("instead of a number of days", "a few"),
}


def variables_for_text() -> list[tuple[str, str | Promise, str | Promise]]:
    """Return (what is put into the text, label, example) of the variables a campaign's text may have."""
    found = []
    for one in variables(CAMPAIGN):
        fallback = f"|{FALLBACKS[one.name]}" if one.name in FALLBACKS else ""
        found.append((f"{{{{{one.name}{fallback}}}}}", one.label, one.example))
    return found


def state_word(status: str, *, is_offer: bool = False) -> Word:
    """Return how the state of a campaign is shown."""
    return (OFFER_STATES.get(status) if is_offer else None) or STATES[status]


def problem_word(code: str) -> Word:
    """Return what stops a campaign and what to do about it."""
    code = {"low_credit": "credit"}.get(code, code)
    return PROBLEMS.get(code, _OTHER_PROBLEM)


def reason_word(code: str) -> str | Promise:
    """Return why a guest was left out; a code nobody knows stays as it is."""
    return REASONS[code].text if code in REASONS else code

"""Texts of a campaign as guests will read them, and what they come to: parts, encoding, cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from campaigns.models import Campaign, CampaignType
from campaigns.texts import CAMPAIGN, MissingValue, Template, compile_template
from campaigns.values import GUEST_FIELDS, Guest, guest_values
from customers.models import Customer
from servaan_crm.l10n.jalali import local_date
from servaan_crm.messaging.models import SendingRules
from servaan_crm.messaging.services.tariffs import estimate, price_now
from servaan_crm.messaging.sms import UCS2, count_parts
from servaan_crm.tenancy.current import get_cafe

# Texts are written out for so many guests; more are worked out from these.
EXACT_TEXTS = 2_000
OPT_OUT_LINE = "\nلغو۱۱"


@dataclass(frozen=True, slots=True)
class Letter:
    """One text of a campaign, read: subject and body, and the line that says how to refuse."""

    key: str
    subject: Template
    body: Template
    ending: str

    def render(self, values: Mapping[str, str]) -> tuple[str, str]:
        """Return subject and text for one guest. Raises MissingValue."""
        return self.subject.render(values), self.body.render(values) + self.ending

    @property
    def used(self) -> set[str]:
        """The variables of subject and body."""
        return {*self.subject.used, *self.body.used}


def opt_out_line(channel: str, rules: SendingRules) -> str:
    """Return what is added to advertising: Iranian SMS lines need the word by which a guest refuses."""
    is_needed = channel == CampaignType.SMS and get_cafe().country == "IR" and rules.adds_opt_out_line
    return OPT_OUT_LINE if is_needed else ""


def read_letters(
    campaign: Campaign, rules: SendingRules, variants: Iterable[tuple[str, str, str]] | None = None
) -> dict[str, Letter]:
    """Return letter → text; "" is the campaign's own (for all, or for those who wait for a trial's result).

    Args:
        variants: (letter, subject, text); default: the saved ones.

    Raises ValidationError (INVALID_TEMPLATE).
    """
    if variants is None:
        variants = campaign.variants.values_list("key", "subject", "content")
    ending = opt_out_line(campaign.type, rules)
    rows = [("", campaign.subject, campaign.content), *variants]
    return {
        key: Letter(
            key,
            compile_template(subject or campaign.subject, CAMPAIGN),
            compile_template(content, CAMPAIGN),
            "" if ending and ending.strip() in content else ending,
        )
        for key, subject, content in rows
    }


@dataclass(frozen=True, slots=True)
class Example:
    """What one guest would get; ``missing`` names the variable that has no value, then there is no text."""

    guest: Guest
    recipient: str
    variant: str
    subject: str
    text: str
    missing: str = ""


def write_out(
    letters: Mapping[str, Letter], chosen: Sequence[tuple[UUID, str, str]], extra: Mapping[str, str]
) -> list[Example]:
    """Write the texts of ``chosen`` (guest, recipient, letter) guests; one query. ``extra``: link and code."""
    rows = Customer.objects.filter(pk__in=[pk for pk, _recipient, _letter in chosen]).values_list(
        *GUEST_FIELDS
    )
    guests = {row[0]: Guest._make(row) for row in rows}
    today = local_date(timezone.now(), get_cafe().locale)
    used = set().union(*(letter.used for letter in letters.values()))
    found = []
    for pk, recipient, letter in chosen:
        if (guest := guests.get(pk)) is None:
            continue
        try:
            subject, text = letters.get(letter, letters[""]).render(
                {**guest_values(guest, today=today, only=used), **extra}
            )
            found.append(Example(guest, recipient, letter, subject, text))
        except MissingValue as error:
            found.append(Example(guest, recipient, letter, "", "", error.name))
    return found


@dataclass(frozen=True, slots=True)
class Weight:
    """Parts of all messages, of the shortest and the longest, and what they cost together (None: no tariff)."""

    parts: int
    least: int
    most: int
    encoding: str
    cost: Decimal | None
    is_estimate: bool
    without_value: int


def weigh(channel: str, examples: Sequence[Example], recipients: int) -> Weight:
    """Work out what ``recipients`` messages come to from those that were written out."""
    written = [one for one in examples if not one.missing]
    sizes = [count_parts(one.text) for one in written]
    parts = [size.parts if channel == CampaignType.SMS else 1 for size in sizes]
    encoding = UCS2 if any(size.encoding == UCS2 for size in sizes) else (sizes[0].encoding if sizes else "")
    total = estimate(
        ((one.recipient, one.text) for one in written), channel=channel, tariff=price_now(channel)
    )
    scale = Decimal(recipients) / len(examples) if examples else Decimal(0)
    is_estimate = recipients > len(examples)
    return Weight(
        parts=round(sum(parts) * scale),
        least=min(parts, default=0),
        most=max(parts, default=0),
        encoding=encoding if channel == CampaignType.SMS else "",
        cost=None if total.cost is None else (total.cost * scale).quantize(Decimal("0.01")),
        is_estimate=is_estimate,
        without_value=round((len(examples) - len(written)) * scale),
    )

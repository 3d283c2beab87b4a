"""What a campaign would come to, before anything is sent: who, how many parts, what it costs, what it looks like."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from campaigns.addresses import example_link
from campaigns.audience import HOLDOUT, STEPS, Wanted, compile_audience, judged
from campaigns.estimates import (
    EXACT_TEXTS,
    Example,
    Letter,
    Weight,
    opt_out_line,
    read_letters,
    weigh,
    write_out,
)
from campaigns.models import Campaign, CampaignType
from customers.selectors.counts import count_all_guests
from segments.language.compiler import fetch
from segments.language.plan import GUEST, Plan
from segments.language.sql import Sql, sql, value
from segments.selectors.segments import limited
from servaan_crm.l10n.jalali import format_datetime
from servaan_crm.l10n.money import format_money, format_number
from servaan_crm.messaging.models import GatewayState, SendingRules
from servaan_crm.messaging.services.accounts import list_accounts
from servaan_crm.messaging.services.rules import get_rules, quiet_until
from servaan_crm.messaging.sms import count_parts
from servaan_crm.tenancy.current import get_cafe

# Above this many cost units of the planner the exact count is tried only for few guests; it is given up when it takes
# too long.
MOST_COST = 2_000_000
EXACT_TIMEOUT_MS = 600
FEW_GUESTS, SECOND_TIMEOUT_MS = 100_000, 500
ESTIMATE_TIMEOUT_MS = 1_500
SAMPLED_GUESTS = 3_000
SHOWN_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many guests are left after each step. ``skipped``: reason → guests, in the order of the steps."""

    audience: int
    skipped: dict[str, int]
    holdout: int
    recipients: int
    is_estimate: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as the API prints it and ``Campaign.funnel`` holds it."""
        return {
            "audience": self.audience,
            **self.skipped,
            "holdout": self.holdout,
            "recipients": self.recipients,
            "is_estimate": self.is_estimate,
        }


@dataclass(frozen=True, slots=True)
class Sample:
    """A real guest and the text this guest would get. ``missing``: the variable that has no value, "" normally."""

    customer_id: UUID
    name: str
    recipient: str
    variant: str
    text: str
    parts: int
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Warn:
    """Something to know before sending. ``code``: quiet_hours, low_credit, no_opt_out, iran_whatsapp, no_account,
    approval, instagram_window, no_price, no_value, link_unused; ``text`` in the reader's language."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class CampaignPreview:
    """Everything the composer shows. ``parts``: of all messages together; ``least``/``most``: of one message.

    ``is_estimate``: parts and cost were worked out from a sample. ``estimated_cost`` None: no tariff is set.
    """

    funnel: Funnel
    recipients: int
    parts: int
    least: int
    most: int
    encoding: str
    estimated_cost: Decimal | None
    is_estimate: bool
    needs_approval: bool
    continues_at: datetime | None
    samples: list[Sample] = field(default_factory=list)
    warnings: list[Warn] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Found:
    """The funnel, and (guest, recipient, letter) of some who get it."""

    funnel: Funnel
    chosen: list[tuple[UUID, str, str]]


def preview_campaign(
    campaign: Campaign,
    *,
    wanted: Wanted | None = None,
    variants: Sequence[tuple[str, str, str]] | None = None,
) -> CampaignPreview:
    """Work out what ``campaign`` (saved or not) would come to; writes nothing.

    Args:
        wanted: the audience of one that is not saved (``services.campaigns.draft_of`` gives it).
        variants: (letter, subject, text) of a trial; default: those saved.

    Raises InvalidCriteria, ValidationError (INVALID_TEMPLATE).
    """
    rules = get_rules()
    found = find_audience(wanted or Wanted.of(campaign))
    if not campaign.has_messages:
        return CampaignPreview(found.funnel, found.funnel.recipients, 0, 0, 0, "", Decimal(0),
                               found.funnel.is_estimate, False, None)  # fmt: skip
    letters = read_letters(campaign, rules, variants)
    texts = write_out(letters, found.chosen, _extra(campaign))
    weight = weigh(campaign.type, texts, found.funnel.recipients)
    limit = rules.approval_above
    needs_approval = limit is not None and found.funnel.recipients > limit and campaign.approved_at is None
    continues_at = quiet_until(campaign.scheduled_at, rules)
    preview = CampaignPreview(
        funnel=found.funnel, recipients=found.funnel.recipients, parts=weight.parts, least=weight.least,
        most=weight.most, encoding=weight.encoding, estimated_cost=weight.cost,
        is_estimate=weight.is_estimate or found.funnel.is_estimate, needs_approval=needs_approval,
        continues_at=continues_at, samples=[_sample(one) for one in texts[:SHOWN_SAMPLES]],
    )  # fmt: skip
    preview.warnings.extend(_warnings(campaign, rules, letters, preview, weight))
    return preview


def count_recipients(campaign: Campaign) -> Funnel:
    """Return the funnel of a saved campaign as it would be now. Raises InvalidCriteria."""
    return find_audience(Wanted.of(campaign)).funnel


def find_audience(wanted: Wanted) -> _Found:
    """Return the funnel and some recipients by the query that would write the deliveries.

    Exactly when that is quick; else guests from random pages are judged, and their share is taken for that of all.

    Raises InvalidCriteria.
    """
    compiled = compile_audience(wanted)
    query = _count_query(judged(wanted, compiled))
    if _cost(query) <= MOST_COST:
        return _exact(query, EXACT_TIMEOUT_MS) or _estimate(wanted, compiled)
    # The planner cannot see how few fit the criteria; the guess can.
    guess = _estimate(wanted, compiled)
    is_small = guess.funnel.audience <= FEW_GUESTS
    return (_exact(query, SECOND_TIMEOUT_MS) if is_small else None) or guess


_COUNT = """
WITH found AS MATERIALIZED ({})
SELECT (SELECT COALESCE(jsonb_object_agg(reason, number), jsonb_build_object()) FROM
           (SELECT reason, count(*) AS number FROM found GROUP BY 1) counted),
       ARRAY(SELECT jsonb_build_array(id, recipient, variant) FROM found WHERE reason = '' LIMIT {})
"""


def _count_query(judgement: Sql) -> Sql:
    return sql(_COUNT, judgement, value(EXACT_TEXTS))


def _exact(query: Sql, milliseconds: int) -> _Found | None:
    try:
        with transaction.atomic(), limited(milliseconds):
            counts, chosen = fetch(query)[0]
    except OperationalError:
        return None
    return _Found(_funnel(counts, Decimal(1), is_estimate=False), _read_chosen(chosen))


def _cost(query: Sql) -> float:
    rows = fetch(Sql("EXPLAIN (FORMAT JSON) " + query.text, query.params))
    plan = rows[0][0] if isinstance(rows[0][0], list) else json.loads(rows[0][0])
    return float(plan[0]["Plan"]["Total Cost"])


def _estimate(wanted: Wanted, compiled: tuple[Plan, Sql]) -> _Found:
    """Judge guests from random pages of the book. When even that takes too long, everybody counts as a recipient."""
    total = count_all_guests()
    percent = min(100.0, 100.0 * SAMPLED_GUESTS / max(total, 1))
    try:
        with transaction.atomic(), limited(ESTIMATE_TIMEOUT_MS):
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT id FROM {GUEST} TABLESAMPLE SYSTEM (%s) WHERE deleted_at IS NULL", [percent]
                )
                asked = [row[0] for row in cursor.fetchall()]
            counts, chosen = fetch(_count_query(judged(wanted, compiled, guests=asked)))[0]
    except OperationalError:
        return _Found(_funnel({"": 1}, Decimal(total), is_estimate=True), [])
    return _Found(
        _funnel(counts, Decimal(total) / max(len(asked), 1), is_estimate=True), _read_chosen(chosen)
    )


def _read_chosen(rows: Sequence[Any]) -> list[tuple[UUID, str, str]]:
    read = [json.loads(row) if isinstance(row, str) else row for row in rows]
    return [(UUID(pk), recipient, letter) for pk, recipient, letter in read]


def _funnel(counts: Mapping[str, int] | str, scale: Decimal, *, is_estimate: bool) -> Funnel:
    numbers = json.loads(counts) if isinstance(counts, str) else counts
    scaled = {name: round(number * scale) for name, number in numbers.items()}
    return Funnel(
        audience=sum(scaled.values()),
        skipped={name: scaled.get(name, 0) for name in STEPS},
        holdout=scaled.get(HOLDOUT, 0),
        recipients=scaled.get("", 0),
        is_estimate=is_estimate,
    )


def _extra(campaign: Campaign) -> dict[str, str]:
    link = example_link() if campaign.link_url else ""
    return {"link": link, "code": campaign.discount_code.code if campaign.discount_code else ""}


def _sample(example: Example) -> Sample:
    parts = count_parts(example.text).parts
    return Sample(
        example.guest.id, example.guest.name, example.recipient, example.variant, example.text, parts, example.missing
    )  # fmt: skip


def _warnings(
    campaign: Campaign,
    rules: SendingRules,
    letters: Mapping[str, Letter],
    preview: CampaignPreview,
    weight: Weight,
) -> list[Warn]:
    found = [*_account_warnings(campaign.type, preview.estimated_cost)]
    if preview.continues_at is not None:
        when = format_datetime(preview.continues_at, get_cafe().locale)
        found.append(
            Warn("quiet_hours", _("It is quiet time then: messages leave from %(time)s on.") % {"time": when})
        )
    if preview.needs_approval:
        most = format_number(rules.approval_above)
        found.append(
            Warn(
                "approval",
                _("More than %(most)s recipients need a second person’s approval.") % {"most": most},
            )
        )
    used = set().union(*(letter.used for letter in letters.values()))
    if campaign.type == CampaignType.SMS and get_cafe().country == "IR" and "link" in used:
        if not opt_out_line(campaign.type, rules):
            found.append(Warn("no_opt_out", _("Texts with a link but without “لغو۱۱” are often held back.")))
    if campaign.link_url and "link" not in used and campaign.type != CampaignType.PUSH:
        found.append(Warn("link_unused", _("There is a link, but the text does not show it: add {{link}}.")))
    if weight.without_value:
        text = _("Guests without a value for a variable, who get nothing: %(number)s. Write a substitute.")
        found.append(Warn("no_value", text % {"number": format_number(weight.without_value)}))
    return found


def _account_warnings(channel: str, cost: Decimal | None) -> list[Warn]:
    accounts = list_accounts(channel)
    found = []
    if channel == CampaignType.WHATSAPP and get_cafe().country == "IR":
        found.append(Warn("iran_whatsapp", _("WhatsApp messages of companies do not reach Iranian numbers.")))
    if channel == CampaignType.INSTAGRAM:
        found.append(
            Warn("instagram_window", _("Instagram lets you answer only guests who wrote within 24 hours."))
        )
    if not accounts:
        found.append(Warn("no_account", _("There is no provider for this channel yet.")))
        return found
    if cost is None:
        found.append(Warn("no_price", _("The provider’s prices are not entered, so the cost is not known.")))
    states = GatewayState.objects.filter(account=accounts[0].key, credit__isnull=False)
    credit = states.values_list("credit", flat=True).first()
    if credit is not None and cost is not None and credit < cost:
        found.append(
            Warn("low_credit", _("The credit (%(credit)s) does not cover the cost (%(cost)s).")
                 % {"credit": format_money(credit), "cost": format_money(cost)})
        )  # fmt: skip
    return found

"""Writing campaigns: as long as they are drafts, everything about them can change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from campaigns.audience import Wanted, compile_audience
from campaigns.errors import CampaignNotFound
from campaigns.models import Campaign, CampaignType, CampaignVariant
from campaigns.services.states import lock_campaign
from campaigns.texts import CAMPAIGN, check_template
from loyalty.models import DiscountCode
from loyalty.services.codes import create_code, normal_code
from segments.models import Segment
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.messaging.services.rules import get_rules
from servaan_crm.messaging.sms import count_parts

# What a draft is made of. Besides: ``segments`` (list of ids or keys), ``variants`` (list of {"content", "subject"?},
# none or two to four; the first is A, and its text is the campaign's own), ``discount_code`` (a code as typed, or its
# id; None for none) or ``new_code`` (values of loyalty.services.codes.create_code, made with the campaign).
FIELDS = (
    "name", "description", "type", "criteria", "subject", "content", "provider_template", "link_url", "scheduled_at",
    "valid_hours", "starts_on", "ends_on", "test_percent", "test_hours", "test_metric", "holdout_percent",
    "attribution_days",
)  # fmt: skip
BESIDES = ("segments", "variants", "discount_code", "new_code")
LETTERS = "ABCD"
MAX_PARTS, MAX_LENGTH = 12, 20_000
_RANGES = {
    "test_percent": (1, 100), "test_hours": (1, 168), "holdout_percent": (0, 50), "attribution_days": (1, 90),
    "valid_hours": (1, 168),
}  # fmt: skip


@dataclass(slots=True)
class Draft:
    """A campaign as it would be saved: the row, and what is kept in other tables (None: as it is)."""

    campaign: Campaign
    segments: list[Segment] | None = None
    variants: list[tuple[str, str, str]] | None = None
    new_code: Mapping[str, Any] | None = None

    @property
    def wanted(self) -> Wanted:
        """What decides about the audience."""
        found = Wanted.of(self.campaign) if not self.campaign._state.adding else None
        segments = self.segments if self.segments is not None else (found.segments if found else [])
        letters = tuple(found.letters if found else ())
        if self.variants is not None:
            letters = tuple(letter for letter, _subject, _text in self.variants)
        one = self.campaign
        return Wanted(
            one.pk, one.type, segments, one.criteria or {}, one.holdout_percent, one.test_percent, letters
        )


def draft_of(values: Mapping[str, Any], campaign: Campaign | None = None) -> Draft:
    """Return ``campaign`` (a new one) with ``values`` put in and checked; writes nothing.

    Raises:
        ValidationError: names each bad field; code INVALID_TEMPLATE for a text with an unknown variable.
        InvalidCriteria: the criteria cannot be read; names the place.
    """
    if unknown := [name for name in values if name not in (*FIELDS, *BESIDES)]:
        raise ValidationError(dict.fromkeys(unknown, _("This field cannot be changed.")))
    draft = Draft(campaign or Campaign())
    for name in FIELDS:
        if name in values:
            setattr(draft.campaign, name, values[name])
    errors: dict[str, Any] = {}
    if "segments" in values:
        draft.segments = _segments(values["segments"] or [], errors)
    if "variants" in values:
        draft.variants = _variants(values["variants"] or [], errors)
        if draft.variants:
            draft.campaign.subject, draft.campaign.content = draft.variants[0][1:]
    if "discount_code" in values:
        draft.campaign.discount_code = _code(values["discount_code"], draft.campaign, errors)
    draft.new_code = values.get("new_code")
    _check(draft, errors)
    compile_audience(draft.wanted)
    return draft


def _segments(names: Sequence[Any], errors: dict[str, Any]) -> list[Segment]:
    wanted = [str(name) for name in names]
    found = [one for one in Segment.objects.all() if one.key in wanted or str(one.pk) in wanted]
    known = {one.key for one in found} | {str(one.pk) for one in found}
    if missing := [name for name in wanted if name not in known]:
        errors["segments"] = _("There is no segment called: %(names)s") % {"names": ", ".join(missing)}
    return found


def _variants(rows: Sequence[Mapping[str, Any]], errors: dict[str, Any]) -> list[tuple[str, str, str]]:
    if rows and not 2 <= len(rows) <= len(LETTERS):
        errors["variants"] = _("A trial has two to four texts.")
    return [
        (letter, str(row.get("subject") or ""), str(row.get("content") or "").replace("\r\n", "\n").strip())
        for letter, row in zip(LETTERS, rows, strict=False)
    ]


def _code(given: Any, campaign: Campaign, errors: dict[str, Any]) -> DiscountCode | None:
    if given in (None, ""):
        return None
    rows = DiscountCode.objects.all()
    found = rows.filter(code=normal_code(str(given))).first()
    if found is None:
        try:
            found = rows.filter(pk=UUID(str(given))).first()
        except ValueError:
            found = None
    if found is None:
        errors["discount_code"] = _("There is no such code.")
    elif found.campaign_id not in (None, campaign.pk) and _is_anothers(found.campaign_id):
        errors["discount_code"] = _("Another campaign has this code.")
    elif found.customer_id is not None:
        errors["discount_code"] = _("This code belongs to one guest.")
    return found


def _is_anothers(campaign_id: UUID | None) -> bool:
    return campaign_id is not None and Campaign.objects.filter(pk=campaign_id).exists()


def _check(draft: Draft, errors: dict[str, Any]) -> None:
    one = draft.campaign
    one.content = (one.content or "").replace("\r\n", "\n").strip()
    one.name = (one.name or "").strip()
    for name, (least, most) in _RANGES.items():
        given = getattr(one, name)
        if not isinstance(given, int) or not least <= given <= most:
            errors[name] = _("Give a whole number from %(least)s to %(most)s.") % {
                "least": least,
                "most": most,
            }
    if one.starts_on and one.ends_on and one.ends_on < one.starts_on:
        errors["ends_on"] = _("The end is before the beginning.")
    if one.link_url and not one.link_url.lower().startswith(("https://", "http://")):
        errors["link_url"] = _("A link begins with https://.")
    texts = [("content", one.subject, one.content)]
    texts += [("variants", subject, text) for _letter, subject, text in draft.variants or []]
    for field, subject, text in texts:
        _check_text(one.type, field, subject, text, errors)
    exclude = ["discount_code", "created_by", "sent_by", "approved_by", *errors]
    try:
        one.full_clean(exclude=exclude, validate_constraints=False, validate_unique=False)
    except ValidationError as error:
        errors.update(error.message_dict)
    if errors:
        raise ValidationError(errors)


def _check_text(channel: str, field: str, subject: str, text: str, errors: dict[str, Any]) -> None:
    for name, each in (("subject", subject), (field, text)):
        try:
            check_template(each, CAMPAIGN)
        except ValidationError as error:
            errors.setdefault(name, error)
    if "\x00" in text or len(text) > MAX_LENGTH:
        errors.setdefault(field, _("The text is too long."))
    elif channel == CampaignType.SMS and count_parts(text).parts > MAX_PARTS:
        errors.setdefault(field, _("Write a text of at most 12 parts."))


def create_campaign(*, actor: Actor, values: Mapping[str, Any]) -> Campaign:
    """Create a draft.

    Args:
        values: any of ``FIELDS`` and ``BESIDES``.

    Raises:
        ValidationError: names each bad field; code INVALID_TEMPLATE for a text with an unknown variable.
        InvalidCriteria: the criteria cannot be read; names the place.
    """
    draft = draft_of({"attribution_days": get_rules().attribution_days, **values})
    draft.campaign.created_by_id = actor.user_id
    with write(actor):
        draft.campaign.save(force_insert=True)
        _save_besides(actor, draft)
    return draft.campaign


def update_campaign(
    *, actor: Actor, campaign_id: UUID, changes: Mapping[str, Any], version: int | None = None
) -> Campaign:
    """Change a draft; an approval it had is void. ``changes`` as ``values`` of :func:`create_campaign`.

    Raises:
        CampaignNotFound, CampaignNotEditable, ValidationError, InvalidCriteria.
        EditConflict: somebody changed it since ``version``.
    """
    with write(actor):
        campaign = lock_campaign(campaign_id, "edit", version)
        before = campaign.discount_code_id
        draft = draft_of(changes, campaign)
        campaign.version += 1
        campaign.approved_by_id, campaign.approved_at, campaign.problem = None, None, ""
        campaign.save()
        if before is not None and before != campaign.discount_code_id:
            DiscountCode.objects.filter(pk=before, campaign_id=campaign.pk).update(campaign_id=None)
        _save_besides(actor, draft)
    return campaign


def _save_besides(actor: Actor, draft: Draft) -> None:
    campaign = draft.campaign
    if draft.segments is not None:
        campaign.segments.set(draft.segments)
    if draft.variants is not None:
        campaign.variants.all().delete()
        CampaignVariant.objects.bulk_create(
            CampaignVariant(campaign=campaign, key=letter, subject=subject, content=text)
            for letter, subject, text in draft.variants
        )
    if draft.new_code:
        campaign.discount_code = create_code(actor=actor, values=draft.new_code, campaign_id=campaign.pk)
        campaign.save(update_fields=["discount_code"])
    elif campaign.discount_code_id:
        DiscountCode.objects.filter(pk=campaign.discount_code_id).update(campaign_id=campaign.pk)


def delete_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> None:
    """Delete a draft. Raises CampaignNotFound, CampaignNotEditable, EditConflict."""
    with write(actor):
        campaign = lock_campaign(campaign_id, "delete", version)
        DiscountCode.objects.filter(campaign_id=campaign.pk).update(campaign_id=None)
        campaign.delete()


def duplicate_campaign(*, actor: Actor, campaign_id: UUID, name: str = "") -> Campaign:
    """Make a new draft of any campaign: text, guests, shares; without its time and its discount code.

    Raises CampaignNotFound.
    """
    source = Campaign.objects.prefetch_related("segments", "variants").filter(pk=campaign_id).first()
    if source is None:
        raise CampaignNotFound(details={"campaign_id": str(campaign_id)})
    values = {field: getattr(source, field) for field in FIELDS if field != "scheduled_at"}
    values["name"] = name or (_("Copy of %(name)s") % {"name": source.name})[:200]
    values["segments"] = [one.key for one in source.segments.all()]
    values["variants"] = [{"subject": one.subject, "content": one.content} for one in source.variants.all()]
    return create_campaign(actor=actor, values=values)

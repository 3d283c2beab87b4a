"""Stamps: put on a guest's cards with a visit, taken off when it is voided; full cards bring their reward.

Rows of ``StampEntry`` are never changed: the last one of a guest and card tells where the card stands.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy

from customers.models import Customer, Visit
from loyalty.models import LedgerEntry, LoyaltyAccount, StampCard, StampEntry, Voucher
from loyalty.rules import RuleBook, is_within
from loyalty.selectors.rewards import at_menu_prices
from loyalty.services.ledger import Movement, post, usable_points
from loyalty.services.vouchers import issue
from servaan_crm.core.actors import Actor
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.text import search_key


@dataclass(frozen=True, slots=True)
class StampGain:
    """What one visit did to one card. ``filled``: how many cards it made full; ``stamps_now``: on the open card."""

    card: StampCard
    stamps: int
    filled: int
    stamps_now: int
    points: int
    vouchers: tuple[Voucher, ...] = ()


@dataclass(frozen=True, slots=True)
class StampLoss:
    """What voiding a visit took off one card.

    ``kept``: full cards whose voucher was used already; they stay paid, and the next stamps fill them again.
    ``shortfall``: points of full cards that were spent already.
    """

    card: StampCard
    stamps: int
    taken_back: int
    kept: int
    shortfall: int


def stamp_visit(
    actor: Actor, customer: Customer, account: LoyaltyAccount, visit: Visit, book: RuleBook
) -> list[StampGain]:
    """Put the stamps of a recorded visit on the guest's cards and pay out the cards that are full.

    The caller holds the transaction and the guest's lock, calls this once per visit (again after
    :func:`unstamp_visit`), then settles the tier and saves ``account``. Points of a full card are an entry of their
    own that names the card, not the visit.
    """
    if not book.has_stamp_cards or customer.is_blocked:
        return []
    return _put(actor, customer, account, visit, book, list(_open_cards()))


def unstamp_visit(
    actor: Actor, customer: Customer, account: LoyaltyAccount, visit: Visit, book: RuleBook
) -> list[StampLoss]:
    """Take the stamps of a visit off again, with what full cards brought as far as it is still there.

    Costs one query for a visit without stamps. The caller holds the guest's lock and saves ``account``.
    """
    return _take_off(actor, customer, account, book, _put_on(visit))


def restamp_visit(
    actor: Actor, customer: Customer, account: LoyaltyAccount, visit: Visit, book: RuleBook
) -> tuple[list[StampLoss], list[StampGain]]:
    """Bring the stamps of a corrected visit up to date; a card whose stamps stay the same is not touched.

    So a guest keeps the voucher of a full card when only the amount of the bill was mistyped.
    """
    put = _put_on(visit)
    before: dict[UUID, int] = {}
    for entry in put:
        before[entry.card_id] = before.get(entry.card_id, 0) + entry.stamps
    cards = {} if customer.is_blocked else {card.pk: card for card in _open_cards()}
    cards = {entry.card_id: entry.card for entry in put} | cards
    changed = {key: card for key, card in cards.items() if stamps_for(card, visit) != before.get(key, 0)}
    losses = _take_off(actor, customer, account, book, [row for row in put if row.card_id in changed])
    gains = _put(actor, customer, account, visit, book, list(changed.values()))
    return losses, gains


def stamps_for(card: StampCard, visit: Visit) -> int:
    """Return how many stamps a visit brings on ``card``: one, or one for each piece of a matching item."""
    final = Decimal(visit.total_amount) - Decimal(visit.discount_amount)
    if final < card.minimum_amount or not is_within(
        local_date(visit.visit_date), card.starts_on, card.ends_on
    ):
        return 0
    if card.counts == StampCard.Counts.VISITS:
        return 1
    items, categories = _keys(card.items), _keys(card.categories)
    return sum(
        max(0, int(line.get("quantity") or 0))
        for line in visit.items
        if not (items or categories)
        or search_key(str(line.get("name") or "")) in items
        or search_key(str(line.get("category") or "")) in categories
    )


def _keys(names: list[str]) -> set[str]:
    return {search_key(name) for name in names}


def _put_on(visit: Visit) -> list[StampEntry]:
    """Return what a visit put on and nothing has taken off yet.

    Also what it put on the card of a record that was merged since: the stamps were carried over.
    """
    entries = StampEntry.objects.filter(visit=visit, stamps__gt=0, reversal=None)
    return list(entries.select_related("card__reward").order_by("card_id", "sequence"))


def _put(
    actor: Actor,
    customer: Customer,
    account: LoyaltyAccount,
    visit: Visit,
    book: RuleBook,
    cards: list[StampCard],
) -> list[StampGain]:
    wanted = [(card, count) for card in cards if (count := stamps_for(card, visit))]
    last = _last_entries(customer, [card.pk for card, _ in wanted]) if wanted else {}
    return [
        _stamp(actor, customer, account, visit, book, card, count, last.get(card.pk))
        for card, count in wanted
    ]


def _take_off(
    actor: Actor, customer: Customer, account: LoyaltyAccount, book: RuleBook, put: list[StampEntry]
) -> list[StampLoss]:
    last = _last_entries(customer, [entry.card_id for entry in put]) if put else {}
    losses = []
    for entry in put:
        loss, last[entry.card_id] = _unstamp(actor, customer, account, book, entry, last[entry.card_id])
        losses.append(loss)
    return losses


def _open_cards() -> QuerySet[StampCard]:
    return StampCard.objects.filter(is_active=True).select_related("reward").order_by("created_at", "pk")


def _last_entries(customer: Customer, card_ids: list[UUID]) -> dict[UUID, StampEntry]:
    rows = StampEntry.objects.filter(customer=customer, card_id__in=card_ids)
    newest = rows.order_by("card_id", "-sequence").distinct("card_id")
    return {entry.card_id: entry for entry in newest}


def _stamp(
    actor: Actor,
    customer: Customer,
    account: LoyaltyAccount,
    visit: Visit,
    book: RuleBook,
    card: StampCard,
    count: int,
    last: StampEntry | None,
) -> StampGain:
    total = (last.total_after if last else 0) + count
    paid = last.full_cards if last else 0
    filled = max(0, total // card.stamps_needed - paid)
    entry = _append(card, customer, last, stamps=count, total=total, full=paid + filled, visit=visit)
    vouchers = tuple(_voucher(actor, customer, card, entry, number) for number in range(filled))
    points = filled * card.points
    if points:
        gain = Movement(
            type=LedgerEntry.Type.EARNED_BONUS,
            points=points,
            description=format_lazy(gettext_lazy("Stamp card full: {card}"), card=card.name),
            reference=_reference(entry),
            explanation={"stamp_card": card.name, "full_cards": filled, "visit_id": str(visit.pk)},
        )
        post(actor=actor, customer=customer, account=account, movements=[gain], book=book)
    issued = tuple(voucher for voucher in vouchers if voucher is not None)
    return StampGain(card, count, filled, total % card.stamps_needed, points, issued)


def _voucher(
    actor: Actor, customer: Customer, card: StampCard, entry: StampEntry, number: int
) -> Voucher | None:
    if card.reward is None:
        return None
    at_menu_prices([card.reward])
    return issue(
        actor=actor,
        customer=customer,
        source=Voucher.Source.STAMPS,
        reward=card.reward,
        source_reference=f"{_reference(entry)}:{number}",
    )


def _unstamp(
    actor: Actor,
    customer: Customer,
    account: LoyaltyAccount,
    book: RuleBook,
    entry: StampEntry,
    last: StampEntry,
) -> tuple[StampLoss, StampEntry]:
    card = entry.card
    total = max(0, last.total_after - entry.stamps)
    # Cards that are not full any more; of these, the ones whose voucher is still there are taken back.
    too_many = max(0, last.full_cards - total // card.stamps_needed)
    taken, shortfall = _take_back(actor, customer, account, book, card, too_many)
    after = _append(
        card, customer, last, stamps=-entry.stamps, total=total, full=last.full_cards - taken,
        visit=entry.visit, reverses=entry,
    )  # fmt: skip
    return StampLoss(card, entry.stamps, taken, too_many - taken, shortfall), after


def _take_back(
    actor: Actor, customer: Customer, account: LoyaltyAccount, book: RuleBook, card: StampCard, wanted: int
) -> tuple[int, int]:
    """Take back up to ``wanted`` full cards, the newest first; returns how many, and the points not covered."""
    if not wanted:
        return 0, 0
    if card.reward_id is None:
        return wanted, _take_points(actor, customer, account, book, card, wanted)
    rows = Voucher.objects.select_for_update().filter(
        customer=customer, source=Voucher.Source.STAMPS, source_reference__startswith=f"{card.pk}:",
        status=Voucher.Status.ISSUED,
    )  # fmt: skip
    unused = list(rows.order_by("-created_at", "-pk")[:wanted])
    for voucher in unused:
        voucher.status, voucher.closed_reason = Voucher.Status.CANCELLED, str(_WHY_TAKEN)[:200]
        voucher.save(update_fields=["status", "closed_reason", "updated_at"])
    return len(unused), _take_points(actor, customer, account, book, card, len(unused))


_WHY_TAKEN = gettext_lazy("The stamps were taken off again.")


def _take_points(
    actor: Actor, customer: Customer, account: LoyaltyAccount, book: RuleBook, card: StampCard, cards: int
) -> int:
    """Take the points of ``cards`` full cards back, as far as they were not spent; returns what is missing."""
    wanted = cards * card.points
    if not wanted:
        return 0
    points = min(wanted, usable_points(account))
    back = Movement(
        type=LedgerEntry.Type.REVERSED_EARNING,
        points=-points,
        description=format_lazy(gettext_lazy("Stamps taken off: {card}"), card=card.name),
        reference=str(card.pk),
        explanation={"stamp_card": card.name, "full_cards": cards},
        shortfall=wanted - points,
    )
    post(actor=actor, customer=customer, account=account, movements=[back], book=book)
    return wanted - points


def _reference(entry: StampEntry) -> str:
    return f"{entry.card_id}:{entry.pk}"


def _append(
    card: StampCard,
    customer: Customer,
    last: StampEntry | None,
    *,
    stamps: int,
    total: int,
    full: int,
    **links: Any,
) -> StampEntry:
    return StampEntry.objects.create(
        card=card,
        customer=customer,
        sequence=(last.sequence if last else 0) + 1,
        stamps=stamps,
        total_after=total,
        full_cards=full,
        created_at=timezone.now(),
        **links,
    )

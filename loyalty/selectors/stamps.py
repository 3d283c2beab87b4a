"""Reads of stamp cards."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from customers.models import Customer, Visit
from loyalty.models import StampCard, StampEntry
from loyalty.reward_errors import StampCardNotFound


@dataclass(frozen=True, slots=True)
class StampState:
    """One card of one guest.

    ``stamps`` on the open card; ``full_cards`` paid out so far; ``kept``: how many of them are filled again for
    nothing, because their voucher was used before their stamps were taken off.
    """

    card: StampCard
    stamps: int
    full_cards: int
    kept: int

    @property
    def missing(self) -> int:
        """Stamps until the next reward."""
        return self.card.stamps_needed * (1 + self.kept) - self.stamps


def list_stamp_cards(*, active_only: bool = False) -> QuerySet[StampCard]:
    """Return the cards, the oldest first, with ``guests``: how many guests have a stamp on it."""
    cards = StampCard.objects.select_related("reward").annotate(
        guests=Count("entries__customer", distinct=True)
    )
    return (cards.filter(is_active=True) if active_only else cards).order_by("created_at", "pk")


def get_stamp_card(card_id: UUID) -> StampCard:
    """Return one card. Raises StampCardNotFound."""
    card = StampCard.objects.select_related("reward").filter(pk=card_id).first()
    if card is None:
        raise StampCardNotFound(details={"stamp_card_id": str(card_id)})
    return card


def stamps_of(customer: Customer) -> list[StampState]:
    """Return where the guest stands on every active card, and on others it has stamps on; one query."""
    last = StampEntry.objects.filter(card=OuterRef("pk"), customer_id=customer.pk).order_by("-sequence")
    cards = StampCard.objects.select_related("reward").annotate(
        total=Subquery(last.values("total_after")[:1]), full=Subquery(last.values("full_cards")[:1])
    )
    shown = cards.filter(Q(is_active=True) | Q(total__gt=0)).order_by("created_at", "pk")
    return [_state(card, card.total or 0, card.full or 0) for card in shown]


def stamps_of_visit(visit: Visit) -> list[StampEntry]:
    """Return what a visit put on cards, without what was taken off again."""
    rows = StampEntry.objects.filter(visit=visit, stamps__gt=0, reversal=None).select_related("card")
    return list(rows.order_by("created_at", "pk"))


def _state(card: StampCard, total: int, full: int) -> StampState:
    kept = max(0, full - total // card.stamps_needed)
    return StampState(card, total % card.stamps_needed, full, kept)

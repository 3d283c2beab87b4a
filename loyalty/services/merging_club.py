"""Vouchers, codes and stamps when two guests become one. Points and tier are in ``merging``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.merging.registry import Merge, Mover, Part, RowsMover, Stays, register_mover
from loyalty.models import DiscountCode, DiscountUse, ReviewItem, StampEntry, Voucher


class LooseRowsMover(RowsMover):
    """Rows that anybody may add or decide about meanwhile: they follow the merge and never forbid its undoing."""

    def seal(self, kept_id: UUID, merged_id: UUID) -> Any:
        return None


class StampMover(Mover):
    """Carries the stamps of every card to the kept guest. Rows only grow, so stamps move through the card's history.

    Two cards that are full only together are paid out with the next stamp, not by the merge. A card whose stamps
    were all taken off again while its voucher was used (no stamps, one full card) stays with the merged record.
    """

    name = "stamps"
    label = _("Stamps")
    handles = ("loyalty.StampEntry.customer",)

    def parts(self, merged_id: UUID) -> Iterable[Part]:
        open_stamps = sum(
            entry.total_after % entry.card.stamps_needed for entry in _last_stamps(merged_id).values()
        )
        return (Part(self.name, self.label, "circle-check", open_stamps),)

    def move(self, merge: Merge) -> list[list[Any]]:
        moved = []
        for card_id, entry in sorted(_last_stamps(merge.merged.pk).items()):
            if entry.total_after:
                moved.append([str(card_id), entry.total_after, entry.full_cards])
        _carry(merge.merged.pk, merge.kept.pk, moved)
        return moved

    def put_back(self, merge: Merge, moved: list[list[Any]]) -> None:
        _carry(merge.kept.pk, merge.merged.pk, moved)

    def seal(self, kept_id: UUID, merged_id: UUID) -> Any:
        return StampEntry.objects.filter(customer_id__in=(kept_id, merged_id)).count()


def _last_stamps(customer_id: UUID) -> dict[UUID, StampEntry]:
    rows = StampEntry.objects.filter(customer_id=customer_id).select_related("card")
    return {entry.card_id: entry for entry in rows.order_by("card_id", "-sequence").distinct("card_id")}


def _carry(giver: UUID, taker: UUID, moved: list[list[Any]]) -> None:
    """Take [card, stamps, full cards] off the cards of one guest and put them on those of the other."""
    ends = ((giver, _last_stamps(giver), -1), (taker, _last_stamps(taker), 1))
    rows = []
    for card_id, stamps, full in moved:
        for guest, last, sign in ends:
            before = last.get(UUID(card_id))
            rows.append(
                StampEntry(
                    card_id=UUID(card_id),
                    customer_id=guest,
                    sequence=(before.sequence if before else 0) + 1,
                    stamps=sign * stamps,
                    total_after=(before.total_after if before else 0) + sign * stamps,
                    full_cards=(before.full_cards if before else 0) + sign * full,
                    created_at=timezone.now(),
                )
            )
    StampEntry.objects.bulk_create(rows)


# A voucher or code used or cancelled meanwhile shows in the visits and the ledger, which are sealed; one that ran out
# at night must not forbid the undo.
register_mover(RowsMover(Voucher, label=_("Vouchers"), icon="ticket", code="vouchers", sealed=False))
register_mover(
    RowsMover(DiscountCode, label=_("Personal codes"), icon="discount", code="personal_codes", sealed=False)
)
register_mover(
    RowsMover(DiscountUse, label=_("Codes used"), icon="discount", code="codes_used", sealed=False)
)
register_mover(
    LooseRowsMover(ReviewItem, label=_("Reviews"), icon="eye", code="loyalty_reviews", sealed=False)
)
register_mover(StampMover())
register_mover(
    Stays(
        "confirmations",
        {"loyalty.RedemptionCode.customer": "it releases points of this record, for five minutes at most"},
    )
)
# Who brought whom is read through the guest a record is part of now (``loyalty.referral_families``).
register_mover(
    Stays(
        "referrals",
        {
            "loyalty.Referral.referrer": "read through the guest it is part of now",
            "loyalty.Referral.friend": "a guest is brought once; read through the guest it is part of now",
            "loyalty.ReferralCode.customer": "both codes go on working and lead to the kept guest",
        },
    )
)

"""What happens in the club."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from servaan_crm.core.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class TierChanged(Event):
    """A guest moved to another tier."""

    name: ClassVar[str] = "loyalty.tier_changed"
    customer_id: UUID
    from_tier: str
    to_tier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsExpired(Event):
    """Points of a guest ran out."""

    name: ClassVar[str] = "loyalty.points_expired"
    customer_id: UUID
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsExpiring(Event):
    """Points of a guest run out soon: ``points`` can be used up to and including ``expires_on`` (ISO date)."""

    name: ClassVar[str] = "loyalty.points_expiring"
    customer_id: UUID
    points: int
    expires_on: str
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsMoved(Event):
    """Balances changed outside a checkout: by hand, by a voucher or a review, or because points ran out at night.

    At most 500 guests in one event. A checkout brings its own guest up to date and does not tell.
    """

    name: ClassVar[str] = "loyalty.points_moved"
    customer_ids: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherIssued(Event):
    """A guest got a voucher."""

    name: ClassVar[str] = "loyalty.voucher_issued"
    customer_id: UUID
    voucher_id: UUID
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralRewarded(Event):
    """A guest's friend came for the first time, and both got their points."""

    name: ClassVar[str] = "loyalty.referral_rewarded"
    referral_id: UUID
    customer_id: UUID
    friend_id: UUID

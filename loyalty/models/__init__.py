"""The loyalty club."""

from loyalty.models.card import GuestCard
from loyalty.models.codes import DiscountCode, DiscountUse
from loyalty.models.ledger import LedgerEntry, LoyaltyAccount, TierChange
from loyalty.models.program import BonusRule, LoyaltyProgram, ProgramVersion, Tier
from loyalty.models.referral import Referral, ReferralCode
from loyalty.models.review import ReviewItem
from loyalty.models.rewards import Benefit, RedemptionCode, Reward, RewardPicture, Voucher
from loyalty.models.stamps import StampCard, StampEntry

__all__ = [
    "Benefit",
    "BonusRule",
    "DiscountCode",
    "DiscountUse",
    "GuestCard",
    "LedgerEntry",
    "LoyaltyAccount",
    "LoyaltyProgram",
    "ProgramVersion",
    "RedemptionCode",
    "Referral",
    "ReferralCode",
    "ReviewItem",
    "Reward",
    "RewardPicture",
    "StampCard",
    "StampEntry",
    "Tier",
    "TierChange",
    "Voucher",
]

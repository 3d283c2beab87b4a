"""Rewards, vouchers, confirmations and stamp cards under ``/api/crm/``."""

from loyalty.api import confirmations, rewards, stamps, vouchers
from servaan_crm.core.urls import both

urlpatterns = [
    *both("loyalty/rewards", rewards.RewardsView.as_view(), name="rewards"),
    *both("loyalty/rewards/<uuid:reward_id>", rewards.OneRewardView.as_view(), name="reward"),
    *both(
        "loyalty/rewards/<uuid:reward_id>/picture",
        rewards.RewardPictureView.as_view(),
        name="reward-picture",
    ),
    *both(
        "loyalty/rewards/<uuid:reward_id>/redeem", rewards.RedeemRewardView.as_view(), name="reward-redeem"
    ),
    *both("loyalty/confirmations", confirmations.ConfirmationsView.as_view(), name="confirmations"),
    *both("loyalty/vouchers", vouchers.VouchersView.as_view(), name="vouchers"),
    *both(
        "loyalty/vouchers/<uuid:voucher_id>/cancel",
        vouchers.CancelVoucherView.as_view(),
        name="voucher-cancel",
    ),
    *both("loyalty/vouchers/<uuid:voucher_id>/use", vouchers.UseVoucherView.as_view(), name="voucher-use"),
    *both("loyalty/vouchers/<str:voucher_code>", vouchers.VoucherView.as_view(), name="voucher"),
    *both("loyalty/stamp-cards", stamps.StampCardsView.as_view(), name="stamp-cards"),
    *both("loyalty/stamp-cards/<uuid:stamp_card_id>", stamps.StampCardView.as_view(), name="stamp-card"),
    *both(
        "customers/<uuid:customer_id>/loyalty/stamps", stamps.GuestStampsView.as_view(), name="guest-stamps"
    ),
]

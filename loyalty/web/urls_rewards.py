"""Rewards, vouchers and stamp cards under ``/loyalty/``."""

from django.urls import path

from loyalty.web import guest_rewards, pictures, rewards, stamps, vouchers

urlpatterns = [
    path("rewards/", rewards.RewardList.as_view(), name="rewards"),
    path("rewards/new/", rewards.NewReward.as_view(), name="reward-new"),
    path("rewards/preview/", rewards.RewardPreview.as_view(), name="reward-preview"),
    path("rewards/<uuid:reward_id>/", rewards.EditReward.as_view(), name="reward"),
    path("rewards/<uuid:reward_id>/switch/", rewards.SwitchReward.as_view(), name="reward-switch"),
    path("rewards/<uuid:reward_id>/delete/", rewards.DeleteReward.as_view(), name="reward-delete"),
    path("pictures/<uuid:reward_id>/<str:digest>.webp", pictures.Picture.as_view(), name="picture"),
    path("vouchers/", vouchers.VoucherList.as_view(), name="vouchers"),
    path("vouchers/<uuid:voucher_id>/", vouchers.VoucherPage.as_view(), name="voucher"),
    path("vouchers/<uuid:voucher_id>/cancel/", vouchers.CancelVoucher.as_view(), name="voucher-cancel"),
    path("stamp-cards/", stamps.StampCardList.as_view(), name="stamp-cards"),
    path("stamp-cards/new/", stamps.NewStampCard.as_view(), name="stamp-card-new"),
    path("stamp-cards/<uuid:stamp_card_id>/", stamps.EditStampCard.as_view(), name="stamp-card"),
    path(
        "stamp-cards/<uuid:stamp_card_id>/delete/", stamps.DeleteStampCard.as_view(), name="stamp-card-delete"
    ),
    path("guests/<uuid:customer_id>/rewards/", guest_rewards.GuestRewards.as_view(), name="guest-rewards"),
    path(
        "guests/<uuid:customer_id>/rewards/<uuid:reward_id>/redeem/",
        guest_rewards.RedeemForGuest.as_view(),
        name="guest-redeem",
    ),
]

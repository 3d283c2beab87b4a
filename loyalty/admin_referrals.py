"""Referrals in the back office: to be read; decisions are made on their own page."""

from __future__ import annotations

from django.contrib import admin

from loyalty.models import Referral
from servaan_crm.core.admin_display import ReadOnlyAdmin


@admin.register(Referral)
class ReferralAdmin(ReadOnlyAdmin):
    """Who brought whom."""

    list_display = ("created_at", "referrer", "friend", "status", "referrer_points", "friend_points")
    list_filter = ("status",)
    list_select_related = ("referrer", "friend")
    search_fields = ("referrer__name", "friend__name", "=referrer__phone", "=friend__phone")
    ordering = ("-created_at",)

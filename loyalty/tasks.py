"""Background work of the club."""

from celery import shared_task

from loyalty.services import confirmation, expiry, review_signals, tier_review, vouchers
from servaan_crm.core.tasks import TenantTask


@shared_task(base=TenantTask, name="loyalty.expire_points")
def expire_points() -> int:
    """Nightly: points whose last valid day is over."""
    return expiry.expire_points()


@shared_task(base=TenantTask, name="loyalty.warn_expiring")
def warn_expiring() -> int:
    """Nightly: tell of points that run out soon."""
    return expiry.warn_expiring()


@shared_task(base=TenantTask, name="loyalty.review_tiers")
def review_tiers() -> int:
    """Nightly: periods that ended, thresholds that moved."""
    return tier_review.review_tiers()


@shared_task(base=TenantTask, name="loyalty.expire_vouchers")
def expire_vouchers() -> int:
    """Nightly: vouchers whose last day is over, and confirmation codes nobody can use any more."""
    confirmation.forget_codes()
    return vouchers.expire_vouchers()


@shared_task(base=TenantTask, name="loyalty.find_signals")
def find_signals() -> int:
    """Nightly: what looks like misuse."""
    return review_signals.find_nightly()

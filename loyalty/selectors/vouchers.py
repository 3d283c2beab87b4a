"""Reads of vouchers."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from customers.models import Customer
from customers.selectors.search import search_customers
from loyalty.models import Voucher
from loyalty.reward_errors import VoucherNotFound
from loyalty.selectors.rewards import at_menu_prices
from loyalty.voucher_codes import ALPHABET, normalise
from servaan_crm.l10n.jalali import local_date

_SHORTEST = 4


def list_vouchers(filters: Mapping[str, Any] | None = None) -> QuerySet[Voucher]:
    """Return vouchers, newest first, with guest and reward.

    Args:
        filters: any of ``search`` (beginning of a code, or what finds a guest), ``status``, ``source``,
            ``customer_id``, ``reward_id``.
    """
    wanted = filters or {}
    rows = Voucher.objects.select_related("customer", "reward").order_by("-created_at", "-id")
    for name in ("source", "customer_id", "reward_id"):
        if wanted.get(name):
            rows = rows.filter(**{name: wanted[name]})
    if wanted.get("status"):
        rows = rows.filter(_in_status(wanted["status"]))
    if search := (wanted.get("search") or "").strip():
        code = normalise(search)
        found = Q(customer__in=search_customers(Customer.objects.all(), search).values("pk"))
        if len(code) >= _SHORTEST and set(code) <= set(ALPHABET):
            found |= Q(code__startswith=code)
        rows = rows.filter(found)
    return rows


def get_voucher(voucher_id: UUID) -> Voucher:
    """Return one voucher with guest and reward, at today's menu price. Raises VoucherNotFound."""
    return _found(Voucher.objects.filter(pk=voucher_id), voucher_id=str(voucher_id))


def find_voucher(code: str) -> Voucher:
    """Return the voucher with a typed or scanned code, in any state. Raises VoucherNotFound."""
    return _found(Voucher.objects.filter(code=normalise(code)[:16]), voucher_code=normalise(code)[:16])


def held_vouchers(customer: Customer) -> list[Voucher]:
    """Return the vouchers the guest can use now, the one that ends first in front, at today's menu prices."""
    ready = Voucher.objects.filter(_in_status("issued"), customer_id=customer.pk).select_related("reward")
    vouchers = list(ready.order_by("expires_on", "created_at"))
    at_menu_prices(vouchers)
    return vouchers


def state_of(voucher: Voucher) -> str:
    """Return the status, "expired" from the day after the last one whether or not the night has passed."""
    over = voucher.expires_on is not None and voucher.expires_on < local_date(timezone.now())
    return "expired" if voucher.status == Voucher.Status.ISSUED and over else voucher.status


def count_by_status() -> dict[str, int]:
    """Return how many vouchers there are of each status; one query."""
    names = Voucher.Status.values
    return Voucher.objects.aggregate(**{name: Count("pk", filter=_in_status(name)) for name in names})


def _in_status(status: str) -> Q:
    today = local_date(timezone.now())
    over = Q(status=Voucher.Status.ISSUED, expires_on__lt=today)
    if status == Voucher.Status.ISSUED:
        return Q(status=status) & (Q(expires_on=None) | Q(expires_on__gte=today))
    return Q(status=status) | over if status == Voucher.Status.EXPIRED else Q(status=status)


def _found(rows: QuerySet[Voucher], **details: str) -> Voucher:
    voucher = rows.select_related("customer", "reward", "used_visit", "entry").first()
    if voucher is None:
        raise VoucherNotFound(details=details)
    if voucher.status == Voucher.Status.ISSUED:
        at_menu_prices([voucher])
    return voucher

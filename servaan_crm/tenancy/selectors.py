"""Which café a host name belongs to."""

import time

from django.conf import settings
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from servaan_crm.tenancy.models import Cafe, Domain

_SECONDS = 5.0
_cache: dict[str, tuple[float, Cafe | None]] = {}


def get_cafe_by_host(host: str) -> Cafe | None:
    """Return the café of ``host`` (lower case, no port), or None.

    Kept in the process for five seconds: one query fewer per request, and a change made by another
    process is seen soon after.
    """
    now = time.monotonic()
    hit = _cache.get(host)
    if hit and hit[0] > now:
        return hit[1]
    domain = Domain.objects.select_related("tenant").filter(domain=host).first()
    cafe = domain.tenant if domain else None
    if len(_cache) > 10_000:
        _cache.clear()
    _cache[host] = (now + _SECONDS, cafe)
    return cafe


@receiver([post_save, post_delete], sender=Cafe)
@receiver([post_save, post_delete], sender=Domain)
def forget_hosts(**_kwargs: object) -> None:
    """Drop the cache of this process when a café or a domain changes."""
    _cache.clear()


def public_origin(cafe: Cafe) -> str:
    """Return scheme and host of the café's public pages, such as ``https://narenj.servaan.ir``, for links in messages.

    Where there is no request to take it from; a development server answers on its port without encryption.
    """
    rows = Domain.objects.filter(tenant=cafe).order_by("-is_primary", "pk")
    host = rows.values_list("domain", flat=True).first() or f"{cafe.slug}.{settings.BASE_DOMAIN}"
    if settings.BASE_DOMAIN == "localhost":
        return f"http://{host}:{settings.PORT}"
    return f"https://{host}"

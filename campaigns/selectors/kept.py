"""Figures of large campaigns are kept for a moment: counting 200,000 rows takes longer than a page may.

Campaigns of up to ``LARGE`` guests are counted each time. Of larger ones pages show what was counted a moment ago: a
figure that is no longer fresh is shown once more while a worker counts anew, and one older than ``OLD`` (no worker
came) is counted at once. What people decide changes a campaign's version, and with it every figure.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db import connection

from campaigns.models import Campaign
from campaigns.selectors.attribution import Brought, brought_by
from campaigns.selectors.pace import rate_of, trial_ends
from campaigns.selectors.results import lift_of
from campaigns.selectors.statistics import Figures, figures_by_variant, figures_of, get_figures
from campaigns.selectors.trial import trial_standings
from servaan_crm.core.tasks import enqueue

LARGE = 20_000
# Seconds. Sending changes the counts all the time, and somebody looks on.
FRESH, FRESH_MOVING, OLD = 60, 3, 300
_MOVING_PARTS = frozenset({"figures", "rate", "trial"})


def _brought(campaign: Campaign) -> Brought:
    return brought_by([campaign.pk])[campaign.pk]


_PARTS: dict[str, Callable[[Campaign], Any]] = {
    "figures": get_figures,
    "rate": rate_of,
    "trial": trial_ends,
    "brought": _brought,
    "lift": lift_of,
    "variants": figures_by_variant,
    "standings": trial_standings,
}


def is_large(campaign: Campaign) -> bool:
    """Say whether the campaign has so many guests that its figures are kept."""
    return campaign.recipients > LARGE


def kept(campaign: Campaign, part: str) -> Any:
    """Return a part of the campaign's figures: figures, rate, trial, brought, lift, variants or standings."""
    if not is_large(campaign):
        return _PARTS[part](campaign)
    is_moving = campaign.status == Campaign.Status.SENDING and part in _MOVING_PARTS
    return keep(
        _key(campaign, part),
        lambda: _PARTS[part](campaign),
        lambda: _order(campaign, part),
        fresh=FRESH_MOVING if is_moving else FRESH,
    )


def count_again(campaign: Campaign, part: str) -> None:
    """Count a part anew and keep it; the work of the task."""
    store(_key(campaign, part), _PARTS[part](campaign))


def keep(key: str, work: Callable[[], Any], order: Callable[[], None], *, fresh: int) -> Any:
    """Return what is kept under ``key``, or what ``work`` says now. ``order`` has it counted anew by a worker."""
    found = cache.get(key)
    if found is None:
        return store(key, work())
    counted_at, value = found
    # One of many who look at once has it counted; whoever was to do it and died is waited for half a minute.
    if time.time() - counted_at >= fresh and cache.add(f"{key}:again", 1, 30):
        order()
    return value


def store(key: str, value: Any) -> Any:
    """Keep ``value`` as counted now, and return it."""
    cache.set(key, (time.time(), value), OLD)
    cache.delete(f"{key}:again")
    return value


def _key(campaign: Campaign, part: str) -> str:
    return f"campaign:{campaign.pk}:{campaign.version}:{part}"


def _order(campaign: Campaign, part: str) -> None:
    from campaigns.tasks import count_campaign_again  # tasks adapt this package, so they import us

    enqueue(count_campaign_again, str(campaign.pk), part)


def kept_figures_of(campaigns: Iterable[Campaign]) -> dict[UUID, Figures]:
    """Return campaign id → figures for a page of the list; two queries, however many of them are not large."""
    small, large = _parted(campaigns)
    return figures_of(small) | {one.pk: kept(one, "figures") for one in large}


def kept_brought_by(campaigns: Iterable[Campaign]) -> dict[UUID, Brought]:
    """Return campaign id → what it brought for a page of the list; one query for all that are not large."""
    small, large = _parted(campaigns)
    return brought_by(one.pk for one in small) | {one.pk: kept(one, "brought") for one in large}


def _parted(campaigns: Iterable[Campaign]) -> tuple[list[Campaign], list[Campaign]]:
    rows = list(campaigns)
    return [one for one in rows if not is_large(one)], [one for one in rows if is_large(one)]


def has_many_rows(table: str) -> bool:
    """Say whether the café's ``table`` is large, by what the database remembers of it; one quick query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples > %s FROM pg_class WHERE oid = to_regclass(%s)", [LARGE, table])
        found = cursor.fetchone()
    return bool(found and found[0])

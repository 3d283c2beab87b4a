"""Reports that overtake our own note of the provider's number.

An adapter with a call per message comes back after seconds, and the provider reports the first ones before that. Where
reports come by call alone, nobody would ever tell again. So they are kept, and taken up with the provider's number.
Keeping comes before looking again, and noting the number before looking for what was kept: one of the two finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from servaan_crm.messaging.gateways.base import DeliveryReport, DeliveryState
from servaan_crm.messaging.gateways.registry import ADAPTERS
from servaan_crm.messaging.models import EarlyReport, Message
from servaan_crm.messaging.services.accounts import Account

KEEP = timedelta(days=2)


def reports_by_call_alone(provider: str) -> bool:
    """Whether nobody can be asked about the messages of this provider."""
    adapter = ADAPTERS.get(provider)
    return adapter is not None and not adapter.has_polling


def keep_early(reports: Sequence[DeliveryReport], account: Account) -> list[str]:
    """Keep the reports of messages nobody knows yet; returns the provider's numbers of them."""
    ids = {report.provider_id for report in reports if report.provider_id}
    known = set(
        Message.objects.filter(
            provider_message_id__in=ids, provider=account.adapter, provider_account=account.key
        ).values_list("provider_message_id", flat=True)
    )
    early = [report for report in reports if report.provider_id in ids - known]
    EarlyReport.objects.bulk_create(
        EarlyReport(
            account=account.key,
            provider_message_id=report.provider_id[:200],
            state=report.state.value,
            status=report.status[:20],
            is_read=report.is_read,
            refusal=report.refusal,
        )
        for report in early
    )
    return [report.provider_id for report in early]


def take_early(account: str, provider_ids: Sequence[str]) -> list[DeliveryReport]:
    """Take what was kept of these messages, now that they are known; in the caller's transaction."""
    if not provider_ids:
        return []
    kept = EarlyReport.objects.filter(account=account, provider_message_id__in=provider_ids)
    rows = list(kept.order_by("pk").select_for_update())
    EarlyReport.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return [
        DeliveryReport(
            row.provider_message_id,
            DeliveryState(row.state),
            row.status,
            is_read=row.is_read,
            refusal=row.refusal,
        )
        for row in rows
    ]


def purge_early() -> int:
    """Forget reports of messages that are not ours; returns how many."""
    return EarlyReport.objects.filter(created_at__lt=timezone.now() - KEEP).delete()[0]

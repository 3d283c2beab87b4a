"""Every periodic job, in one place. Beat runs on the public schema; each entry fans out to the cafés.

The short intervals are the sweep behind the doorbell: they deliver what a broker outage kept quiet.
"""

from typing import Any

from celery.schedules import crontab


def _everywhere(task: str, every: float) -> dict[str, Any]:
    """Run ``task`` in every active café each ``every`` seconds; a run nobody fetched in time is dropped."""
    return {
        "task": "tenancy.fan_out",
        "schedule": every,
        "args": [task],
        "options": {"expires": max(every, 10)},
    }


def _nightly(task: str, hour: int) -> dict[str, Any]:
    """Run ``task`` once a night in each café, when its own clock says ``hour``."""
    return {"task": "tenancy.fan_out_at_hour", "schedule": crontab(minute="5,35"), "args": [task, hour]}


BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "dispatch events": _everywhere("core.dispatch_events", 10),
    "send messages": _everywhere("messaging.dispatch_outbox", 10),
    "reconcile unknown messages": _everywhere("messaging.reconcile_unknown", 30),
    "poll delivery reports": _everywhere("messaging.poll_deliveries", 15),
    "receive messages": _everywhere("messaging.receive_messages", 120),
    "watch balances": _everywhere("messaging.watch_balances", 1800),
    "campaigns": _everywhere("campaigns.advance", 15),
    "automations": _everywhere("campaigns.run_automations", 15),
    "automations: calls of other systems": _everywhere("campaigns.call_hooks", 30),
    "resume bulk changes": _everywhere("customers.resume_bulk", 30),
    "resume imports": _everywhere("customers.resume_imports", 30),
    "calculate segments": _everywhere("segments.calculate", 30),
    "search for duplicates": _everywhere("customers.scan_duplicates", 30),
    "expire points": _nightly("loyalty.expire_points", 1),
    "warn of expiring points": _nightly("loyalty.warn_expiring", 2),
    "expire vouchers": _nightly("loyalty.expire_vouchers", 1),
    "review tiers": _nightly("loyalty.review_tiers", 2),
    "find signals of misuse": _nightly("loyalty.find_signals", 3),
    "segments": _nightly("segments.nightly", 3),
    "texts of campaigns": _nightly("campaigns.nightly", 3),
    "duplicates": _nightly("customers.nightly_duplicates", 3),
    "automations of the calendar": _nightly("campaigns.scan_automations", 6),
    "automations of the calendar, once more": _nightly("campaigns.scan_automations", 9),
    "purge imports": _nightly("customers.purge_imports", 4),
    "purge": _nightly("core.purge", 4),
    "numbers blocked at providers": _nightly("messaging.nightly", 4),
    "number of guests": _nightly("customers.fold_guest_count", 4),
}

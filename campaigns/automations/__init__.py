"""Automations: trigger → wait → condition → actions, at most once per guest and occasion.

triggers (what happened, from events or from the calendar) → engine (runs: written once, claimed, judged, done) →
actions. ``dry_run`` asks the same triggers and the same judge, and writes nothing.
"""


def register() -> None:
    """Make triggers, actions, listeners and tasks known; for ``AppConfig.ready``."""
    from campaigns.automations import (  # noqa: F401
        guest_data,
        receivers,
        tasks,
        trigger_days,
        trigger_events,
    )

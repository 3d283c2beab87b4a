"""Taking a whole import back over HTTP."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from customers.imports.undo import can_undo, figures_of, percent_of, undo_of, undo_until
from customers.models import ImportJob, ImportUndo


class ImportUndoSerializer(serializers.Serializer[ImportUndo]):
    """The undo of an import as the API shows it. ``gone``: deleted, merged or voided before the undo came to it."""

    status = serializers.ChoiceField(ImportUndo.Status.choices)
    percent = serializers.IntegerField()
    guests_removed = serializers.IntegerField()
    guests_restored = serializers.IntegerField()
    visits_voided = serializers.IntegerField()
    kept = serializers.IntegerField()
    gone = serializers.IntegerField()
    kept_url = serializers.CharField(allow_null=True, help_text="CSV of what was kept, and why.")
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


def undo_payload(job: ImportJob, kept_url: str) -> dict[str, Any]:
    """Return the part of an import's answer that is about its undo; ``kept_url`` is where the report is."""
    undo, until = undo_of(job), undo_until(job)
    shown = None
    if undo is not None:
        shown = {
            "status": undo.status, "percent": percent_of(undo), **figures_of(undo),
            "kept_url": kept_url if undo.kept else None,
            "started_at": undo.started_at, "finished_at": undo.finished_at,
        }  # fmt: skip
    return {"can_undo": can_undo(job), "undo_until": until, "undo": shown}

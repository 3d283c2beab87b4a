"""Segments: named criteria over guests."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SegmentsConfig(AppConfig):
    name = "segments"
    verbose_name = _("Segments")

    def ready(self) -> None:
        from segments import merging, own_data, receivers  # noqa: F401
        from segments.language import event_fields, guest_fields, own_fields

        guest_fields.register_all()
        own_fields.register_all()
        event_fields.register_all()

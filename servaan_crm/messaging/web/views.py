"""The test phones: what guests' phones received while no real provider is connected."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.views.generic import TemplateView

from servaan_crm.accounts.permissions import P
from servaan_crm.accounts.web import RolePage
from servaan_crm.l10n.jalali import format_time
from servaan_crm.l10n.phone import display
from servaan_crm.messaging import selectors
from servaan_crm.messaging.models import Message

_TONES = {
    Message.State.DELIVERED: "ok",
    Message.State.SENT: "info",
    Message.State.UNKNOWN: "warn",
    Message.State.UNDELIVERED: "bad",
    Message.State.FAILED: "bad",
    Message.State.BLOCKED: "warn",
}


class TestPhonesPart(RolePage, TemplateView):
    """The cards alone, fetched again every few seconds."""

    __test__ = False  # a page, not a test class
    permission = P.CUSTOMERS_VIEW
    template_name = "messaging/_phones.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Phones of this café; 404 when messages go to a real provider."""
        url = selectors.loopback_url()
        if url is None:
            raise Http404
        try:
            found = selectors.list_test_phones(url)
        except selectors.LoopbackSilent:
            return super().get_context_data(silent=True, phones=[], **kwargs)
        phones = [{"number": display(phone.number), "texts": _texts(phone)} for phone in found]
        return super().get_context_data(phones=phones, **kwargs)


class TestPhones(TestPhonesPart):
    """The whole page."""

    template_name = "messaging/phones.html"


def _texts(phone: selectors.Phone) -> list[dict[str, Any]]:
    return [
        {
            "body": text.message.body,
            "time": format_time(text.received_at),
            "state": text.message.get_state_display(),
            "tone": _TONES.get(Message.State(text.message.state), "mute"),
        }
        for text in phone.texts[:8]
    ]

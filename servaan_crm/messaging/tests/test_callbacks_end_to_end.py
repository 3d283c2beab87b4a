"""The gateway calls a real web server of ours: every report three times, in any order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.core.handlers.wsgi import WSGIHandler

from servaan_crm.messaging import services
from servaan_crm.messaging.callbacks import default_callback_secret
from servaan_crm.messaging.models import InboundMessage, Message
from servaan_crm.messaging.tests.helpers import queue, states
from servaan_crm.messaging.tests.loopback import Loopback


class SilentHandler(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        return


def test_repeated_and_shuffled_callbacks(fresh_cafe: Callable[..., Any], gateway_settings: Loopback) -> None:
    cast = fresh_cafe()
    gateway_settings.server.store.pace = 1000
    gateway_settings.control("outcome", receptor="09120000005", status=11)
    queue(40)
    services.dispatch_until_idle()
    assert states() == {"sent": 40}
    with make_server("127.0.0.1", 0, WSGIHandler(), handler_class=SilentHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}/api/callbacks/kavenegar"
        secret = default_callback_secret()
        gateway_settings.server.store.callback = {
            "url": f"{base}/status/{secret}",
            "receive_url": f"{base}/receive/{secret}",
            "host": cast.host,
            "duplicates": 3,
            "reorder": True,
        }
        gateway_settings.control("hurry", seconds=5000)
        reports = gateway_settings.server.call_back()
        text = {"from": "09120000001", "to": "10004346", "message": "لغو"}
        for _ in range(2):
            gateway_settings.control("inbound", messageid=77, **text)
        server.shutdown()
        thread.join()
    assert reports == 40 * 2 * 3
    assert gateway_settings.counters["callbacks"] == reports + 2
    assert states() == {"delivered": 39, "undelivered": 1}
    assert Message.objects.get(recipient="+989120000005").state == "undelivered"
    assert InboundMessage.objects.get().body == "لغو"

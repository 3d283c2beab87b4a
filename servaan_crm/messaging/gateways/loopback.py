"""A gateway on this machine that speaks Kavenegar's format: for the demo, the tests and the benchmarks.

Besides the provider's own paths it has ``GET /_phones`` (what every phone received) and ``POST /_control/…``
(planned accidents). It keeps its own memory and uses no database of ours.
"""

from __future__ import annotations

import json
import random
import socket
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from servaan_crm.messaging.gateways.loopback_api import MESSAGES, answer
from servaan_crm.messaging.gateways.loopback_store import FINAL, Accident, Store


class LoopbackServer(ThreadingHTTPServer):
    """The server. ``api_key`` "" takes any key."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, *, state: Path | None = None, api_key: str = "", **limits: Any) -> None:
        self.store = Store(journal=state, **limits)
        self.api_key = api_key
        self._stopping = threading.Event()
        super().__init__(("127.0.0.1", port), _Handler)  # closes itself when the port is taken
        self.store.open_journal()
        self._caller = threading.Thread(target=self._call_back_forever, daemon=True)
        self._caller.start()

    @property
    def url(self) -> str:
        """Base URL for ``KAVENEGAR_BASE_URL``."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def server_close(self) -> None:
        """Stop the callback thread, release the port and the journal."""
        self._stopping.set()
        super().server_close()
        self.store.close()

    def _call_back_forever(self) -> None:
        while not self._stopping.wait(min(self.store.pace, 0.5) or 0.05):
            if self.store.callback.get("url"):
                self.call_back()

    def call_back(self) -> int:
        """Report every changed status to the callback URL, doubled and shuffled as ordered; returns how many
        reports went out."""
        settings = dict(self.store.callback)
        reports = []
        with self.store.lock:
            now = time.time()
            for sms in self.store.messages.values():
                status = sms.status(now, self.store.pace)
                if sms.told in FINAL or status == sms.told or status in {1, 2}:
                    continue
                steps = [5, status] if status in FINAL and settings.get("reorder") else [status]
                reports += [(sms.messageid, step) for step in steps]
                sms.told = status
        reports *= int(settings.get("duplicates") or 1)
        if settings.get("reorder"):
            random.shuffle(reports)
        for messageid, status in reports:
            self._post(settings["url"], {"messageid": messageid, "status": status})
        return len(reports)

    def _post(self, url: str, form: dict[str, Any]) -> None:
        # The café is found by host name, which need not resolve on this machine.
        host = self.store.callback.get("host")
        headers = {"Host": str(host)} if host else {}
        request = urllib.request.Request(url, urlencode(form).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=10):
                self.store.counters.callbacks += 1
        except (urllib.error.URLError, OSError):
            return

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients killed in mid-call are this server's daily life: no traceback for them."""

    # -- control ---------------------------------------------------------------------------------------------

    def control(self, action: str, data: dict[str, Any]) -> dict[str, Any]:
        """Carry out one ``/_control/<action>``; raises ``KeyError`` for an unknown one."""
        store = self.store
        if action in {"fail", "delay", "cut-before", "cut-after", "garbage", "entries"}:
            with store.lock:
                store.accidents.append(Accident(kind=action, **data))
        elif action == "callback":
            store.callback = data
        elif action == "credit":
            store.credit = int(data["rial"])
        elif action == "outcome":
            store.outcomes[data["receptor"]] = int(data["status"])
        elif action == "block":
            store.blocked[data["receptor"]] = int(data.get("reason", 2))
        elif action == "hurry":
            with store.lock:
                for sms in store.messages.values():
                    sms.shift += float(data.get("seconds", 3600))
        elif action == "inbound":
            return self._receive(data)
        elif action == "reset":
            store.reset()
        else:
            raise KeyError(action)
        return {"ok": True}

    def _receive(self, data: dict[str, Any]) -> dict[str, Any]:
        with self.store.lock:
            messageid = int(data.get("messageid") or 35_850_000 + len(self.store.inbox) + 1)
            row = {
                "messageid": messageid,
                "message": data["message"],
                "sender": data["from"],
                "receptor": data["to"],
                "date": int(time.time()),
            }
            self.store.inbox.append({**row, "read": False})
        if url := self.store.callback.get("receive_url"):
            form = {"messageid": messageid, "from": row["sender"], "to": row["receptor"]}
            self._post(url, {**form, "message": row["message"]})
        return {"ok": True, "messageid": messageid}

    def phones(self, limit: int = 2_000) -> dict[str, Any]:
        """What every phone received, newest first, and how often each localid was asked for and sent."""
        store, now = self.store, time.time()
        phones: dict[str, list[dict[str, Any]]] = defaultdict(list)
        with store.lock:
            for index, sms in enumerate(reversed(store.messages.values())):
                if index >= limit:
                    break
                row = {**store.entry(sms), "localid": sms.localid, "asked": sms.asked}
                if sms.status(now, store.pace) not in {2, 13}:
                    phones[sms.receptor].append(row)
            counters = vars(store.counters) | {"credit": store.credit, "kept": len(store.messages)}
        return {"phones": dict(phones), "counters": counters}


class _Handler(BaseHTTPRequestHandler):
    server: LoopbackServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65_536  # head and body leave in one packet

    def log_message(self, format: str, *args: Any) -> None:  # the path holds a key: stay silent
        return

    def do_GET(self) -> None:
        self._handle({})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        if self.headers.get("Content-Type", "").startswith("application/json"):
            self._handle(json.loads(raw or b"{}"))
        else:
            self._handle(dict(parse_qsl(raw.decode("utf-8"), keep_blank_values=True)))

    def _handle(self, form: dict[str, Any]) -> None:
        parts = urlsplit(self.path)
        form = {**dict(parse_qsl(parts.query)), **form}
        pieces = parts.path.strip("/").split("/")
        if pieces[0] == "_phones":
            self._reply(200, self.server.phones(int(form.get("limit", 2_000))))
        elif pieces[0] == "_control" and len(pieces) == 2:
            self._control(pieces[1], form)
        elif len(pieces) > 3 and pieces[0] == "v1" and pieces[-1].endswith(".json"):
            self._provider(pieces[1], "/".join(pieces[2:]).removesuffix(".json"), form)
        else:
            self._answer(404, None)

    def _control(self, action: str, form: dict[str, Any]) -> None:
        try:
            self._reply(200, self.server.control(action, form))
        except (KeyError, TypeError, ValueError) as error:
            self._reply(400, {"ok": False, "error": str(error)})

    def _provider(self, key: str, method: str, form: dict[str, str]) -> None:
        wanted = self.server.api_key
        if wanted and key != wanted and method != "utils/getdate":
            return self._answer(403, None)
        accident = self.server.store.take_accident(method)
        kind = accident.kind if accident else ""
        if accident and kind == "fail":
            return self._answer(accident.code, None, as_http=accident.as_http)
        if kind == "cut-before":
            return self._cut()
        if accident and kind == "delay":
            time.sleep(accident.seconds)
        code, entries = answer(self.server.store, method, form)
        if kind == "cut-after":
            return self._cut()
        if kind == "garbage":
            return self._reply(200, None, raw=b"<html>bad gateway</html>")
        if accident and kind == "entries":
            entries = json.loads(accident.entries)
        return self._answer(code, entries)

    def _answer(self, code: int, entries: Any, *, as_http: bool = True) -> None:
        message = MESSAGES.get(code, f"code {code}")
        body = {"return": {"status": code, "message": message}, "entries": entries}
        self._reply(code if as_http else 200, body)

    def _reply(self, http_status: int, body: Any, *, raw: bytes | None = None) -> None:
        content = raw if raw is not None else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(http_status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _cut(self) -> None:
        """Break the connection without a word."""
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

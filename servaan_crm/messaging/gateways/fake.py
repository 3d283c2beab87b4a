"""Ground for fake providers on this machine: a real HTTP server that answers in a provider's documented format.

A provider's fake is a subclass that overrides ``answer``. What it took stands in ``accepted``, what it was asked in
``calls``; ``plan`` scripts accidents. The demo and the tests talk to these instead of the world outside.
"""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

AccidentKind = Literal["error", "slow", "cut-before", "cut-after", "garbage"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``form`` and ``json`` are filled by content type; ``headers`` have lower-case names."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]
    json: Any
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; ``body`` bytes as they are, text as it is, anything else as JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Accident:
    """A planned fault for the next ``times`` calls whose path holds ``path``. See ``FakeServer.plan``."""

    kind: AccidentKind
    times: int = 1
    path: str = ""
    reply: Reply = field(default_factory=Reply)
    seconds: float = 0.0


@dataclass(slots=True)
class FakeMessage:
    """A message the provider took. ``status`` is in the provider's own words, for the test to change."""

    provider_id: str
    recipient: str
    body: str
    sender: str = ""
    local_id: str = ""
    status: str = ""
    at: float = field(default_factory=time.time)
    extra: dict[str, Any] = field(default_factory=dict)


class FakeServer(ThreadingHTTPServer):
    """A provider on 127.0.0.1 with a free port. Override ``answer``."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *, api_key: str = "") -> None:
        self.api_key = api_key  # "" takes any key
        self.calls: list[Call] = []
        self.accepted: list[FakeMessage] = []
        self.lock = threading.RLock()
        self._accidents: list[Accident] = []
        self._ids = itertools.count(1)
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """The base URL to put into a ``GatewayConfig``."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, call: Call) -> Reply:
        """Answer one request in the provider's format; runs under ``lock``."""
        raise NotImplementedError

    # -- for tests -------------------------------------------------------------------------------------------

    def plan(
        self,
        kind: AccidentKind,
        *,
        times: int = 1,
        path: str = "",
        status: int = 500,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Script an accident for the next ``times`` calls whose path holds ``path``.

        error: answer ``status`` and ``body`` without doing anything. slow: wait ``seconds``, then work as usual.
        cut-before: hang up without doing anything. cut-after: take the message, then hang up. garbage: take the
        message, then answer 200 with HTML. (Nobody listening at all: ``unused_url``.)
        """
        with self.lock:
            self._accidents.append(Accident(kind, times, path, Reply(status, body, headers or {}), seconds))

    def call_to(self, path: str) -> Call:
        """The last call whose path holds ``path``; raises ``LookupError`` when there was none."""
        with self.lock:
            for call in reversed(self.calls):
                if path in call.path:
                    return call
        raise LookupError(path)

    def new_id(self) -> int:
        """A number for something new."""
        return 1_000_000 + next(self._ids)

    def accept(self, provider_id: object, recipient: str, body: str, **details: Any) -> FakeMessage:
        """Take a message; ``details`` are fields of ``FakeMessage``."""
        message = FakeMessage(str(provider_id), recipient, body, **details)
        self.accepted.append(message)
        return message

    # -- machinery -------------------------------------------------------------------------------------------

    def take_accident(self, path: str) -> Accident | None:
        """The next planned fault for ``path``, counted down."""
        with self.lock:
            for accident in self._accidents:
                if accident.path in path:
                    accident.times -= 1
                    if accident.times <= 0:
                        self._accidents.remove(accident)
                    return accident
        return None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are this server's daily life: no traceback for them."""


Fake = TypeVar("Fake", bound=FakeServer)


@contextmanager
def running(server: Fake) -> Iterator[Fake]:
    """Serve for the length of the block, in a thread."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def unused_url() -> str:
    """A base URL where surely nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65_536  # head and body leave in one packet

    def log_message(self, format: str, *args: Any) -> None:  # the path may hold a key: stay silent
        return

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PUT = do_DELETE = do_GET

    def _read(self) -> Call:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.headers.get("Content-Type", "")
        form: dict[str, str] = {}
        data: Any = None
        if kind.startswith("application/x-www-form-urlencoded"):
            form = dict(parse_qsl(raw.decode("utf-8"), keep_blank_values=True))
        elif kind.startswith("application/json"):
            with suppress(ValueError):
                data = json.loads(raw or b"null")
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Call(self.command, parts.path, query, headers, form, data, raw)

    def _handle(self) -> None:
        server, call = self.server, self._read()
        with server.lock:
            server.calls.append(call)
        accident = server.take_accident(call.path)
        kind = accident.kind if accident else ""
        if accident and kind == "error":
            return self._reply(accident.reply)
        if kind == "cut-before":
            return self._cut()
        if accident and kind == "slow":
            time.sleep(accident.seconds)
        with server.lock:
            reply = server.answer(call)
        if kind == "cut-after":
            return self._cut()
        if kind == "garbage":
            reply = Reply(200, "<html>bad gateway</html>")
        return self._reply(reply)

    def _reply(self, reply: Reply) -> None:
        body = reply.body
        if isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _cut(self) -> None:
        """Break the connection without a word."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

"""A mail server on this machine for tests: RFC 5321 as far as a sender needs it, with planned accidents."""

from __future__ import annotations

import base64
import email
import email.policy
import socketserver
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage


@dataclass(slots=True)
class Letter:
    """What arrived: the addresses of the envelope and the letter itself."""

    sender: str
    recipients: list[str]
    content: EmailMessage


@dataclass(slots=True)
class Memory:
    """What the server saw. ``accidents``: (command, reply or "" to hang up), each used once. ``users``: name →
    password; with any, nobody sends without."""

    letters: list[Letter] = field(default_factory=list)
    connections: int = 0
    accidents: list[tuple[str, str]] = field(default_factory=list)
    users: dict[str, str] = field(default_factory=dict)


class FakeMailServer(socketserver.ThreadingTCPServer):
    """``with FakeMailServer() as server`` listens on a free port of this machine."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.memory = Memory()
        super().__init__(("127.0.0.1", 0), _Conversation)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def __enter__(self) -> FakeMailServer:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.shutdown()
        self.server_close()


class _HangUp(Exception):
    pass


class _Conversation(socketserver.StreamRequestHandler):
    server: FakeMailServer

    def handle(self) -> None:
        self._memory = self.server.memory
        self._memory.connections += 1
        self._is_known = not self._memory.users
        self._sender = ""
        self._recipients: list[str] = []
        try:
            self._say(self._accident("CONNECT") or "220 fake.example ready")
            while line := self.rfile.readline():
                verb, _, rest = line.decode().strip().partition(" ")
                if verb.upper() == "QUIT":
                    return self._say("221 bye")
                self._answer(verb.upper(), rest)
        except (_HangUp, ConnectionError):
            return None

    def _answer(self, verb: str, rest: str) -> None:
        if planned := self._accident(verb):
            return self._say(planned)
        if verb in {"EHLO", "HELO"}:
            return self._say("250-fake.example\r\n250-AUTH PLAIN\r\n250 8BITMIME")
        if verb == "AUTH":
            return self._log_in(rest)
        if verb == "MAIL":
            self._sender, self._recipients = _address(rest), []
            return self._say("250 ok" if self._is_known else "530 5.7.0 authentication required")
        if verb == "RCPT":
            self._recipients.append(_address(rest))
            return self._say("250 ok")
        if verb == "DATA":
            return self._take()
        return self._say("250 ok")

    def _take(self) -> None:
        self._say("354 go ahead")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        planned = self._accident("TEXT")
        if planned and not planned.startswith("2"):
            return self._say(planned)
        content = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self._memory.letters.append(Letter(self._sender, self._recipients, content))  # type: ignore[arg-type]
        self._accident("TAKEN")
        return self._say("250 taken")

    def _log_in(self, rest: str) -> None:
        given = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        self._is_known = self._memory.users.get(given[1]) == given[2]
        self._say("235 welcome" if self._is_known else "535 5.7.8 bad user or password")

    def _accident(self, step: str) -> str:
        for index, (wanted, reply) in enumerate(self._memory.accidents):
            if wanted == step:
                del self._memory.accidents[index]
                if not reply:
                    raise _HangUp
                return reply
        return ""

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]

"""A push service on this machine, and a browser that subscribed to it and can read what arrives."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from servaan_crm.messaging.gateways.fake import Call, FakeServer, Reply


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass(slots=True)
class FakeBrowser:
    """One subscription with its private side."""

    name: str
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    status: int = 201
    answer: str = ""

    def subscription(self, root: str) -> dict[str, Any]:
        """Return what the browser tells its page: ``PushSubscription.toJSON()``."""
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": _written(point), "auth": _written(self.auth)}
        return {"endpoint": f"{root}/push/{self.name}", "expirationTime": None, "keys": keys}


class FakePushService(FakeServer):
    """RFC 8030: POST to a subscription's address with TTL; a message is decrypted as the browser would."""

    def __init__(self) -> None:
        self.browsers: dict[str, FakeBrowser] = {}
        super().__init__()

    def browser(self, name: str = "phone") -> FakeBrowser:
        """Return a new browser that is subscribed here."""
        self.browsers[name] = FakeBrowser(name)
        return self.browsers[name]

    def subscription(self, name: str = "phone") -> dict[str, Any]:
        """Return the subscription of a new browser."""
        return self.browser(name).subscription(self.url)

    def answer(self, call: Call) -> Reply:
        """Take one message."""
        import http_ece
        from py_vapid import Vapid02

        browser = self.browsers.get(call.path.removeprefix("/push/"))
        if browser is None:
            return Reply(410, "gone")
        if not call.headers.get("ttl", "").isdigit() or call.headers.get("content-encoding") != "aes128gcm":
            return Reply(400, "bad head")
        if not Vapid02.verify(call.headers.get("authorization", "")):
            return Reply(401, "bad signature")
        if browser.status >= 300:
            return Reply(browser.status, browser.answer, {"Location": f"{self.url}/push/elsewhere"})
        plain = http_ece.decrypt(call.body, private_key=browser.private, auth_secret=browser.auth)
        content = json.loads(plain)
        self.accept(self.new_id(), browser.name, content["body"], extra=content)
        return Reply(browser.status, "", {"Location": f"{self.url}/message/{self.new_id()}"})

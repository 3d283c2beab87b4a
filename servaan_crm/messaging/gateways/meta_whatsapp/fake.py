"""The WhatsApp Cloud API on this machine, and the calls Meta makes."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from servaan_crm.messaging.gateways.base import CallbackCall
from servaan_crm.messaging.gateways.fake import Call, FakeServer, Reply

PHONE_ID = "106540352242922"


def refusal(code: int, message: str = "refused", *, subcode: int | None = None) -> dict[str, Any]:
    """Return the body of an error as Graph writes it."""
    error = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code, "fbtrace_id": "A1"}
    return {"error": error if subcode is None else {**error, "error_subcode": subcode}}


class FakeCloudApi(FakeServer):
    """Takes templates and texts; ``refusals``: number → error code."""

    def __init__(self, *, api_key: str = "") -> None:
        self.refusals: dict[str, int] = {}
        super().__init__(api_key=api_key)

    def answer(self, call: Call) -> Reply:
        """Answer one call."""
        if self.api_key and call.headers.get("authorization") != f"Bearer {self.api_key}":
            return Reply(401, refusal(190, "Invalid OAuth access token"))
        if call.method == "GET" and call.path.endswith(f"/{PHONE_ID}"):
            return Reply(200, {"verified_name": "Cafe", "quality_rating": "GREEN", "id": PHONE_ID})
        if not call.path.endswith(f"/{PHONE_ID}/messages") or not isinstance(call.json, dict):
            return Reply(404, refusal(100, "Unsupported post request"))
        content = call.json
        if content.get("messaging_product") != "whatsapp" or not str(content.get("to", "")).isdigit():
            return Reply(400, refusal(100, "Invalid parameter"))
        if code := self.refusals.get(content["to"]):
            return Reply(400, refusal(code))
        kind = content["type"]
        body = content["text"]["body"] if kind == "text" else content["template"]["name"]
        wamid = f"wamid.{self.new_id()}"
        self.accept(
            wamid, content["to"], body, local_id=content["biz_opaque_callback_data"], extra=content[kind]
        )
        return Reply(200, {
            "messaging_product": "whatsapp",
            "contacts": [{"input": content["to"], "wa_id": content["to"]}],
            "messages": [{"id": wamid, "message_status": "accepted"}],
        })  # fmt: skip


def signed_call(body: bytes, secret: str, *, header: str = "x-hub-signature-256") -> CallbackCall:
    """Return a call as it reaches us, signed with ``secret``."""
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    data = json.loads(body)
    rows = data if isinstance(data, list) else [data]
    return CallbackCall("POST", "https://cafe.example/hook", {header: signature}, {}, {}, body, rows)


def webhook(value: dict[str, Any]) -> bytes:
    """Return the body of a notification about one ``value``."""
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", **value}}
    entry = {"id": "102290129340398", "changes": [change]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()

"""Instagram's messages on this machine."""

from __future__ import annotations

from servaan_crm.messaging.gateways.fake import Call, FakeServer, Reply
from servaan_crm.messaging.gateways.meta_whatsapp.fake import refusal

ACCOUNT_ID = "17841400008460056"


class FakeInstagram(FakeServer):
    """Takes replies, but not to guests in ``closed``: they wrote too long ago."""

    def __init__(self, *, api_key: str = "") -> None:
        self.closed: set[str] = set()
        super().__init__(api_key=api_key)

    def answer(self, call: Call) -> Reply:
        """Answer one call."""
        if self.api_key and call.headers.get("authorization") != f"Bearer {self.api_key}":
            return Reply(401, refusal(190, "Invalid OAuth access token"))
        if call.method == "GET" and call.path.endswith(f"/{ACCOUNT_ID}"):
            return Reply(200, {"username": "cafe", "account_type": "BUSINESS", "id": ACCOUNT_ID})
        if not call.path.endswith(f"/{ACCOUNT_ID}/messages") or not isinstance(call.json, dict):
            return Reply(404, refusal(100, "Unsupported post request"))
        guest, text = call.json["recipient"]["id"], call.json["message"]["text"]
        if len(text.encode()) > 1000:
            return Reply(
                400, refusal(100, "Length of param message[text] must be less than or equal to 1000")
            )
        if guest in self.closed:
            return Reply(400, refusal(10, "sent outside of allowed window", subcode=2018278))
        taken = self.accept(f"aWdfZA{self.new_id()}", guest, text)
        return Reply(200, {"recipient_id": guest, "message_id": taken.provider_id})

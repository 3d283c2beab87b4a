"""Interakt on this machine."""

from __future__ import annotations

from servaan_crm.messaging.gateways.fake import Call, FakeServer, Reply


class FakeInterakt(FakeServer):
    """Takes template and text messages."""

    def answer(self, call: Call) -> Reply:
        """Answer one call."""
        if self.api_key and call.headers.get("authorization") != f"Basic {self.api_key}":
            return Reply(401, {"result": False, "message": "Authentication failed"})
        if call.path == "/v1/public/track/organization/templates":
            return Reply(200, {"results": {"templates": []}})
        content = call.json
        if call.path != "/v1/public/message/" or not isinstance(content, dict):
            return Reply(404, {"result": False, "message": "Not found"})
        country, phone = str(content.get("countryCode", "")), str(content.get("phoneNumber", ""))
        if not country.startswith("+") or not phone.isdigit():
            return Reply(400, {"result": False, "message": "Invalid phone number"})
        body = content["template"]["name"] if content["type"] == "Template" else content["data"]["message"]
        taken = self.accept(
            f"ik-{self.new_id()}", country + phone, body, local_id=content["callbackData"], extra=content
        )
        reply = {
            "result": True,
            "message": "Message queued for sending via Interakt",
            "id": taken.provider_id,
        }
        return Reply(201, reply)

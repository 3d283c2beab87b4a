"""Gupshup on this machine."""

from __future__ import annotations

import json

from servaan_crm.messaging.gateways.fake import Call, FakeServer, Reply


class FakeGupshup(FakeServer):
    """Takes template and session messages."""

    def answer(self, call: Call) -> Reply:
        """Answer one call."""
        if self.api_key and call.headers.get("apikey") != self.api_key:
            return Reply(401, {"status": "error", "message": "Portal User Not Found With APIKey"})
        if call.path == "/sm/api/v2/wallet/balance":
            return Reply(200, {"status": "success", "balance": 41.938})
        form = call.form
        if form.get("channel") != "whatsapp" or not form.get("source") or not form.get("src.name"):
            return Reply(400, {"status": "error", "message": "Invalid App Details"})
        if not form.get("destination", "").isdigit():
            return Reply(400, {"status": "error", "message": "Invalid Destination"})
        if call.path == "/wa/api/v1/template/msg":
            body = json.loads(form["template"])["id"]
        elif call.path == "/wa/api/v1/msg":
            body = json.loads(form["message"])["text"]
        else:
            return Reply(404, {"status": "error", "message": "not found"})
        taken = self.accept(f"gs-{self.new_id()}", form["destination"], body, extra=dict(form))
        return Reply(202, {"status": "submitted", "messageId": taken.provider_id})

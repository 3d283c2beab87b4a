"""A loopback Twilio: messages, their list, the balance, and signed calls back."""

from __future__ import annotations

import base64
from email.utils import formatdate
from typing import Any

from servaan_crm.messaging.gateways.fake import Call, FakeMessage, FakeServer, Reply

SID = "AC00000000000000000000000000000001"
SENDER = "+14155550100"


class FakeTwilio(FakeServer):
    """``refused`` maps numbers to the code Twilio gives for them; a body may hold at most 1,600 letters."""

    def __init__(self, *, api_key: str = "") -> None:
        super().__init__(api_key=api_key)
        self.balance = "12.50"
        self.refused: dict[str, int] = {}

    def answer(self, call: Call) -> Reply:
        """One request under /2010-04-01/Accounts/{sid}/."""
        if not self._is_known(call):
            return _error(401, 20003, "Authenticate")
        path = call.path.removeprefix(f"/2010-04-01/Accounts/{SID}/")
        if path == "Balance.json":
            return Reply(200, {"account_sid": SID, "balance": self.balance, "currency": "USD"})
        if path == "Messages.json":
            return self._create(call) if call.method == "POST" else self._list(call)
        key = path.removeprefix("Messages/").removesuffix(".json")
        found = [sms for sms in self.accepted if sms.provider_id == key]
        return Reply(200, _row(found[0])) if found else _error(404, 20404, f"/{path} was not found")

    def _is_known(self, call: Call) -> bool:
        given = base64.b64decode(call.headers.get("authorization", "").removeprefix("Basic ")).decode()
        user, _, token = given.partition(":")
        return user == SID and (not self.api_key or token == self.api_key)

    def _create(self, call: Call) -> Reply:
        form = call.form
        number = form.get("To", "").removeprefix("whatsapp:")
        if not (number.startswith("+") and number[1:].isdigit()):
            return _error(400, 21211, f"The 'To' number {number} is not a valid phone number.")
        if number in self.refused:
            return _error(400, self.refused[number], f"The message to {number} cannot be created")
        text = form.get("Body") or form.get("ContentVariables", "")
        if not text or len(text) > 1_600:
            return _error(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        sender = form.get("From") or form.get("MessagingServiceSid", "")
        key = f"SM{self.new_id():032x}"
        sms = self.accept(key, form["To"], text, sender=sender, status="queued", extra={"form": dict(form)})
        return Reply(201, _row(sms))

    def _list(self, call: Call) -> Reply:
        size, page = int(call.query.get("PageSize", 50)), int(call.query.get("Page", 0))
        rows = [_row(sms) for sms in reversed(self.accepted) if sms.recipient == call.query.get("To")]
        return Reply(200, {"messages": rows[page * size : (page + 1) * size], "page": page})


def _row(sms: FakeMessage) -> dict[str, Any]:
    return {
        "sid": sms.provider_id,
        "to": sms.recipient,
        "from": sms.sender,
        "body": sms.body,
        "status": sms.status,
        "direction": "outbound-api",
        "num_segments": "1",
        "price": "-0.00750" if sms.status == "delivered" else None,
        "price_unit": "USD",
        "error_code": sms.extra.get("error_code"),
        "date_created": formatdate(sms.at),
        "date_sent": None if sms.status == "queued" else formatdate(sms.at),
    }


def _error(http: int, code: int, message: str) -> Reply:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Reply(http, {"code": code, "message": message, "more_info": more, "status": http})

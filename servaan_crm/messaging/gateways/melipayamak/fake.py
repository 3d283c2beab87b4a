"""A loopback Melipayamak: SendSMS, BaseServiceNumber, GetDeliveries2, GetCredit and GetMessages."""

from __future__ import annotations

from typing import Any

from servaan_crm.messaging.gateways.fake import Call, FakeMessage, FakeServer, Reply

USER = "cafe-user"
LINE = "50004001"


class FakeMelipayamak(FakeServer):
    """``shares_ids``: one recId for all numbers of a call, instead of one each separated by commas."""

    def __init__(self, *, api_key: str = "") -> None:
        super().__init__(api_key=api_key)
        self.credit = 1_000.0
        self.shares_ids = False
        self.inbox: list[dict[str, Any]] = []

    def answer(self, call: Call) -> Reply:
        """One request; the method is the last part of the path."""
        form, method = call.form, call.path.rsplit("/", 1)[-1]
        if form.get("username") != USER or (self.api_key and form.get("password") != self.api_key):
            return _result(0, "0", "InvalidUser")
        if method == "GetCredit":
            return _result(1, str(self.credit))
        if method == "GetDeliveries2":
            found = [sms for sms in self.accepted if sms.provider_id == form.get("recId")]
            return _result(1, found[0].status or "400" if found else "100")
        if method == "GetMessages":
            return self._messages(form)
        if method == "BaseServiceNumber":
            return self._take([form.get("to", "")], f"{form.get('bodyId')} {form.get('text')}", "")
        if method == "SendSMS":
            if form.get("from") != LINE:
                return _result(5, "0", "InvalidSender")
            return self._take(form.get("to", "").split(","), form.get("text", ""), LINE)
        return Reply(404, "<html>not found</html>")

    def _take(self, numbers: list[str], text: str, sender: str) -> Reply:
        if any(not (number.isdigit() and len(number) == 11) for number in numbers):
            return _result(18, "0", "InvalidRecipient")
        if len(numbers) > 100:
            return _result(4, "0", "TooMany")
        if self.credit < len(numbers):
            return _result(2, "0", "NotEnoughCredit")
        self.credit -= len(numbers)
        shared = 4_731_885_462_082_000_000 + self.new_id()
        ids = [
            shared if self.shares_ids else 4_731_885_462_082_000_000 + self.new_id() for _number in numbers
        ]
        for key, number in zip(ids, numbers, strict=True):
            self.accept(key, number, text, sender=sender, extra={"msg": self.new_id()})
        return _result(1, str(shared) if self.shares_ids else ",".join(map(str, ids)))

    def _messages(self, form: Any) -> Reply:
        start, count = int(form.get("index", 0)), int(form.get("count", 100))
        if form.get("location") == "1":
            rows = self.inbox
        else:
            rows = [_row(sms) for sms in reversed(self.accepted)]
        head = {"Value": "Ok", "RetStatus": 1, "StrRetStatus": "Ok"}
        return Reply(200, {"MyBase": head, "Data": rows[start : start + count]})


def _result(status: int, value: str, text: str = "Ok") -> Reply:
    return Reply(200, {"Value": value, "RetStatus": status, "StrRetStatus": text})


def _row(sms: FakeMessage) -> dict[str, Any]:
    return {
        "MsgID": sms.extra["msg"],
        "Body": sms.body,
        "Sender": sms.sender,
        "Receiver": sms.recipient,
        "SendDate": f"/Date({int(sms.at * 1000)}+0330)/",
    }

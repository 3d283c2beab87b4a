"""A loopback Ghasedak: single, pair-to-pair and template texts, statuses by both numbers, account, inbox."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from servaan_crm.messaging.gateways.fake import Call, FakeMessage, FakeServer, Reply

LINE = "210002100"


class FakeGhasedak(FakeServer):
    """``credit`` in rial. ``echoes``: answers repeat clientReferenceId; ``capital``: names begin with a capital."""

    def __init__(self, *, api_key: str = "") -> None:
        super().__init__(api_key=api_key)
        self.credit = 1_000_000
        self.echoes = False
        self.capital = False
        self.inbox: list[dict[str, Any]] = []

    def answer(self, call: Call) -> Reply:
        """One request; the method is the last part of the path."""
        if self.api_key and call.headers.get("apikey") != self.api_key:
            return self._envelope(401, None)
        method, form = call.path.rsplit("/", 1)[-1], call.json or {}
        if method == "SendSingleSMS":
            return self._take([form])
        if method == "SendPairToPairSMS":
            return self._take(form["items"], many=True)
        if method == "SendOtpSMS":
            text = " ".join([form["templateName"], *(row["value"] for row in form["inputs"])])
            rows = [
                {**row, "receptor": row["mobile"], "message": text, "lineNumber": LINE}
                for row in form["receptors"]
            ]
            return self._take(rows, many=True)
        if method == "CheckSmsStatus":
            name = "provider_id" if call.query.get("Type") == "1" else "local_id"
            ids = call.query.get("Ids", "").split(",")
            return self._envelope(200, [_row(sms) for sms in self.accepted if getattr(sms, name) in ids])
        if method == "GetAccountInformation":
            data = {"credit": self.credit, "expireDate": "2027-07-16T10:48:21+03:30", "plan": "نقره ای"}
            return self._envelope(200, data)
        if method == "GetReceivedSmses":
            rows, self.inbox = self.inbox, []
            return self._envelope(200, {"items": rows})
        return self._envelope(404, None)

    def _take(self, rows: list[dict[str, Any]], *, many: bool = False) -> Reply:
        if any(row["lineNumber"] != LINE for row in rows):
            return self._envelope(412, None)
        if any(not (row["receptor"].isdigit() and len(row["receptor"]) == 11) for row in rows):
            return self._envelope(400, None)
        if self.credit < 1_000 * len(rows):
            return self._envelope(418, None)
        self.credit -= 1_000 * len(rows)
        sent = [
            self.accept(
                self.new_id(),
                row["receptor"],
                row["message"],
                sender=row["lineNumber"],
                local_id=row.get("clientReferenceId", ""),
            )
            for row in rows
        ]
        items = [self._item(sms) for sms in sent]
        return self._envelope(200, {"items": items} if many else items[0])

    def _item(self, sms: FakeMessage) -> dict[str, Any]:
        item = {
            "lineNumber": sms.sender,
            "receptor": sms.recipient,
            "messageId": sms.provider_id,
            "cost": 1_000,
            "message": sms.body,
        }
        return {**item, "clientReferenceId": sms.local_id} if self.echoes else item

    def _envelope(self, code: int, data: Any) -> Reply:
        message = "با موفقیت انجام شد" if code == 200 else f"خطای {code}"
        body = {"isSuccess": code == 200, "statusCode": code, "message": message, "data": data}
        return Reply(code if code < 500 else 200, _capital(body) if self.capital else body)


def _row(sms: FakeMessage) -> dict[str, Any]:
    return {
        "messageId": sms.provider_id,
        "clientReferenceId": sms.local_id,
        "message": sms.body,
        "lineNumber": sms.sender,
        "receptor": sms.recipient,
        "status": int(sms.status or 0),
        "price": 1_000,
        "sendDate": datetime.fromtimestamp(sms.at, UTC).isoformat(),
    }


def _capital(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[0].upper() + key[1:]: _capital(part) for key, part in value.items()}
    return [_capital(part) for part in value] if isinstance(value, list) else value

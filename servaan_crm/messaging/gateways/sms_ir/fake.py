"""A loopback SMS.ir: bulk, likeToLike, verify, reports, credit and inbox in the documented format."""

from __future__ import annotations

import time
from typing import Any

from servaan_crm.messaging.gateways.fake import Call, FakeMessage, FakeServer, Reply

LINE = 30007732


class FakeSmsIr(FakeServer):
    """``credit`` counts texts. ``blacklist`` holds numbers (09…) that get id 0, as on a line for advertising."""

    def __init__(self, *, api_key: str = "") -> None:
        super().__init__(api_key=api_key)
        self.credit = 1_000.0
        self.blacklist: set[str] = set()
        self.inbox: list[dict[str, Any]] = []

    def answer(self, call: Call) -> Reply:
        """One request, wrapped as the provider wraps everything."""
        if self.api_key and call.headers.get("x-api-key") != self.api_key:
            return _envelope(10, None, http=401)
        path = call.path.removeprefix("/v1/").strip("/")
        if call.method == "POST":
            return self._send(path, call.json or {})
        if path == "credit":
            return _envelope(1, self.credit)
        if path == "receive/latest":
            rows, self.inbox = self.inbox[:100], self.inbox[100:]
            return _envelope(1, rows)
        if path in {"send/live", "send/archive"}:
            return _envelope(1, self._page(call) if path == "send/live" else [])
        if path.startswith("send/pack/"):
            pack = path.removeprefix("send/pack/")
            return _envelope(1, [_row(sms) for sms in self.accepted if sms.extra["pack"] == pack])
        key = path.removeprefix("send/")
        found = [sms for sms in self.accepted if sms.provider_id == key]
        return _envelope(1, _row(found[0])) if found else _envelope(111, None, http=400)

    def _page(self, call: Call) -> list[dict[str, Any]]:
        size, page = int(call.query.get("pageSize", 100)), int(call.query.get("pageNumber", 1))
        return [_row(sms) for sms in self.accepted][(page - 1) * size : page * size]

    def _send(self, path: str, form: dict[str, Any]) -> Reply:
        if path == "send/verify":
            values = " ".join(row["value"] for row in form["Parameters"])
            return self._take([form["Mobile"]], [f"{form['TemplateId']} {values}"], single=True)
        mobiles = form["Mobiles"]
        texts = form["MessageTexts"] if path == "send/likeToLike" else [form["MessageText"]] * len(mobiles)
        if form["lineNumber"] != LINE:
            return _envelope(101, None, http=400)
        if len(mobiles) > 100:
            return _envelope(105, None, http=400)
        if len(texts) != len(mobiles):
            return _envelope(110, None, http=400)
        return self._take(mobiles, texts)

    def _take(self, mobiles: list[str], texts: list[str], *, single: bool = False) -> Reply:
        if any(not (mobile.isdigit() and len(mobile) == 11) for mobile in mobiles):
            return _envelope(104, None, http=400)
        if not all(texts):
            return _envelope(103, None, http=400)
        if self.credit < len(mobiles):
            return _envelope(102, None, http=400)
        pack = f"2b99e63c-9bf8-4a21-9bfe-{self.new_id():012}"
        ids = []
        for mobile, text in zip(mobiles, texts, strict=True):
            ids.append(0 if mobile in self.blacklist else self.new_id())
            if ids[-1]:
                self.accept(ids[-1], mobile, text, extra={"pack": pack})
        cost = float(sum(1 for key in ids if key))
        self.credit -= cost
        if single:
            return _envelope(1, {"messageId": ids[0], "cost": cost})
        return _envelope(1, {"packId": pack, "messageIds": ids, "cost": cost})


def _envelope(status: int, data: Any, *, http: int = 200) -> Reply:
    message = "موفق" if status == 1 else f"خطای {status}"
    return Reply(http, {"status": status, "message": message, "data": data})


def _row(sms: FakeMessage) -> dict[str, Any]:
    return {
        "messageId": int(sms.provider_id),
        "mobile": int(f"98{sms.recipient[1:]}"),
        "messageText": sms.body,
        "sendDateTime": int(sms.at),
        "lineNumber": LINE,
        "cost": 1.0,
        "deliveryState": int(sms.status) if sms.status else None,
        "deliveryDateTime": int(time.time()) if sms.status else None,
    }

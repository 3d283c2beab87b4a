"""Kavenegar's documented methods, answered from a ``Store``. Pure functions: form in, (code, entries) out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from servaan_crm.messaging.gateways.loopback_store import STATUS_TEXT, Store, StoredSms

Form = dict[str, str]
Answer = tuple[int, Any]

MESSAGES = {
    200: "تایید شد",
    400: "پارامترها ناقص هستند",
    402: "عملیات ناموفق بود",
    403: "کد شناسائی API-Key معتبر نمی‌باشد",
    404: "متد نامشخص است",
    409: "سرور قادر به پاسخگوئی نیست بعدا تلاش کنید",
    411: "دریافت کننده نامعتبر است",
    412: "ارسال کننده نامعتبر است",
    413: "پیام خالی است و یا طول پیام بیش از حد مجاز می‌باشد",
    414: "حجم درخواست بیشتر از حد مجاز است",
    417: "تاریخ ارسال اشتباه است",
    418: "اعتبار شما کافی نمی‌باشد",
    419: "طول آرایه متن و گیرنده و فرستنده هم اندازه نیست",
    420: "استفاده از لینک در متن پیام محدود شده است",
    429: "تعداد فراخوانی بیش از حد مجاز است",
    451: "فراخوانی بیش از حد در بازه زمانی مشخص",
}
DEFAULT_SENDER = "10004346"


class Refusal(Exception):
    """A documented ``return.status`` other than 200."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


def _csv(form: Form, name: str, limit: int) -> list[str]:
    values = [value.strip() for value in form.get(name, "").split(",") if value.strip()]
    if not values:
        raise Refusal(400)
    if len(values) > limit:
        raise Refusal(414)
    return values


def _array(form: Form, name: str) -> list[Any]:
    try:
        values = json.loads(form[name])
    except (KeyError, ValueError):
        raise Refusal(400) from None
    if not isinstance(values, list):
        raise Refusal(400)
    return values


def _date(form: Form) -> float:
    date = float(form.get("date") or 0)
    if date and date < time.time() - 60:
        raise Refusal(417)
    return date


def _valid_receptor(receptor: str) -> bool:
    return receptor.isascii() and receptor.lstrip("+").isdigit() and 10 <= len(receptor) <= 17


def _accept(store: Store, rows: list[tuple[str, str, str, int | None]], date: float) -> Answer:
    """Take rows of (receptor, sender, message, localid), all or none, as the real one does."""
    if any(not _valid_receptor(receptor) for receptor, *_ in rows):
        raise Refusal(411)
    if any(not message.strip() or len(message) > 900 for _, _, message, _ in rows):
        raise Refusal(413)
    if any("refused-link" in message for _, _, message, _ in rows):
        raise Refusal(420)
    if store.credit <= 0:
        raise Refusal(418)
    entries, fresh = [], []
    for receptor, sender, message, localid in rows:
        sms, is_new = store.accept(
            receptor=receptor, sender=sender, message=message, localid=localid, date=date
        )
        entries.append(store.entry(sms))
        if is_new:
            fresh.append(sms)
    store.write(fresh)
    return 200, entries


def send(store: Store, form: Form) -> Answer:
    receptors = _csv(form, "receptor", 200)
    localids: list[int | None] = [int(value) for value in form.get("localid", "").split(",") if value]
    if localids and len(localids) != len(receptors):
        raise Refusal(419)
    localids = localids or [None] * len(receptors)
    sender, message = form.get("sender") or DEFAULT_SENDER, form.get("message", "")
    rows = [(receptor, sender, message, local) for receptor, local in zip(receptors, localids, strict=True)]
    return _accept(store, rows, _date(form))


def send_array(store: Store, form: Form) -> Answer:
    receptors, senders, messages = (_array(form, name) for name in ("receptor", "sender", "message"))
    if len(receptors) > 200:
        raise Refusal(414)
    localids = _array(form, "localmessageids") if form.get("localmessageids") else [None] * len(receptors)
    if not len(receptors) == len(senders) == len(messages) == len(localids):
        raise Refusal(419)
    rows = [
        (str(receptor), str(sender), str(message), None if local is None else int(local))
        for receptor, sender, message, local in zip(receptors, senders, messages, localids, strict=True)
    ]
    return _accept(store, rows, _date(form))


def _fate(store: Store, messageid: int, sms: StoredSms | None, localid: int | None = None) -> dict[str, Any]:
    status = sms.status(time.time(), store.pace) if sms else 100
    entry = {"messageid": messageid, "status": status, "statustext": STATUS_TEXT[status]}
    return entry if localid is None else {**entry, "localid": localid}


def status(store: Store, form: Form) -> Answer:
    ids = [int(value) for value in _csv(form, "messageid", 500)]
    return 200, [_fate(store, key, store.messages.get(key)) for key in ids]


def status_by_localid(store: Store, form: Form) -> Answer:
    entries = []
    for localid in (int(value) for value in _csv(form, "localid", 500)):
        sms = store.by_local.get(localid)
        entries.append(_fate(store, sms.messageid if sms else 0, sms, localid))
    return 200, entries


def select(store: Store, form: Form) -> Answer:
    found = [store.messages.get(int(value)) for value in _csv(form, "messageid", 500)]
    return 200, [store.entry(sms) for sms in found if sms]


def cancel(store: Store, form: Form) -> Answer:
    entries = []
    for key in (int(value) for value in _csv(form, "messageid", 500)):
        sms = store.messages.get(key)
        if sms and sms.status(time.time(), store.pace) == 2:
            sms.final = 13
            store.credit += sms.cost
            store.write([sms])
        entries.append(_fate(store, key, sms))
    return 200, entries


def lookup(store: Store, form: Form) -> Answer:
    receptor, template, token = form.get("receptor", ""), form.get("template", ""), form.get("token", "")
    if not (receptor and template and token):
        raise Refusal(400)
    if any(" " in form.get(name, "") for name in ("token", "token2", "token3")):
        raise Refusal(431)
    text = " ".join([template, *(form[name] for name in sorted(form) if name.startswith("token"))])
    _, entries = _accept(store, [(receptor, DEFAULT_SENDER, text, None)], 0)
    return 200, entries[0]  # an object here, a list elsewhere: both are documented


def receive(store: Store, form: Form) -> Answer:
    line, read = form.get("linenumber", ""), form.get("isread", "0") == "1"
    rows = [row for row in store.inbox if row["receptor"] == line and row["read"] is read][:100]
    for row in rows:
        row["read"] = True
    return 200, [{key: row[key] for key in row if key != "read"} for row in rows] or None


def blocked_list(store: Store, form: Form) -> Answer:
    reason, page = form.get("blockreason"), max(int(form.get("pagenumber") or 1), 1)
    rows = [
        {"number": number, "reason": why}
        for number, why in store.blocked.items()
        if not reason or str(why) == reason
    ]
    return 200, rows[(page - 1) * 100 : page * 100] or None


def account_info(store: Store, form: Form) -> Answer:
    return 200, {"remaincredit": store.credit, "expiredate": int(time.time()) + 31_536_000, "type": "Master"}


def get_date(store: Store, form: Form) -> Answer:
    now = int(time.time())
    return 200, {"datetime": time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(now)), "unixtime": now}


METHODS: dict[str, Callable[[Store, Form], Answer]] = {
    "sms/send": send,
    "sms/sendarray": send_array,
    "sms/status": status,
    "sms/statuslocalmessageid": status_by_localid,
    "sms/select": select,
    "sms/cancel": cancel,
    "sms/receive": receive,
    "verify/lookup": lookup,
    "line/blocked/list": blocked_list,
    "account/info": account_info,
    "utils/getdate": get_date,
}


def answer(store: Store, method: str, form: Form) -> Answer:
    """Run one method under the store's lock; refusals become their code with null entries."""
    handler = METHODS.get(method)
    if handler is None:
        return 404, None
    with store.lock:
        store.counters.calls += 1
        try:
            return handler(store, form)
        except Refusal as refusal:
            return refusal.code, None
        except ValueError:
            return 400, None

"""Memory of the loopback gateway: what was accepted, what every phone received, and the planned accidents."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from servaan_crm.messaging.sms import count_parts

STATUS_TEXT = {
    1: "در صف ارسال",
    2: "زمان بندی شده",
    5: "ارسال به مخابرات",
    6: "خطا در ارسال پیام",
    10: "رسیده به گیرنده",
    11: "نرسیده به گیرنده",
    13: "لغو شده",
    14: "بلاک شده",
    100: "نامعتبر",
}
COST_PER_PART = 1_500  # rial; an invented tariff, only its arithmetic matters
FINAL = frozenset({6, 10, 11, 13, 14})


@dataclass(slots=True)
class StoredSms:
    """One accepted text. ``final`` is where its status ends up, ``shift`` seconds it is hurried by."""

    messageid: int
    localid: int | None
    receptor: str
    sender: str
    message: str
    date: float
    cost: int
    scheduled: bool = False
    final: int = 10
    shift: float = 0.0
    told: int = 0  # last status reported by callback
    asked: int = 1  # how often somebody asked to send this localid; it was sent once

    def status(self, now: float, pace: float) -> int:
        """Status at ``now``: 1, after ``pace`` seconds 5, after twice that the final one."""
        if self.final == 13 or (self.scheduled and now < self.date):
            return 13 if self.final == 13 else 2
        age = now - self.date + self.shift
        if age < pace:
            return 1
        return 5 if age < 2 * pace else self.final


@dataclass(slots=True)
class Accident:
    """A planned fault for the next ``times`` calls of ``method`` ("" = any): fail, delay, cut-before, cut-after,
    garbage."""

    kind: str
    times: int = 1
    method: str = ""
    code: int = 0
    seconds: float = 0.0
    as_http: bool = True
    entries: str = "null"


@dataclass
class Counters:
    """What the whole life of the gateway adds up to; survives trimming."""

    accepted: int = 0
    repeated: int = 0
    calls: int = 0
    callbacks: int = 0


@dataclass
class Store:
    """All state, guarded by one lock. ``journal`` (JSON lines) makes it survive a restart; at most ``keep``
    messages are remembered."""

    keep: int = 100_000
    pace: float = 1.0
    journal: Path | None = None
    credit: int = 1_000_000_000
    messages: OrderedDict[int, StoredSms] = field(default_factory=OrderedDict)
    by_local: dict[int, StoredSms] = field(default_factory=dict)
    inbox: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=5_000))
    blocked: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    accidents: list[Accident] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)
    callback: dict[str, Any] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _next_id: int = 8_792_000_000
    _file: Any = None
    _lines: int = 0

    def open_journal(self) -> None:
        """Load what an earlier process accepted, rewrite the file without what was trimmed, then append."""
        if self.journal is None:
            return
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        if self.journal.exists():
            with self.journal.open(encoding="utf-8", errors="replace") as file:
                self._load(file)
        self._rewrite(self.journal)

    def _rewrite(self, journal: Path) -> None:
        fresh = journal.with_suffix(".tmp")
        with fresh.open("w", encoding="utf-8") as file:
            file.writelines(self._line(sms) for sms in self.messages.values())
        fresh.replace(journal)
        self.close()
        self._file = journal.open("a", encoding="utf-8")
        self._lines = len(self.messages)

    def close(self) -> None:
        """Close the journal."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _load(self, lines: Iterable[str]) -> None:
        for line in lines:
            try:
                row = json.loads(line)
                sms = StoredSms(**row)
            except (ValueError, TypeError):
                continue  # the half-written last line of a killed process
            self._remember(sms)
            self.counters.accepted += 1

    @staticmethod
    def _line(sms: StoredSms) -> str:
        return json.dumps(asdict(sms), ensure_ascii=False) + "\n"

    def write(self, changed: list[StoredSms]) -> None:
        """Append new or changed messages to the journal before they are answered for."""
        if self._file is None or self.journal is None or not changed:
            return
        self._file.write("".join(self._line(sms) for sms in changed))
        self._file.flush()
        self._lines += len(changed)
        if self._lines > 2 * self.keep + 1_000:
            self._rewrite(self.journal)

    def _remember(self, sms: StoredSms) -> None:
        self.messages[sms.messageid] = sms
        if sms.localid is not None:
            self.by_local[sms.localid] = sms
        self._next_id = max(self._next_id, sms.messageid)
        while len(self.messages) > self.keep:
            _, old = self.messages.popitem(last=False)
            if old.localid is not None and self.by_local.get(old.localid) is old:
                del self.by_local[old.localid]

    def accept(
        self, *, receptor: str, sender: str, message: str, localid: int | None, date: float
    ) -> tuple[StoredSms, bool]:
        """Take one text; returns (row, is new). An existing localid returns the old row, nothing is sent."""
        old = self.by_local.get(localid) if localid is not None else None
        if old is not None:
            self.counters.repeated += 1
            old.asked += 1
            return old, False
        self._next_id += 1
        now = time.time()
        sms = StoredSms(
            messageid=self._next_id,
            localid=localid,
            receptor=receptor,
            sender=sender,
            message=message,
            date=date or now,
            cost=count_parts(message).parts * COST_PER_PART,
            scheduled=date > now,
            final=14 if receptor in self.blocked else self.outcomes.get(receptor, 10),
        )
        self.credit -= sms.cost
        self.counters.accepted += 1
        self._remember(sms)
        return sms, True

    def entry(self, sms: StoredSms) -> dict[str, Any]:
        """The documented send/select entry."""
        status = sms.status(time.time(), self.pace)
        return {
            "messageid": sms.messageid,
            "message": sms.message,
            "status": status,
            "statustext": STATUS_TEXT[status],
            "sender": sms.sender,
            "receptor": sms.receptor,
            "date": int(sms.date),
            "cost": sms.cost,
        }

    def take_accident(self, method: str) -> Accident | None:
        """The next planned fault for this method, counted down."""
        with self.lock:
            for accident in self.accidents:
                if accident.method in {"", method}:
                    accident.times -= 1
                    if accident.times <= 0:
                        self.accidents.remove(accident)
                    return accident
        return None

    def reset(self) -> None:
        """Forget everything, as if freshly installed."""
        with self.lock:
            for box in (self.messages, self.by_local, self.inbox, self.blocked, self.outcomes, self.callback):
                box.clear()
            self.accidents.clear()
            self.counters = Counters()
            self.credit = 1_000_000_000
            if self._file is not None and self.journal is not None:
                self._file.close()
                self._file = self.journal.open("w", encoding="utf-8")

"""``python -m benchmarks.messages``: messages a second through the loopback gateway, against the bare HTTP client.

The limit is httpx alone: the same texts in the same batches on one kept connection, nothing written down. Ours claims,
asks who may still be written to, sends and records, durably. Both in processes of their own, gateway too, so on a
machine with two cores three processes share them. Memory is what a worker's process grew by.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"

import django

django.setup()

import httpx  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from benchmarks.books import apart  # noqa: E402
from servaan_crm.l10n.locale import use_locale  # noqa: E402
from servaan_crm.messaging.gateways.loopback import LoopbackServer  # noqa: E402
from servaan_crm.messaging.models import Message  # noqa: E402
from servaan_crm.messaging.services import MessageDraft, dispatch_until_idle, queue_messages  # noqa: E402
from servaan_crm.tenancy.models import Cafe  # noqa: E402
from servaan_crm.tenancy.services import create_cafe, drop_cafe  # noqa: E402

SLUG = "bench-messages"
BATCH = 200
LINE = "10004346"
fork = multiprocessing.get_context("fork")


@contextmanager
def gateway(latency: float) -> Iterator[str]:
    """Run the loopback gateway in a process of its own; every call takes ``latency`` seconds longer. Gives its URL."""
    mine, theirs = fork.Pipe(duplex=False)

    def serve() -> None:
        server = LoopbackServer(0, keep=2_000, pace=1.0)
        if latency:
            server.control("delay", {"seconds": latency, "times": 10**9})
        theirs.send(server.url)
        server.serve_forever(poll_interval=0.2)

    connections.close_all()
    process = fork.Process(target=serve, daemon=True)
    process.start()
    try:
        yield mine.recv()
    finally:
        process.kill()
        process.join()


def text(number: int) -> tuple[str, str]:
    """Return the number and the text of one message."""
    return f"+98912{number:07d}", f"مهمان {number} عزیز، قهوهٔ تازه رسید.\nلغو۱۱"


def bare(url: str, count: int) -> None:
    """Send ``count`` texts with httpx and nothing else."""
    with httpx.Client(trust_env=False, timeout=20) as client:
        for start in range(0, count, BATCH):
            batch = [text(number) for number in range(start, start + BATCH)]
            form = {
                "receptor": json.dumps([f"0{phone[3:]}" for phone, _body in batch]),
                "sender": json.dumps([LINE] * BATCH),
                "message": json.dumps([body for _phone, body in batch], ensure_ascii=False),
                "localmessageids": json.dumps([time.time_ns() + place for place in range(BATCH)]),
            }
            client.post(f"{url}/v1/key/sms/sendarray.json", data=form).raise_for_status()


def fill(cafe: Cafe, count: int) -> None:
    """Put ``count`` messages into an empty outbox."""
    with tenant_context(cafe), connection.cursor() as cursor:
        cursor.execute("TRUNCATE messaging_message")
        for start in range(0, count, 20_000):
            drafts = []
            for number in range(start, min(start + 20_000, count)):
                phone, body = text(number)
                drafts.append(MessageDraft(recipient=phone, body=body, kind="bench", purpose="transactional"))
            queue_messages(drafts)
        cursor.execute("VACUUM (ANALYZE) messaging_message")
        cursor.execute("CHECKPOINT")


def ours(cafe: Cafe, url: str, _count: int = 0) -> None:
    """Work the outbox off as a worker does."""
    settings.KAVENEGAR_BASE_URL, settings.KAVENEGAR_API_KEY, settings.KAVENEGAR_SENDER = url, "key", LINE
    with tenant_context(cafe), use_locale(cafe.locale):
        dispatch_until_idle(seconds=3_600)


def together(work: Callable[[int], None], count: int, workers: int) -> float:
    """Do ``work`` in ``workers`` processes, ``count`` messages between them; returns messages a second."""
    start = fork.Barrier(workers + 1)

    def run() -> None:
        start.wait()
        work(count // workers)

    connections.close_all()
    processes = [fork.Process(target=run) for _ in range(workers)]
    for process in processes:
        process.start()
    start.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
    return count / (time.perf_counter() - began)


def rates(cafe: Cafe, count: int, repeat: int) -> None:
    """Print messages a second with one and two workers, for a gateway that answers at once and slower ones."""
    print(f"{'latency':>8}{'workers':>9}{'ours /s':>10}{'bare /s':>10}{'of bare':>9}", flush=True)
    for latency in (0.0, 0.02, 0.1):
        for workers in (1, 2):
            found: dict[str, list[float]] = {"ours": [], "bare": []}
            for _ in range(repeat):
                with gateway(latency) as url:
                    found["bare"].append(together(partial(bare, url), count, workers))
                fill(cafe, count)
                with gateway(latency) as url:
                    found["ours"].append(together(partial(ours, cafe, url), count, workers))
                _check(cafe, count)
            own, limit = (statistics.median(found[name]) for name in ("ours", "bare"))
            print(
                f"{latency * 1000:>5.0f} ms{workers:>9}{own:>10,.0f}{limit:>10,.0f}{own / limit:>9.0%}",
                flush=True,
            )


def memory(cafe: Cafe, counts: list[int]) -> None:
    """Print by how much a worker's process grows while it sends."""
    for count in counts:
        fill(cafe, count)
        with gateway(0) as url:
            grown = apart(partial(_sending, cafe, url))
        _check(cafe, count)
        print(f"a worker that sends {count:>9,} messages grows by {grown['megabytes']:.0f} MB", flush=True)


def _sending(cafe: Cafe, url: str) -> dict[str, Any]:
    ours(cafe, url)
    return {}


def _check(cafe: Cafe, count: int) -> None:
    with tenant_context(cafe):
        sent = Message.objects.filter(state="sent").count()
    if sent != count:
        raise SystemExit(f"only {sent:,} of {count:,} messages were sent")


def main() -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.messages", description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs="*", default=[1_000, 200_000])
    args = parser.parse_args()
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    old = Cafe.objects.filter(slug=SLUG).first()
    if old is not None:
        drop_cafe(old)
    cafe = create_cafe(slug=SLUG, name="کافه پیام")
    try:
        rates(cafe, args.messages, args.repeat)
        memory(cafe, args.memory)
    finally:
        connection.set_schema_to_public()  # type: ignore[attr-defined]
        drop_cafe(cafe)
    return 0


if __name__ == "__main__":
    sys.exit(main())

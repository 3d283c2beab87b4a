"""``python -m benchmarks [--quick] [--large]``; DATABASE_URL and REDIS_URL name where."""

import argparse
import json
import os
import statistics
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
os.environ.setdefault("SERVAAN_ACCESS_MINUTES", "600")

import django

django.setup()

from dataclasses import asdict  # noqa: E402

from django.db import connection, connections  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from rest_framework.test import APIClient  # noqa: E402

from benchmarks import books, cafe, measure, raw, web  # noqa: E402

# kind of work, clients, share of the requests asked for
CASES = (("checkout", 1, 1.0), ("checkout", 8, 0.5), ("lookup", 1, 1.0), ("list", 1, 0.5))
NAMES = {
    "checkout": "POST /api/crm/visits",
    "lookup": "counter lookup as typed",
    "list": "customers, first page",
}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--quick", action="store_true", help="2,000 guests and few requests: shows that it works"
    )
    size.add_argument("--large", action="store_true", help="1,000,000 guests, some 10,000,000 visits")
    size.add_argument("--guests", type=int, help="as many guests (default 10,000)")
    parser.add_argument("--requests", type=int, help="requests per measurement (default 400; quick 60)")
    parser.add_argument(
        "--repeat", type=int, help="measurements, of which medians are taken (default 3; quick 1)"
    )
    parser.add_argument(
        "--output", type=Path, default=web.ROOT / "var" / "bench", help="folder of the JSON file"
    )
    return parser.parse_args()


def count_statements(subject: cafe.Subject) -> int:
    """Return how many statements a checkout usually sends, BEGIN and COMMIT not counted."""
    client = APIClient(SERVER_NAME=subject.host)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {subject.token}")
    counts = []
    for phone in subject.phones[:9]:  # some of them reach a tier or change their segment
        with CaptureQueriesContext(connection) as queries:
            body = {"customer_phone": phone, "total_amount": raw.AMOUNT}
            answer = client.post("/api/crm/visits", body, format="json")
        if answer.status_code != 201:
            raise cafe.BenchRefusal(
                f"POST /api/crm/visits answered {answer.status_code}: {answer.content[:300]!r}"
            )
        verbs = [query["sql"].split(maxsplit=1)[0] for query in queries]
        counts.append(sum(verb in ("SELECT", "INSERT", "UPDATE", "DELETE") for verb in verbs))
    return statistics.mode(counts)


def measure_all(subject: cafe.Subject, port: int, requests: int, repeat: int) -> list[dict[str, Any]]:
    """Measure every case, the raw limit and ours in turn, so that drift of the machine meets both."""
    rows = []
    for kind, clients, share in CASES:
        count = max(10, int(requests * share))
        limits, ours = [], []
        for round_number in range(repeat):
            seed = 10 * round_number + clients
            limits.append(
                measure.run(partial(raw.worker, kind, subject), clients=clients, count=count, seed=seed)
            )
            make = partial(web_worker, kind, subject, port)
            ours.append(measure.run(make, clients=clients, count=count, seed=seed + 5))
        limit, own = measure.median(limits), measure.median(ours)
        figures = {"ours": asdict(own), "raw": asdict(limit), "ratio": own.p50 / limit.p50}
        rows.append({"what": NAMES[kind], "clients": clients, **figures})
        print_row(rows[-1])
    return rows


def web_worker(kind: str, subject: cafe.Subject, port: int, seed: int) -> Any:
    return web.worker(kind, subject, seed, port)


def print_head(guests: int, database: dict[str, str]) -> None:
    columns = f"{'p50 ms':>8}{'p95 ms':>9}{'/s':>8}  {'raw p50':>9}{'raw p95':>9}{'/s':>8}  {'p50/raw':>7}"
    print(f"\n{guests:,} guests; {', '.join(f'{name} {value}' for name, value in database.items())}")
    print(f"{'':<29}  {columns}", flush=True)


def print_row(row: dict[str, Any]) -> None:
    ours, limit = row["ours"], row["raw"]
    print(
        f"{row['what']:<26}{row['clients']:>3}  {ours['p50']:>8.2f}{ours['p95']:>9.2f}{ours['per_second']:>8.0f}"
        f"  {limit['p50']:>9.2f}{limit['p95']:>9.2f}{limit['per_second']:>8.0f}  {row['ratio']:>7.1f}",
        flush=True,
    )


def main() -> int:
    """Run the benchmarks; returns the exit status."""
    args = options()
    guests = 2_000 if args.quick else 1_000_000 if args.large else args.guests or 10_000
    requests, repeat = args.requests or (60 if args.quick else 400), args.repeat or (1 if args.quick else 3)
    try:
        subject = cafe.prepare(guests, lambda line: print(line, flush=True))
        statements, durability = count_statements(subject), cafe.durability()
        connections.close_all()  # the children must not inherit it
        print_head(guests, durability)
        with web.server() as port:
            rows = measure_all(subject, port, requests, repeat)
        files = books.measure(guests, lambda line: print(line, flush=True))
    except (cafe.BenchRefusal, RuntimeError) as error:
        print(f"benchmark stopped: {error}", file=sys.stderr)
        return 1
    print(f"statements of one checkout: {statements}")
    now = datetime.now(UTC)
    args.output.mkdir(parents=True, exist_ok=True)
    target = args.output / f"{now:%Y-%m-%d-%H%M%S}.json"
    result = {"at": now.isoformat(), "guests": guests, "requests": requests, "repeat": repeat, "database": durability,
              "cpus": os.cpu_count(), "statements_of_a_checkout": statements, "rows": rows,
              "files": files}  # fmt: skip
    target.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written to {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

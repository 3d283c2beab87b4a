"""``python -m benchmarks.lists``: list, search, profile and counter lookup at two sizes.

Measured through gunicorn by one client over a kept connection, as ``python -m benchmarks`` does. Cost must grow with
the work and not with the book, so the quotient of the medians at the large and the small size is printed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
os.environ.setdefault("SERVAAN_ACCESS_MINUTES", "600")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import Client  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from benchmarks import cafe, measure, web  # noqa: E402
from customers.models import Customer  # noqa: E402
from servaan_crm.accounts.authentication import issue_tokens  # noqa: E402
from servaan_crm.accounts.models import User  # noqa: E402
from servaan_crm.l10n.locale import use_locale  # noqa: E402
from servaan_crm.tenancy.models import Cafe  # noqa: E402

PHONES = 1_000
# Fragments as people type them: common and rare names, three letters and two.
WORDS = ("رضا", "علی", "مری", "کری", "مح", "زهرا", "حسینی")
Shot = Callable[[random.Random, "Place"], tuple[str, bool]]


class Place:
    """A café to measure, with somebody logged in."""

    def __init__(self, tenant: Cafe) -> None:
        with tenant_context(tenant), use_locale(tenant.locale):
            manager = User.objects.filter(role__in=["manager", "owner"]).order_by("role")[0]
            browser = Client(SERVER_NAME=f"{tenant.slug}.{settings.BASE_DOMAIN}")
            browser.force_login(manager)
            self.cookie = f"sessionid={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
            self.token = issue_tokens(manager)["access"]
            some = Customer.objects.filter(deleted_at=None).order_by("pk")
            step = max(1, some.count() // PHONES)
            rows = list(some.values_list("pk", "phone")[: step * PHONES : step])
        self.host = f"{tenant.slug}.{settings.BASE_DOMAIN}"
        self.ids, self.phones = [str(pk) for pk, _phone in rows], [phone for _pk, phone in rows]


# what → (address, by htmx); the page is the list or the profile as a browser gets it.
SHOTS: dict[str, Shot] = {
    "list, first page (page)": lambda rng, place: ("/customers/", False),
    "list, first page (API)": lambda rng, place: ("/api/crm/customers", False),
    "list, segment=new (API)": lambda rng, place: ("/api/crm/customers?segment=new", False),
    "list, segment=vip by spend": lambda rng, place: ("/customers/?segment=vip&sort=lifetime_spent", False),
    "search, name fragment (page)": lambda rng, place: (f"/customers/?search={quote(rng.choice(WORDS))}", True),
    "search, phone fragment (page)": lambda rng, place: (f"/customers/?search={rng.choice(place.phones)[-7:]}", True),
    "figures above the list": lambda rng, place: ("/customers/figures/", True),
    "profile": lambda rng, place: (f"/customers/{rng.choice(place.ids)}/", False),
    "profile, behaviour tab": lambda rng, place: (f"/customers/{rng.choice(place.ids)}/tab/behavior/", True),
    "counter lookup as typed": lambda rng, place: (
        f"/counter/lookup/?q={quote('0' + rng.choice(place.phones)[3 : rng.randrange(7, 13)])}", True
    ),
}  # fmt: skip


def worker(shot: Shot, place: Place, port: int, seed: int) -> Callable[[], None]:
    """Return a function that asks once. It raises BenchRefusal for any answer but 200."""
    link, rng = http.client.HTTPConnection("127.0.0.1", port, timeout=60), random.Random(seed)

    def ask() -> None:
        path, by_htmx = shot(rng, place)
        headers = {"Host": place.host, "Cookie": place.cookie}
        if path.startswith("/api/"):
            headers = {"Host": place.host, "Authorization": f"Bearer {place.token}"}
        if by_htmx:
            headers |= {"HX-Request": "true", "HX-Target": "customer-results"}
        link.request("GET", path, None, headers)
        answer = link.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise cafe.BenchRefusal(f"GET {path} answered {answer.status}: {content[:200]!r}")

    return ask


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists", description=__doc__)
    parser.add_argument(
        "--small", default="", help="slug of the café with 10,000 guests (default: simulated)"
    )
    parser.add_argument(
        "--large", default="", help="slug of the café with 1,000,000 guests; without it one size"
    )
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3, help="measurements, of which medians are taken")
    parser.add_argument(
        "--output", type=Path, default=web.ROOT / "var" / "bench", help="folder of the JSON file"
    )
    return parser.parse_args()


def places(args: argparse.Namespace) -> dict[str, Place]:
    """Return the cafés to measure by size. Raises BenchRefusal for a slug nobody has."""
    if not args.small:
        args.small = cafe.prepare(10_000, lambda line: print(line, flush=True)).host.split(".")[0]
    found = {}
    for size, slug in (("small", args.small), ("large", args.large)):
        if slug:
            tenant = Cafe.objects.filter(slug=slug).first()
            if tenant is None:
                raise cafe.BenchRefusal(f"there is no café {slug}")
            with tenant_context(tenant):
                cafe.warm(lambda line: print(line, flush=True))
            found[size] = Place(tenant)
    return found


def measure_all(found: dict[str, Place], port: int, requests: int, repeat: int) -> list[dict[str, Any]]:
    """Measure every shot, the sizes in turn, so that drift of the machine meets both; print each."""
    rows = []
    for what, shot in SHOTS.items():
        taken: dict[str, list[measure.Figure]] = {size: [] for size in found}
        for number in range(repeat):
            for size, place in found.items():
                make = partial(worker, shot, place, port)
                taken[size].append(measure.run(make, clients=1, count=requests, seed=number + 1))
        medians = {size: measure.median(figures) for size, figures in taken.items()}
        row: dict[str, Any] = {"what": what} | {size: asdict(figure) for size, figure in medians.items()}
        line = "".join(f"{figure.p50:>9.1f}{figure.p95:>9.1f}" for figure in medians.values())
        if "large" in medians:
            row["quotient"] = medians["large"].p50 / medians["small"].p50
            line += f"{row['quotient']:>9.2f}"
        print(f"{what:<32}{line}", flush=True)
        rows.append(row)
    return rows


def main() -> int:
    """Run the measurements; returns the exit status."""
    args = options()
    try:
        found = places(args)
        connections.close_all()  # the children must not inherit it
        print(f"{'ms':<32}" + "".join(f"{size + ' p50':>9}{'p95':>9}" for size in found) + f"{'quotient':>9}")
        with web.server() as port:
            rows = measure_all(found, port, args.requests, args.repeat)
    except (cafe.BenchRefusal, RuntimeError) as error:
        print(f"benchmark stopped: {error}", file=sys.stderr)
        return 1
    now = datetime.now(UTC)
    args.output.mkdir(parents=True, exist_ok=True)
    target = args.output / f"lists-{now:%Y-%m-%d-%H%M%S}.json"
    target.write_text(json.dumps({"at": now.isoformat(), "rows": rows}, indent=2) + "\n")
    print(f"written to {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

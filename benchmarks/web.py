"""Our side: the same work through gunicorn, by HTTP clients that keep their connection."""

import http.client
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from benchmarks.cafe import BenchRefusal, Subject
from benchmarks.raw import AMOUNT, LINE, fragment

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def server(workers: int = 2, threads: int = 4) -> Iterator[int]:
    """Start gunicorn as ``make run`` does and yield its port.

    Raises:
        BenchRefusal: it does not answer within 30 seconds.
    """
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "servaan_crm.wsgi:application",
        "--bind",
        f"127.0.0.1:{port}",
    ]
    command += ["--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads)]
    command += ["--keep-alive", "60", "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        _wait(process, port)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise BenchRefusal("gunicorn did not start")


def worker(kind: str, subject: Subject, seed: int, port: int) -> Callable[[], None]:
    """Return a function that makes one request of the sort ``kind``."""
    link, rng = http.client.HTTPConnection("127.0.0.1", port, timeout=60), random.Random(seed)
    api = {
        "Host": subject.host,
        "Authorization": f"Bearer {subject.token}",
        "Content-Type": "application/json",
    }
    browser = {"Host": subject.host, "Cookie": f"sessionid={subject.session}", "HX-Request": "true"}

    def send(method: str, path: str, headers: dict[str, str], body: str | None, expected: int) -> None:
        link.request(method, path, body, headers)
        answer = link.getresponse()
        content = answer.read()
        if answer.status != expected:
            raise BenchRefusal(f"{method} {path} answered {answer.status}: {content[:300]!r}")

    def checkout() -> None:
        body = {
            "customer_phone": rng.choice(subject.phones),
            "total_amount": AMOUNT,
            "payment_method": "card",
            "items_ordered": [{key: value for key, value in LINE.items() if value is not None}],
        }
        send("POST", "/api/crm/visits", api, json.dumps(body), 201)

    jobs: dict[str, Callable[[], None]] = {
        "checkout": checkout,
        "lookup": lambda: send(
            "GET", f"/counter/lookup/?q={quote(fragment(rng, subject))}", browser, None, 200
        ),
        "list": lambda: send("GET", "/customers/", {**browser, "HX-Request": ""}, None, 200),
    }
    return jobs[kind]

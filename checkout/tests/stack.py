"""A whole installation for end-to-end tests: web server, worker with beat, Redis and a gateway, for real."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from dev.process import free_port
from dev.redis import find_server
from servaan_crm.messaging.tests.loopback import Loopback, start_loopback

ROOT = Path(__file__).resolve().parents[2]


def database_url(wrapper: BaseDatabaseWrapper = connection) -> str:
    """Return the URL of the test database, for processes started by a test."""
    entry = wrapper.settings_dict
    credentials = quote(entry["USER"]) + (f":{quote(entry['PASSWORD'])}" if entry["PASSWORD"] else "")
    if entry["HOST"].startswith("/") or not entry["HOST"]:
        return (
            f"postgresql://{credentials}@/{entry['NAME']}?host={entry['HOST']}&port={entry['PORT'] or 5432}"
        )
    return f"postgresql://{credentials}@{entry['HOST']}:{entry['PORT'] or 5432}/{entry['NAME']}"


def wait_for(condition, seconds: float = 30, what: str = "condition"):
    """Return the first true value of ``condition()``; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come within {seconds} s")


class Stack:
    """The processes of one test, on ports and sockets of their own."""

    def __init__(self, folder: Path, gateway: Loopback) -> None:
        self.folder, self.gateway = folder, gateway
        self.port = free_port()
        self.socket = folder / "r.sock"
        self.processes: dict[str, subprocess.Popen] = {}
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "servaan_crm.settings.test",
            "DATABASE_URL": database_url(),
            "REDIS_URL": f"unix://{self.socket}?db=0",
            "KAVENEGAR_BASE_URL": gateway.url,
            "KAVENEGAR_API_KEY": "test-key",
            "SERVAAN_HOME": str(folder),
        }

    def start(self, name: str, *command: str) -> None:
        """Start one process; its output goes to a file of its name in the folder."""
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            command, cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
        )

    def stop(self, name: str) -> None:
        """End one process and its children."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)

    def start_redis(self) -> None:
        self.start(
            "redis", find_server(), "--port", "0", "--unixsocket", str(self.socket), "--save", "",
            "--dir", str(self.folder),
        )  # fmt: skip
        wait_for(self.socket.exists, what="Redis")

    def stop_redis(self) -> None:
        self.stop("redis")
        self.socket.unlink(missing_ok=True)

    def start_web(self) -> None:
        self.start(
            "web", sys.executable, "-m", "gunicorn", "servaan_crm.wsgi", "--bind", f"127.0.0.1:{self.port}",
            "--workers", "1", "--threads", "4", "--worker-class", "gthread",
        )  # fmt: skip
        wait_for(self._answers, what="the web server")

    def start_worker(self) -> None:
        self.start_celery("worker", "-B", "--schedule", str(self.folder / "beat"))
        wait_for(lambda: "ready." in (self.folder / "worker.log").read_text(), 40, "the worker")

    def start_celery(self, name: str, *options: str) -> None:
        """Start a worker process of this name; does not wait for it."""
        self.start(
            name, sys.executable, "-m", "celery", "-A", "servaan_crm", "worker", "-c", "1", "-n", f"{name}@test",
            "--loglevel", "INFO", *options,
        )  # fmt: skip

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    def post(self, host: str, path: str, body: dict, token: str) -> httpx.Response:
        """POST JSON to a café of this stack."""
        headers = {"Host": host, "Authorization": f"Bearer {token}"}
        return httpx.post(f"http://127.0.0.1:{self.port}{path}", json=body, headers=headers, timeout=30)

    def texts_to(self, phone: str) -> list[str]:
        """Return what one phone (09…) got, newest first."""
        return [row["message"] for row in self.gateway.received().get(phone, [])]


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    """Give a stack whose processes all end with the block."""
    with ExitStack() as exits:
        stack = Stack(folder, exits.enter_context(start_loopback(pace=0.0)))
        exits.callback(lambda: [stack.stop(name) for name in list(stack.processes)])
        yield stack

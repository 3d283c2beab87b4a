"""A small project with real servers around the runner: its own copy of ``dev/``, a tiny web app and Celery app."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dev import paths
from dev.assets import _hash
from dev.process import free_port

MANAGE = """
import sys, signal, socket, time, pathlib
name = sys.argv[1]
pathlib.Path("calls.txt").open("a").write(" ".join(sys.argv[1:]) + "\\n")
if name == "run_loopback_gateway":
    with socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1]))) as server:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        while True:
            server.accept()[0].close()
"""
WSGI = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"up"]
"""
CELERY = """
import os
from celery import Celery
path = os.environ["REDIS_URL"].removeprefix("unix://").partition("?")[0]
app = Celery("servaan_crm", broker=f"redis+socket://{path}?virtual_host=0")
"""


class Project:
    """The small project, started and stopped like the real one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "var"
        self.port = free_port()
        self.started: list[subprocess.Popen[str]] = []

    def environment(self, **more: str) -> dict[str, str]:
        """No service of the test run itself may leak in."""
        hidden = (
            "DATABASE_URL",
            "REDIS_URL",
            "SERVAAN_HOME",
            "KAVENEGAR_BASE_URL",
            "SERVAAN_UNDER_MAKE",
            "DJANGO_SETTINGS_MODULE",
        )
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        return {**kept, "PORT": str(self.port), "SERVAAN_HOME": str(self.home), **more}

    def dev(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start ``python -m dev``; its output goes to a file named after the number of the start."""
        with (self.root / f"output{len(self.started)}.txt").open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "dev", *arguments],
                cwd=self.root,
                env=self.environment(**env),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def output(self, number: int = -1) -> str:
        """What a start printed."""
        return (self.root / f"output{number % len(self.started)}.txt").read_text()

    def run(self, **env: str) -> subprocess.Popen[str]:
        """``make run``, until it says that it is ready."""
        process = self.dev("run", **env)
        wait_until(lambda: "Ctrl-C" in self.output() or process.poll() is not None, 90)
        assert process.poll() is None, self.output()
        return process

    def healthy(self) -> bool:
        """Whether the web server answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def processes(self) -> list[psutil.Process]:
        """Everything that still runs for this project (by working directory or command line)."""
        found = []
        data = str((self.home / "postgres").resolve())
        for process in psutil.process_iter():
            try:
                line = " ".join(process.cmdline())
                if (str(self.root) in line or data in line or process.cwd() == str(self.root)) and not (
                    process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid()
                ):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def all_gone(self) -> bool:
        """Whether nothing of this project runs any more."""
        return not self.processes()

    def named(self, word: str) -> psutil.Process:
        """The oldest process whose command line has ``word``."""
        return min(
            (item for item in self.processes() if word in " ".join(item.cmdline())),
            key=lambda item: item.create_time(),
        )

    def calls(self) -> list[str]:
        """The management commands that were run."""
        path = self.root / "calls.txt"
        return path.read_text().splitlines() if path.exists() else []


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition; fail when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def build_project(root: Path) -> Project:
    """Write the small project into ``root``."""
    shutil.copytree(
        Path(paths.__file__).parent, root / "dev", ignore=shutil.ignore_patterns("tests", "__pycache__")
    )
    settings = root / "servaan_crm" / "settings"
    settings.mkdir(parents=True)
    for name, text in {
        "manage.py": MANAGE,
        "servaan_crm/__init__.py": "",
        "servaan_crm/settings/base.py": "",
        "servaan_crm/wsgi.py": WSGI,
        "servaan_crm/celery.py": CELERY,
        "requirements.txt": "",
        "package.json": "{}",
        "package-lock.json": "{}",
        "static/icons.txt": "",
        "static_vendor/icons.svg": "<svg/>",
    }.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    for stamp, names in (
        (".built-from", ("package.json", "package-lock.json", "dev/assets.py")),
        (".sprite-from", ("static/icons.txt", "dev/icons.py", "package-lock.json")),
    ):
        (root / "static_vendor" / stamp).write_text(_hash(*names, root=root))
    return Project(root)


@pytest.fixture(params=[0o755], ids=["0755"])
def project(request: pytest.FixtureRequest) -> Iterator[Project]:
    """The small project in a folder with the mode of the parameter; nothing of it is left afterwards."""
    root = Path(tempfile.mkdtemp(prefix="servaan-dev-"))
    root.chmod(request.param)
    small = build_project(root)
    try:
        yield small
    finally:
        for process in small.started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
        for left in small.processes():
            left.kill()
        outside = (small.home / "postgres").resolve().parent
        if outside.parent == paths.SYSTEM_STATE:
            paths.remove_tree(outside)
        paths.remove_tree(root)

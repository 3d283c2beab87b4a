"""Small facts about processes: who is alive, who ends with whom, which port is free."""

import contextlib
import ctypes
import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from dev.errors import Refusal

PR_SET_PDEATHSIG = 1
# Loaded before any fork: loading a library between fork and exec may deadlock.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def end_with_parent(sig: int) -> Callable[[], None]:
    """A ``preexec_fn``: the child gets ``sig`` when its parent dies, even by SIGKILL (Linux only)."""
    parent = os.getpid()

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        if _LIBC is None:
            return
        _LIBC.prctl(PR_SET_PDEATHSIG, sig)
        if os.getppid() != parent:  # the parent died before prctl
            os._exit(1)

    return prepare


def follow_parent() -> None:
    """Ask the kernel for SIGTERM when the process that started us (make) dies."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def is_running(pid: int) -> bool:
    """Whether ``pid`` is a live process (a zombie is not)."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def same_process(pid: int, created: float) -> psutil.Process | None:
    """The process ``pid`` if it is still the one that was created at ``created`` (seconds since the epoch)."""
    with contextlib.suppress(psutil.Error):
        found = psutil.Process(pid)
        if abs(found.create_time() - created) < 1 and found.status() != psutil.STATUS_ZOMBIE:
            return found
    return None


def wait_gone(pid: int, seconds: float) -> bool:
    """Wait until ``pid`` has ended; False when it still runs after ``seconds``."""
    deadline = time.monotonic() + seconds
    while is_running(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def send(pid: int, sig: int) -> None:
    """Send a signal; a process that is gone is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sig)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_owner(port: int) -> str:
    """Who listens on ``port``, as " by gunicorn (pid 12)"; empty when the system does not tell."""
    with contextlib.suppress(psutil.Error, OSError):
        for item in psutil.net_connections("tcp"):
            if item.status == psutil.CONN_LISTEN and item.laddr.port == port and item.pid:
                return f" by {psutil.Process(item.pid).name()} (pid {item.pid})"
    return ""


def require_port(host: str, port: int) -> None:
    """Refuse with one sentence when ``port`` cannot be bound on ``host``."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except PermissionError:
        raise Refusal(
            f"you may not open port {port}; choose one above 1023, for example: make run PORT=8000"
        ) from None
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            advice = f"stop that program or choose another: make run PORT={port + 1}"
            raise Refusal(f"port {port} is taken{port_owner(port)}; {advice}") from None
        raise Refusal(f"cannot open port {port} on {host}: {error}") from None


def accepts(port: int) -> bool:
    """Whether something accepts TCP connections on 127.0.0.1:``port``."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def rotate(log: Path, limit: int = 5_000_000) -> None:
    """Keep one older generation of a log file larger than ``limit`` bytes."""
    if log.exists() and log.stat().st_size > limit:
        log.replace(log.with_suffix(log.suffix + ".1"))

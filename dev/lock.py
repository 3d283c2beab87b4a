"""One supervisor per SERVAAN_HOME. The kernel drops the lock with its holder, so it cannot be stale."""

import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from dev.errors import Refusal
from dev.process import send, wait_gone


def _path(folder: Path) -> Path:
    return folder / "run" / "servaan.lock"


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold the lock of ``folder``.

    Raises:
        Refusal: another process holds it.
    """
    with _path(folder).open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            pid = handle.read().strip() or "unknown"
            raise Refusal(
                f"Servaan already runs in {folder} (pid {pid}); stop it with: make stop, "
                "or choose another folder and port: make run SERVAAN_HOME=/other PORT=8001"
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
        handle.truncate(0)


def holder(folder: Path) -> int | None:
    """Pid of the process that holds the lock; None when nobody does."""
    try:
        with _path(folder).open("r+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return int(handle.read().strip() or 0) or None
    except (OSError, ValueError):
        return None
    return None


def stop_holder(folder: Path, seconds: float = 45) -> bool:
    """Ask the holder to stop and wait for it. Returns False when nothing ran.

    Raises:
        Refusal: it belongs to another user, or does not stop.
    """
    pid = holder(folder)
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return True
    except PermissionError:
        raise Refusal(
            f"Servaan in {folder} (pid {pid}) was started by another user; stop it as that user"
        ) from None
    if not wait_gone(pid, seconds):
        send(pid, signal.SIGKILL)
        wait_gone(pid, 5)
        raise Refusal(
            f"Servaan (pid {pid}) did not stop within {seconds:.0f} s and was killed; the next start repairs it"
        )
    return True

"""Start children, pass their output on, notice when one dies, and stop all of them in the right order.

One thread, one ``selectors`` loop: no fork ever happens while another thread holds a lock.
"""

import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

import psutil

from dev.errors import Refusal
from dev.paths import Account
from dev.process import end_with_parent, rotate, same_process

# What to send, and how many seconds to wait after it; SIGKILL to the whole group follows.
Show = Literal["all", "alarms", "none", "bare"]
StopPlan = Sequence[tuple[int, float]]
TERMINATE: StopPlan = ((signal.SIGTERM, 8.0),)
ALARMING = re.compile(r"\b(WARNING|ERROR|CRITICAL|FATAL|PANIC|error:)|^Traceback")
NEW_RECORD = re.compile(r"^\[|^\d{4}-\d\d-\d\d|^\d+:[CM] ")


class Stopped(Exception):
    """Somebody asked us to stop (Ctrl-C, SIGTERM, make stop)."""


@dataclass
class Child:
    """One process that the supervisor started."""

    name: str
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    stop: StopPlan
    show: Show
    pending: bytes = b""
    alarmed: bool = False
    last: deque[str] = field(default_factory=lambda: deque(maxlen=15))
    ended: bool = False


class Supervisor:
    """Owner of a set of children.

    Args:
        folder: holds ``run/state.json`` (who we started) and ``log/<name>.log``.
        console: print the children's output, prefixed with their name.
    """

    def __init__(self, folder: Path, console: bool = True) -> None:
        self.folder = folder
        self.console = console
        self.children: list[Child] = []
        self.urls: dict[str, str] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._requests = 0
        self.child_has_terminal = False  # Ctrl-C is then the child's own business
        self._old: dict[int, object] = {}
        (folder / "run").mkdir(parents=True, exist_ok=True)
        (folder / "log").mkdir(parents=True, exist_ok=True)

    # -- signals ---------------------------------------------------------------------------------------------

    def __enter__(self) -> "Supervisor":
        for end in (self._wake_in, self._wake_out):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake_out.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._wake_in, selectors.EVENT_READ, None)
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if sig == signal.SIGHUP and signal.getsignal(sig) == signal.SIG_IGN:
                continue  # started by nohup
            self._old[sig] = signal.signal(sig, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()
        signal.set_wakeup_fd(-1)
        for sig, handler in self._old.items():
            signal.signal(sig, handler)  # type: ignore[arg-type]
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def _on_signal(self, number: int, _frame: object) -> None:
        if not (number == signal.SIGINT and self.child_has_terminal):
            self._requests += 1

    @property
    def asked_to_stop(self) -> bool:
        """Whether a signal arrived that asks us to stop."""
        return self._requests > 0

    # -- starting --------------------------------------------------------------------------------------------

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stop: StopPlan = TERMINATE,
        account: Account | None = None,
        show: Show = "all",
        cwd: Path | None = None,
    ) -> Child:
        """Start a child that is expected to live until we stop it.

        Args:
            stop: signals and waits, in order; the last is also what the child gets should we be killed.
            account: run as this account.
            show: what reaches the console (the log file has everything): all lines, those from a warning on, none,
                or the bytes as they are ("bare").

        Raises:
            Refusal: the program cannot be started.
        """
        log = self.folder / "log" / f"{name}.log"
        rotate(log)
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=end_with_parent(stop[-1][0]),
                **(account.popen_arguments() if account else {}),  # type: ignore[call-overload]
            )
        except OSError as error:
            raise Refusal(f"cannot start {name}: {error}") from None
        child = Child(name, process, log.open("ab"), stop, show)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self._selector.register(process.stdout, selectors.EVENT_READ, child)
        self.children.append(child)
        self._write_state()
        return child

    def run_step(self, name: str, command: Sequence[str], *, env: Mapping[str, str], what: str) -> None:
        """Run a child to its end.

        Args:
            what: the step in words, for the sentence when it fails.

        Raises:
            Refusal: it ended with a status other than 0.
            Stopped: we were asked to stop meanwhile.
        """
        child = self.start(name, command, env=env, stop=((signal.SIGTERM, 5.0),), show="none")
        while child.process.poll() is None:
            self.pump(0.2, leave=child)
        status = child.process.returncode
        self.forget(child)
        if status:
            tail = "\n".join(f"    {line}" for line in child.last)
            log = self.folder / "log" / f"{name}.log"
            raise Refusal(f"{what} failed with status {status}; its log is {log} and ends with\n{tail}")

    def wait_ready(self, child: Child, probe: Callable[[], bool], seconds: float) -> None:
        """Pump until ``probe`` is true.

        Raises:
            Refusal: not ready after ``seconds``, or a child died.
        """
        deadline = time.monotonic() + seconds
        while not probe():
            self.pump(0.05)
            if time.monotonic() > deadline:
                log = self.folder / "log" / f"{child.name}.log"
                raise Refusal(f"{child.name} is not ready after {seconds:.0f} seconds; read {log}")

    def wait_line(self, child: Child, pattern: str, seconds: float) -> None:
        """Pump until the child printed a line that matches, or ``seconds`` have passed without a death."""
        found, deadline = re.compile(pattern), time.monotonic() + seconds
        while not any(found.search(line) for line in child.last) and time.monotonic() < deadline:
            self.pump(0.1)

    # -- running ---------------------------------------------------------------------------------------------

    def pump(self, timeout: float, leave: Child | None = None) -> None:
        """Handle output, signals and deaths for at most ``timeout`` seconds.

        Args:
            leave: a child that may end (a step).

        Raises:
            Stopped: a signal arrived.
            Refusal: a child ended that should not have.
        """
        self._read(timeout)
        if self._requests:
            raise Stopped
        for child in self.children:
            if child is not leave and not child.ended and child.process.poll() is not None:
                self._read(0)
                raise Refusal(self._obituary(child))

    def drain(self, child: Child, seconds: float = 2.0) -> None:
        """Read what a finished child still has in its pipe."""
        assert child.process.stdout is not None
        deadline = time.monotonic() + seconds
        while child.process.stdout in self._registered() and time.monotonic() < deadline:
            self._read(0.05)

    def _registered(self) -> list[object]:
        return [key.fileobj for key in self._selector.get_map().values()]

    def watch(self) -> None:
        """Pump for ever; ends by ``Stopped`` or ``Refusal`` only."""
        while True:
            self.pump(1.0)

    def _obituary(self, child: Child) -> str:
        status = child.process.returncode
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        log = self.folder / "log" / f"{child.name}.log"
        tail = "".join(f"\n    {line}" for line in child.last)
        return f"{child.name} {how}, so everything is stopped; its log is {log}" + (
            f" and ends with{tail}" if tail else ""
        )

    # -- output ----------------------------------------------------------------------------------------------

    def _read(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                self._wake_in.recv(4096)
                continue
            child: Child = key.data
            try:
                data = os.read(key.fd, 65536)
            except BlockingIOError:
                continue
            if not data:
                self._selector.unregister(key.fileobj)
                continue
            child.log.write(data)
            child.log.flush()
            if child.show == "bare":
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
                continue
            *lines, child.pending = (child.pending + data).split(b"\n")
            for line in lines:
                self._show(child, line.decode(errors="replace").rstrip())

    def _show(self, child: Child, line: str) -> None:
        child.last.append(line)
        if child.show == "none":
            return
        if child.show == "alarms":
            if ALARMING.search(line):
                child.alarmed = True
            elif NEW_RECORD.search(line):
                child.alarmed = False
            if not child.alarmed:
                return
        if self.console and line:
            self.say(line, child.name)

    def say(self, text: str, who: str = "servaan") -> None:
        """Print one prefixed line; a closed terminal is no reason to fail."""
        try:
            print(f"{who:<8} | {text}", flush=True)
        except OSError:
            self.console = False
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115

    # -- stopping --------------------------------------------------------------------------------------------

    def stop_all(self) -> None:
        """Stop every child, the last started first; a second signal shortens the waits."""
        asked = self._requests
        for child in reversed(self.children):
            for sig, seconds in child.stop:
                self._signal(child, sig)
                deadline = time.monotonic() + seconds
                while (
                    child.process.poll() is None and time.monotonic() < deadline and self._requests <= asked
                ):
                    self._read(0.05)
            self._kill_group(child)
            child.process.wait()
            self._read(0)
            child.ended = True
        for child in list(self.children):
            self.forget(child)
        (self.folder / "run" / "state.json").unlink(missing_ok=True)

    def _signal(self, child: Child, sig: int) -> None:
        if child.process.poll() is None:
            child.process.send_signal(sig)

    def _kill_group(self, child: Child) -> None:
        """End whatever the child left in its own session."""
        try:
            os.killpg(child.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return

    def forget(self, child: Child) -> None:
        """Let go of a child that has ended as it should."""
        if child not in self.children:
            return
        self.children.remove(child)
        assert child.process.stdout is not None
        self.drain(child, 0.2)
        if child.process.stdout in self._registered():
            self._selector.unregister(child.process.stdout)
        child.process.stdout.close()
        child.log.close()
        self._write_state()

    # -- memory for the next start -----------------------------------------------------------------------------

    def _write_state(self) -> None:
        """Write down who runs, so that a later start can end what a SIGKILL left behind."""
        people = []
        for child in self.children:
            try:
                people.append(
                    [child.name, child.process.pid, psutil.Process(child.process.pid).create_time()]
                )
            except psutil.Error:
                continue
        state = {"supervisor": os.getpid(), "children": people, "urls": self.urls}
        target = self.folder / "run" / "state.json"
        draft = target.with_suffix(".tmp")
        draft.write_text(json.dumps(state))
        draft.replace(target)

    def remember(self, urls: dict[str, str]) -> None:
        """Add the services' addresses to the state file (``make shell`` reads them)."""
        self.urls.update(urls)
        self._write_state()


def read_state(folder: Path) -> dict[str, object]:
    """The state that a supervisor wrote in ``folder``; empty when there is none."""
    try:
        found = json.loads((folder / "run" / "state.json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def end_leftovers(folder: Path) -> list[str]:
    """End children of an earlier supervisor that was killed. Returns their names.

    Only to be called by who holds the lock of ``folder``.
    """
    ended: list[str] = []
    people = read_state(folder).get("children", [])
    for name, pid, created in reversed(people if isinstance(people, list) else []):
        found = same_process(pid, created)
        if found is None:
            continue
        ended.append(name)
        found.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
        try:
            found.wait(8)
        except psutil.TimeoutExpired:
            try:
                os.killpg(pid, signal.SIGKILL)
            except OSError:
                found.kill()
    (folder / "run" / "state.json").unlink(missing_ok=True)
    return ended

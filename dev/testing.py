"""``make test``, ``make bench``, ``make screenshots``: one command with temporary services around it."""

import os
import random
import signal
import sys
from collections.abc import Sequence

from dev import chromium, migrate, paths, run, services
from dev.process import free_port
from dev.supervisor import Stopped, Supervisor

INTERRUPTED = 2  # pytest's exit statuses from here on are no verdict about the tests
# pytest writes its report on SIGINT and undoes its fixtures.
PYTEST_STOP = ((signal.SIGINT, 20.0), (signal.SIGTERM, 5.0))


def _run_to_end(supervisor: Supervisor, name: str, command: Sequence[str], env: dict[str, str]) -> int:
    """Run a command on our own terminal and return its exit status; a signal to us becomes one to it."""
    child = supervisor.start(name, command, env=env, stop=PYTEST_STOP, show="bare", cwd=paths.ROOT)
    while child.process.poll() is None:
        supervisor.pump(0.2, leave=child)
    supervisor.drain(child)
    supervisor.forget(child)
    status = child.process.returncode
    return status if status >= 0 else 128 - status


# The whole suite: files side by side, then the tests that need the services for themselves.
MOST_PROCESSES = 4
TOGETHER = ("-n", str(min(os.cpu_count() or 1, MOST_PROCESSES)), "--dist", "loadfile", "-m", "not alone")
ALONE = ("-m", "alone")


def test(arguments: Sequence[str]) -> int:
    """Run pytest with its own PostgreSQL, Redis and a Chromium; with ``arguments`` in one process, as given.

    Returns pytest's exit status: of the first run that failed, when there are several.
    """
    run.prepare_files()
    browser = chromium.find()
    status = 0
    with services.temporary(paths.home(), durable=False) as (supervisor, urls):
        env = services.child_environment({**urls, "SERVAAN_CHROMIUM": browser})
        env.setdefault("DJANGO_SETTINGS_MODULE", "servaan_crm.settings.test")
        try:
            for run_with in [arguments] if arguments else [TOGETHER, ALONE]:
                command = [sys.executable, "-m", "pytest", *run_with]
                status = _run_to_end(supervisor, "pytest", command, env) or status
                if status >= INTERRUPTED:
                    break
        except Stopped:
            return 130
    return status


def chaos(arguments: Sequence[str]) -> int:
    """Run the long forms: the club's state machine (so many runs per café), and a campaign of 5,000 in a storm.

    Returns pytest's exit status.
    """
    os.environ["SERVAAN_CHAOS"] = next(iter(arguments), "100")
    os.environ.setdefault("SERVAAN_CHAOS_GUESTS", "5000")
    os.environ.setdefault("SERVAAN_CHAOS_SEED", str(random.randrange(10**6)))
    files = ["loyalty/tests/test_machine.py", "campaigns/tests/test_chaos.py"]
    return test([*files, "-s", "-o", "session_timeout=86400"])


def bench(arguments: Sequence[str]) -> int:
    """Run the benchmarks on a temporary, durable PostgreSQL. Returns their exit status."""
    run.prepare_files()
    with services.temporary(paths.home(), durable=True) as (supervisor, urls):
        env = services.child_environment(urls)
        try:
            return _run_to_end(supervisor, "bench", [sys.executable, "-m", "benchmarks", *arguments], env)
        except Stopped:
            return 130


def screenshots(arguments: Sequence[str]) -> int:
    """Start a server with demo data and photograph its pages. Returns 0 when every page was saved."""
    run.prepare_files()
    browser = chromium.find()
    port = free_port()
    with services.temporary(paths.home(), durable=False) as (supervisor, urls):
        env = services.child_environment({**urls, "SERVAAN_CHROMIUM": browser, "PORT": str(port)})
        try:
            migrate.bring_up_to_date(supervisor, env)
            env.update(run.start_gateway(supervisor, env))
            web = run.start_web(supervisor, env, "127.0.0.1", port)
            run.start_worker(supervisor, env)
            supervisor.wait_ready(web, lambda: run.web_answers(port, run.base_domain()), 90)
            command = [sys.executable, "-m", "dev.screenshots", f"{run.base_domain()}:{port}", *arguments]
            return _run_to_end(supervisor, "camera", command, env)
        except Stopped:
            return 130

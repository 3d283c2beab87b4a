"""``make run``: services, migrations, demo cafés, web server, worker, beat and the loopback gateway."""

import os
import re
import signal
import sys
import time
import urllib.request
from pathlib import Path

from dev import assets, lock, messages, migrate, paths, services
from dev.errors import Refusal
from dev.process import accepts, free_port, require_port
from dev.supervisor import Child, Stopped, Supervisor, end_leftovers

# A worker finishes its task on SIGTERM; SIGQUIT ends it at once (what it had claimed is asked for again later).
WORKER_STOP = ((signal.SIGTERM, 6.0), (signal.SIGQUIT, 3.0))
WEB_STOP = ((signal.SIGTERM, 6.0),)
CAFES = ("demo", "servaan", "dombivli")


def port_from_environment() -> int:
    """PORT as a number.

    Raises:
        Refusal: it is not one.
    """
    raw = os.environ.get("PORT", "").strip() or "8000"
    if not raw.isascii() or not raw.isdigit() or not 0 < int(raw) < 65536:
        raise Refusal(f"PORT must be a number between 1 and 65535, not {raw!r}")
    return int(raw)


def base_domain() -> str:
    """SERVAAN_BASE_DOMAIN, checked for blanks and the like."""
    domain = os.environ.get("SERVAAN_BASE_DOMAIN", "").strip() or "localhost"
    if not re.fullmatch(r"[A-Za-z0-9.-]+", domain):
        raise Refusal(f"SERVAAN_BASE_DOMAIN must be a host name such as localhost, not {domain!r}")
    return domain


def start_web(supervisor: Supervisor, env: dict[str, str], host: str, port: int) -> Child:
    """Start gunicorn with two processes of four threads (``RELOAD=1``: restarted when a Python file changes)."""
    command = [sys.executable, "-m", "gunicorn", "servaan_crm.wsgi:application", "--bind", f"{host}:{port}"]
    command += ["--worker-class", "gthread", "--workers", "2", "--threads", "4", "--timeout", "60"]
    command += [
        "--graceful-timeout",
        "5",
        "--keep-alive",
        "15",
        "--log-level",
        "warning",
        "--no-control-socket",
    ]
    command += ["--access-logfile", str(supervisor.folder / "log" / "access.log")]
    if Path("/dev/shm").is_dir():
        command += ["--worker-tmp-dir", "/dev/shm"]
    if os.environ.get("RELOAD") == "1":
        command.append("--reload")
    return supervisor.start("web", command, env=env, stop=WEB_STOP)


def web_answers(port: int, domain: str) -> bool:
    """Whether the web server says that it is up."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": f"{domain}:{port}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def start_gateway(supervisor: Supervisor, env: dict[str, str]) -> dict[str, str]:
    """Start the loopback SMS gateway unless KAVENEGAR_BASE_URL names one; returns what the others must know."""
    if os.environ.get("KAVENEGAR_BASE_URL", "").strip():
        return {}
    port = free_port()
    state = supervisor.folder / "run" / "gateway.json"
    command = [
        sys.executable,
        "manage.py",
        "run_loopback_gateway",
        "--port",
        str(port),
        "--state",
        str(state),
    ]
    child = supervisor.start("gateway", command, env=env, show="alarms", cwd=paths.ROOT)
    supervisor.wait_ready(child, lambda: accepts(port), 30)
    key = os.environ.get("KAVENEGAR_API_KEY", "").strip() or "demo"
    return {"KAVENEGAR_BASE_URL": f"http://127.0.0.1:{port}", "KAVENEGAR_API_KEY": key}


def start_worker(supervisor: Supervisor, env: dict[str, str]) -> Child:
    """Start the Celery worker and the scheduler; returns the worker."""
    celery = [sys.executable, "-m", "celery", "-A", "servaan_crm"]
    worker = ["worker", "--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    child = supervisor.start("worker", [*celery, *worker], env=env, stop=WORKER_STOP, show="alarms")
    schedule = supervisor.folder / "run" / "beat-schedule"
    beat = ["beat", "--loglevel", "INFO", "--pidfile=", "--schedule", str(schedule)]
    supervisor.start("beat", [*celery, *beat], env=env, show="alarms")
    return child


def welcome(supervisor: Supervisor, domain: str, port: int, seconds: float) -> None:
    """Print the addresses and the demo logins."""
    supervisor.say(f"ready after {seconds:.1f} s (log files: {supervisor.folder / 'log'})")
    for cafe in CAFES:
        supervisor.say(f"    http://{cafe}.{domain}:{port}")
    supervisor.say("    users owner, manager, staff, agent; password servaan-demo")
    supervisor.say("Ctrl-C or 'make stop' stops everything")


def prepare_files() -> None:
    """Front-end packages and compiled translations."""
    assets.build()
    messages.compile_all()


def serve(supervisor: Supervisor, home: Path, started: float) -> None:
    """Start everything in order and watch it until somebody asks us to stop."""
    host, port, domain = os.environ.get("SERVAAN_BIND") or "127.0.0.1", port_from_environment(), base_domain()
    require_port(host, port)
    urls = services.start_permanent(supervisor, home)
    env = services.child_environment({**urls, "SERVAAN_HOME": str(home), "PORT": str(port)})
    migrate.bring_up_to_date(supervisor, env)
    env.update(start_gateway(supervisor, env))
    web = start_web(supervisor, env, host, port)
    worker = start_worker(supervisor, env)
    supervisor.wait_ready(web, lambda: web_answers(port, domain), 90)
    supervisor.wait_line(worker, r"celery@\S+ ready", 20)
    welcome(supervisor, domain, port, time.monotonic() - started)
    supervisor.watch()


def main() -> int:
    """Run until stopped. Returns the exit status: 0 when asked to stop, 1 when something failed."""
    started = time.monotonic()
    home = paths.home()
    with lock.hold(home), Supervisor(home) as supervisor:
        left = end_leftovers(home)
        if left:
            supervisor.say(f"ended what an earlier run left behind: {', '.join(left)}")
        try:
            require_port(os.environ.get("SERVAAN_BIND") or "127.0.0.1", port_from_environment())
            prepare_files()
            serve(supervisor, home, started)
        except (Stopped, KeyboardInterrupt):
            supervisor.say("stopping")
        except Refusal as refusal:
            if supervisor.asked_to_stop:
                return 0
            supervisor.say(str(refusal))
            return 1
        finally:
            supervisor.stop_all()
            supervisor.say("stopped")
    return 0

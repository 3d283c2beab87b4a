"""``make shell``, ``python -m dev manage``, ``python -m dev services``: the home's services around one command."""

import signal
import subprocess
import sys
from collections.abc import Sequence

from dev import lock, messages, paths, services
from dev.process import send
from dev.supervisor import Stopped, Supervisor, end_leftovers, read_state


def manage(arguments: Sequence[str]) -> int:
    """Run ``manage.py`` on this terminal and return its exit status.

    The services are those of a running ``make run``, else they are started just for this command.
    """
    home = paths.home()
    command = [sys.executable, "manage.py", *arguments]
    if lock.holder(home) is not None:
        urls = read_state(home).get("urls")
        env = services.child_environment(
            {**(urls if isinstance(urls, dict) else {}), "SERVAAN_HOME": str(home)}
        )
        return subprocess.run(command, env=env, cwd=paths.ROOT, check=False).returncode
    with lock.hold(home), Supervisor(home) as supervisor:
        end_leftovers(home)
        messages.compile_all()
        env = services.child_environment(
            {**services.start_permanent(supervisor, home), "SERVAAN_HOME": str(home)}
        )
        return _on_terminal(supervisor, command, env)


def _on_terminal(supervisor: Supervisor, command: Sequence[str], env: dict[str, str]) -> int:
    """Run a command in our own process group, so that it can read the keyboard."""
    supervisor.child_has_terminal = True
    child = subprocess.Popen(list(command), env=env, cwd=paths.ROOT)
    try:
        while child.poll() is None:
            supervisor.pump(0.2)
    except Stopped:
        send(child.pid, signal.SIGTERM)
    return child.wait()


def keep_services() -> int:
    """Start PostgreSQL and Redis, print their addresses as shell exports, and keep them until Ctrl-C."""
    home = paths.home()
    with lock.hold(home), Supervisor(home) as supervisor:
        end_leftovers(home)
        try:
            for name, value in services.start_permanent(supervisor, home).items():
                print(f"export {name}='{value}'", flush=True)
            supervisor.watch()
        except Stopped:
            return 0
    return 0

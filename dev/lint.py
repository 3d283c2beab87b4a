"""``make lint``: every tool runs, each result is named, one exit status."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dev.paths import ROOT

BIN = Path(sys.executable).parent
# A database that cannot be: makemigrations only warns, and nothing is read from a server by accident.
NOWHERE = {
    "DATABASE_URL": "postgresql://servaan@/servaan?host=/nonexistent",
    "REDIS_URL": "unix:///nonexistent/redis.sock?db=0",
}
PYTHON = sys.executable
TOOLS: dict[str, list[str]] = {
    "ruff check": [str(BIN / "ruff"), "check", "."],
    "ruff format": [str(BIN / "ruff"), "format", "--check", "."],
    "import-linter": [str(BIN / "lint-imports")],
    "house rules": [PYTHON, "-m", "dev.checks"],
    "djlint": [str(BIN / "djlint"), "templates", "--lint", "--quiet"],
    "translations": [PYTHON, "-m", "dev", "messages", "check"],
    "migrations": [
        PYTHON,
        "-W",
        "ignore::RuntimeWarning",
        "manage.py",
        "makemigrations",
        "--check",
        "--dry-run",
    ],
    "mypy": [PYTHON, "-m", "mypy"],
}
FIXES: tuple[list[str], ...] = (
    [str(BIN / "ruff"), "check", "--fix", "."],
    [str(BIN / "ruff"), "format", "."],
)


def run_tool(name: str, command: Sequence[str]) -> bool:
    """Run one tool and print its name, result and, when it failed, its output."""
    started = time.monotonic()
    env = {**os.environ, **NOWHERE, "NO_COLOR": "1", "DJANGO_SETTINGS_MODULE": "servaan_crm.settings.test"}
    env.pop("SERVAAN_UNDER_MAKE", None)
    done = subprocess.run(
        list(command),
        cwd=ROOT,
        env=env,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    good = done.returncode == 0
    print(f"{name:<15} {'ok' if good else 'FAILED'}  ({time.monotonic() - started:.1f} s)", flush=True)
    if not good:
        print("\n".join(f"    {line}" for line in done.stdout.rstrip().splitlines()), flush=True)
    return good


def main(arguments: Sequence[str]) -> int:
    """Run all tools, or those whose name contains an argument; ``--fix`` formats instead."""
    if "--fix" in arguments:
        for command in FIXES:
            subprocess.run(command, cwd=ROOT, check=False)
        return 0
    chosen = {
        name: tool for name, tool in TOOLS.items() if not arguments or any(word in name for word in arguments)
    }
    failed = [name for name, command in chosen.items() if not run_tool(name, command)]
    print(
        f"lint: {len(failed)} of {len(chosen)} failed: {', '.join(failed)}"
        if failed
        else f"lint: all {len(chosen)} passed"
    )
    return 1 if failed else 0

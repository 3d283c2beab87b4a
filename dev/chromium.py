"""Find a Chromium for the browser tests and the screenshots, or install one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dev.errors import Refusal

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ADVICE = (
    "no Chromium was found and none could be installed; install one (Debian: apt-get install chromium) "
    "or name it with CHROMIUM_PATH=/path/to/chromium"
)


def works(path: str) -> bool:
    """Whether the browser at ``path`` starts: a missing shared library or a stub shows here."""
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, timeout=30, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def playwright_path() -> str | None:
    """Where Playwright's own Chromium is or would be."""
    program = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None if done.returncode == 0 else None


def _present() -> Iterator[str]:
    for name in NAMES:
        found = shutil.which(name)
        if found:
            yield found
    own = playwright_path()
    if own and Path(own).exists():
        yield own


def _install_steps() -> Iterator[tuple[str, list[list[str]], int]]:
    """Ways to install a browser: description, commands, seconds for each."""
    install = [sys.executable, "-m", "playwright", "install", "chromium"]
    yield "Playwright's Chromium", [install], 300
    if os.geteuid() == 0 and shutil.which("apt-get"):
        packages = ["apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-liberation"]
        yield "Debian's Chromium", [["apt-get", "update", "-q"], packages], 900


def _run(commands: list[list[str]], seconds: int) -> bool:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in commands:
        try:
            done = subprocess.run(
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        if done.returncode:
            return False
    return True


def find() -> str:
    """Path of a Chromium that starts: CHROMIUM_PATH, one on PATH, Playwright's own, else a newly installed one.

    Raises:
        Refusal: CHROMIUM_PATH does not work, or there is none and none could be installed.
    """
    named = os.environ.get("CHROMIUM_PATH")
    if named:
        if works(named):
            return named
        raise Refusal(f"CHROMIUM_PATH names {named}, which does not start; correct it or unset it")
    for path in _present():
        if works(path):
            return path
    for what, commands, seconds in _install_steps():
        print(f"servaan  | installing {what}", flush=True)
        if not _run(commands, seconds):
            continue
        for path in _present():
            if works(path):
                return path
    raise Refusal(ADVICE)

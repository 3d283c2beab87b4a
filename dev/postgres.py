"""A PostgreSQL of our own: found, initialised, started and stopped without touching the machine's one.

It listens on a Unix socket in a 0700 folder only. As root it runs as ``nobody``.
"""

import contextlib
import locale
import os
import pwd
import signal
import subprocess
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from dev import paths
from dev.errors import Refusal
from dev.postgres_programs import Binaries, find_binaries, reachable_binaries
from dev.process import send, wait_gone
from dev.supervisor import Supervisor

CHARACTER_TYPES = ("C.UTF-8", "C.utf8", "en_US.UTF-8", "fa_IR.UTF-8")
SOCKET_PORT = 5432
USER = DATABASE = "servaan"
# A fast shutdown first; an immediate one (recovery at the next start) if a client hangs.
STOP = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0))
SETTINGS = {
    "listen_addresses": "",
    "port": str(SOCKET_PORT),
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "log_min_messages": "warning",
    # In a test a refused write is expected; the client reports it anyway.
    "log_min_error_statement": "panic",
}
SMALL_SHARED_MEMORY = 512 * 1024 * 1024
NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "20s",
}


@dataclass(frozen=True)
class Cluster:
    """A database cluster on disk and the way to reach it."""

    data: Path
    sockets: Path
    account: paths.Account
    binaries: Binaries

    def url(self, database: str = DATABASE) -> str:
        """Connection URL of a database in this cluster."""
        return f"postgresql://{USER}@/{database}?host={urllib.parse.quote(str(self.sockets), safe='')}"


def _linked_folder(link: Path, owner: Path) -> Path | None:
    """The folder in /var/lib/servaan that ``link`` already names, when it is ours (or its old home has moved)."""
    if not link.is_symlink() or not link.exists():
        return None
    target = link.resolve()
    record = target.parent / "home"
    if not record.exists():
        return target
    other = Path(record.read_text().strip().partition(" ")[2])
    if other != owner and (other / link.name).exists() and (other / link.name).resolve() == target:
        return None  # this home is a copy of another one, which keeps the cluster
    record.write_text(f"{owner.stat().st_dev} {owner}\n")
    return target


def _forget_former(folder: Path, owner: Path) -> None:
    """Whoever deletes SERVAAN_HOME deletes its database: a former home's files at this path go.

    They are put aside instead when that home lay on another disk, which may just not be mounted.
    """
    data = folder / "data"
    if not data.exists():
        return
    try:
        device = int((folder / "home").read_text().partition(" ")[0])
    except (OSError, ValueError):
        device = -1
    if device == owner.stat().st_dev:
        _end_server(data)
        paths.remove_tree(data)
    else:
        data.rename(data.with_name(f"data.{int(time.time())}"))


def locate(owner: Path, account: paths.Account) -> tuple[Path, Path, bool]:
    """Data folder and base of the socket folder for the home ``owner``, and whether they lie outside of it."""
    inside = owner / "postgres"
    linked = _linked_folder(inside, owner)
    if linked is not None:
        return linked, linked.parent, True
    if inside.is_symlink():
        inside.unlink()
    if inside.exists() or account.can_enter(owner):
        if not account.can_enter(owner):
            raise Refusal(
                f"user 'nobody' cannot enter {owner} any more; move it, or delete {inside} to start afresh"
            )
        return inside, owner, False
    _forget_former(paths.SYSTEM_STATE / paths.path_hash(owner), owner)
    outside = paths.system_folder(owner)
    inside.symlink_to(outside / "data")
    return outside / "data", outside, True


def character_type() -> str:
    """A libc locale that knows Persian letters: trigrams of Persian text are empty under LC_CTYPE C.

    Raises:
        Refusal: this machine has none.
    """
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in CHARACTER_TYPES:
            with contextlib.suppress(locale.Error):
                locale.setlocale(locale.LC_CTYPE, name)
                return name
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    raise Refusal(
        "this machine has no UTF-8 locale; install one (Debian: apt-get install locales) or set DATABASE_URL"
    )


def _initdb_arguments(binaries: Binaries) -> list[str]:
    arguments = ["--auth=trust", "--encoding=UTF8", "-U", USER, "--no-instructions"]
    arguments += ["--lc-collate=C", f"--lc-ctype={character_type()}", "--lc-messages=C"]
    if binaries.major >= 17:
        return [*arguments, "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return arguments


def initialise(cluster: Cluster, durable: bool) -> None:
    """Create the cluster's files when there are none, in a draft folder that is renamed when it is complete.

    Raises:
        Refusal: the files belong to another major version, or are no cluster at all.
    """
    version = cluster.data / "PG_VERSION"
    if version.exists():
        made_by = version.read_text().strip()
        if made_by != str(cluster.binaries.major):
            raise Refusal(
                f"the database in {cluster.data} was made by PostgreSQL {made_by} and this is "
                f"{cluster.binaries.major}; see 'Upgrades' in docs/operations.md, or delete that folder to start afresh"
            )
        return
    with contextlib.suppress(FileNotFoundError):
        if os.listdir(cluster.data):
            raise Refusal(f"{cluster.data} holds files that are no PostgreSQL database; move it away")
        cluster.data.rmdir()
    draft = cluster.data.with_name(f"{cluster.data.name}.new")
    paths.remove_tree(draft)
    paths.private_folder(draft, cluster.account)
    _initdb(cluster, draft, durable)
    draft.rename(cluster.data)


def _initdb(cluster: Cluster, draft: Path, durable: bool) -> None:
    try:
        pwd.getpwuid(cluster.account.uid)
    except KeyError:
        raise Refusal(
            f"PostgreSQL needs a user with a name and user id {cluster.account.uid} has none on this machine; "
            "run as a user of /etc/passwd or set DATABASE_URL"
        ) from None
    command = [
        str(cluster.binaries.folder / "initdb"),
        "-D",
        str(draft),
        *_initdb_arguments(cluster.binaries),
    ]
    done = subprocess.run(
        command if durable else [*command, "--no-sync"],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "LC_ALL": "C"},
        **cluster.account.popen_arguments(),  # type: ignore[call-overload]
    )
    if done.returncode:
        paths.remove_tree(draft)
        raise Refusal(f"initdb failed: {done.stderr.strip()[-600:]}")


def _is_postmaster(pid: int, data: Path) -> bool:
    try:
        found = psutil.Process(pid)
        return "postgres" in found.name() and Path(found.cwd()).resolve() == data.resolve()
    except (psutil.Error, OSError):
        return False


def clear_stale(cluster: Cluster) -> None:
    """End a server that a killed supervisor left on this cluster, and remove lock files of dead servers.

    PostgreSQL itself refuses to start when the pid in a stale file now belongs to another program.
    """
    locks = [cluster.data / "postmaster.pid", *cluster.sockets.glob(".s.PGSQL.*.lock")]
    for lock in locks:
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            pid = 0
        if pid and _is_postmaster(pid, cluster.data):
            for sig, seconds in (*STOP, (signal.SIGKILL, 5.0)):
                send(pid, sig)
                if wait_gone(pid, seconds):
                    break
        _wait_orphans(cluster.data)
        lock.unlink(missing_ok=True)


def _wait_orphans(data: Path, seconds: float = 10.0) -> None:
    """Wait for the back ends of a postmaster that died by SIGKILL: they end by themselves."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        alive = [
            item.pid
            for item in psutil.process_iter(["name"])
            if item.info["name"] == "postgres" and _is_postmaster(item.pid, data)
        ]
        if not alive:
            return
        time.sleep(0.1)


def accepts(cluster: Cluster) -> bool:
    """Whether the server answers on its socket."""
    import psycopg

    try:
        psycopg.connect(cluster.url("postgres"), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def create_database(cluster: Cluster, database: str = DATABASE) -> None:
    """Create ``database`` when it does not exist."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


def _shared_memory() -> dict[str, str]:
    """Containers have 64 MB in /dev/shm, too little for parallel queries: files are used instead."""
    try:
        found = os.statvfs("/dev/shm")
    except OSError:
        return {}
    small = found.f_blocks * found.f_frsize < SMALL_SHARED_MEMORY
    return {"dynamic_shared_memory_type": "mmap"} if small else {}


def start(supervisor: Supervisor, cluster: Cluster, *, durable: bool = True) -> str:
    """Start the cluster under ``supervisor`` and return the URL of its database.

    Args:
        durable: False turns fsync off: for tests only.
    """
    initialise(cluster, durable)
    clear_stale(cluster)
    settings = {
        **SETTINGS,
        **({} if durable else NOT_DURABLE),
        "unix_socket_directories": str(cluster.sockets),
    }
    command = [str(cluster.binaries.folder / "postgres"), "-D", str(cluster.data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    child = supervisor.start(
        "postgres",
        command,
        env={**os.environ, "LC_ALL": "C"},
        stop=STOP,
        account=cluster.account,
        show="none",
        cwd=Path("/"),
    )
    supervisor.wait_ready(child, lambda: accepts(cluster), 60)
    create_database(cluster)
    return cluster.url()


def home_cluster(owner: Path, say: Callable[[str], None]) -> Cluster:
    """The permanent cluster of the home ``owner`` (not started)."""
    account = paths.database_account()
    for folder in paths.orphan_folders():
        _remove_orphan(folder)
    data, base, outside = locate(owner, account)
    if outside and not data.exists():
        say(f"PostgreSQL runs as 'nobody', who cannot enter {owner}: its files are in {base}")
    binaries = reachable_binaries(find_binaries(), account, owner)
    sockets = paths.socket_folder(base, "sock", account)
    return Cluster(data, sockets, account, binaries)


def _end_server(data: Path) -> None:
    """End a server that still runs on files that are about to be deleted."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        if _is_postmaster(pid, data):
            send(pid, signal.SIGQUIT)
            wait_gone(pid, 5)


def _remove_orphan(folder: Path) -> None:
    for lock in folder.rglob("postmaster.pid"):
        _end_server(lock.parent)
    paths.remove_tree(folder)


def temporary_cluster(base: Path, owner: Path) -> Cluster:
    """A cluster (not started) for a test run, in ``base``, which the caller deletes when the server is stopped.

    Args:
        base: a fresh folder.
        owner: a home whose folder in /var/lib/servaan may hold a copy of the programs.
    """
    account = paths.database_account()
    binaries = reachable_binaries(find_binaries(), account, owner)
    return Cluster(base / "postgres", paths.socket_folder(base, "sock", account), account, binaries)

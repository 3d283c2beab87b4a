"""PostgreSQL and Redis for one command: those of the environment, or embedded ones."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from dev import paths, postgres, redis
from dev.errors import Refusal
from dev.postgres_programs import OLDEST
from dev.supervisor import Supervisor


def check_database(url: str) -> None:
    """Refuse with one sentence when the PostgreSQL of DATABASE_URL does not answer or is too old."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            version = connection.info.server_version // 10000
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[-1]
        raise Refusal(
            f"the database in DATABASE_URL does not answer ({reason}); start it, or unset DATABASE_URL"
        ) from None
    if version < OLDEST:
        raise Refusal(f"DATABASE_URL is a PostgreSQL {version}; Servaan needs {OLDEST} or newer")


def check_redis(url: str) -> None:
    """Refuse with one sentence when the Redis of REDIS_URL does not answer."""
    import redis as client

    try:
        link = client.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5)
        link.ping()
        link.close()
    except (client.RedisError, ValueError, OSError) as error:
        raise Refusal(
            f"the Redis in REDIS_URL does not answer ({error}); start it, or unset REDIS_URL"
        ) from None


def _settle(
    supervisor: Supervisor, cluster: postgres.Cluster | None, base: Path, durable: bool
) -> dict[str, str]:
    """Start what the environment does not name and return both URLs."""
    urls = {name: os.environ.get(name, "").strip() for name in ("DATABASE_URL", "REDIS_URL")}
    if cluster is not None:
        urls["DATABASE_URL"] = postgres.start(supervisor, cluster, durable=durable)
    else:
        check_database(urls["DATABASE_URL"])
    if urls["REDIS_URL"]:
        check_redis(urls["REDIS_URL"])
    else:
        urls["REDIS_URL"] = redis.start(supervisor, base)
    supervisor.remember(urls)
    return urls


def start_permanent(supervisor: Supervisor, home: Path) -> dict[str, str]:
    """Start the services whose data lives in ``home``; returns DATABASE_URL and REDIS_URL."""
    wanted = not os.environ.get("DATABASE_URL", "").strip()
    cluster = postgres.home_cluster(home, supervisor.say) if wanted else None
    return _settle(supervisor, cluster, home, durable=True)


@contextlib.contextmanager
def temporary(
    home: Path, *, durable: bool, console: bool = True
) -> Iterator[tuple[Supervisor, dict[str, str]]]:
    """A supervisor in a temporary folder with its own services; everything is gone afterwards.

    Args:
        home: the permanent home, whose copy of PostgreSQL's programs may be used; nothing else of it is.
        durable: False turns fsync off (tests); figures are measured with True.

    Yields:
        The supervisor and the environment for the children (both URLs and a SERVAAN_HOME).
    """
    with paths.temporary_base(home) as base, Supervisor(base, console) as supervisor:
        wanted = not os.environ.get("DATABASE_URL", "").strip()
        cluster = postgres.temporary_cluster(base, home) if wanted else None
        urls = _settle(supervisor, cluster, base, durable)
        state = base / "home"
        state.mkdir()
        yield supervisor, {**urls, "SERVAAN_HOME": str(state)}


def child_environment(urls: dict[str, str]) -> dict[str, str]:
    """The environment of Django children."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", **urls}

"""Migrations and demo data, skipped when a stamp says that this database has them already."""

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from dev.paths import ROOT
from dev.supervisor import Supervisor

MOST_SCHEMAS = 50
SKIPPED = {".venv", "node_modules", ".git", "var", "static_vendor"}


def sources_hash() -> str:
    """Hash of everything that decides what the tables look like: migrations, SQL files, pinned packages."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("."))
        inside = "migrations" in Path(folder).relative_to(ROOT).parts
        for name in sorted(files):
            if name.endswith(".sql") or (inside and name.endswith(".py")):
                path = Path(folder) / name
                digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    digest.update((ROOT / "requirements.txt").read_bytes())
    digest.update((ROOT / "servaan_crm" / "settings" / "base.py").read_bytes())
    return digest.hexdigest()


def database_fingerprint(url: str) -> str:
    """What identifies this database and the migrations it has: a dropped, restored or other database differs."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(url, autocommit=True) as connection:
        identity = connection.execute(
            "SELECT oid::text, (SELECT system_identifier::text FROM pg_control_system()) "
            "FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        schemas = connection.execute(
            "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relname = 'django_migrations' AND c.relkind = 'r' ORDER BY 1"
        ).fetchall()
        counts = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {}, count(*), max(id) FROM {}").format(
                sql.Literal(name), sql.Identifier(name, "django_migrations")
            )
            for (name,) in schemas[:MOST_SCHEMAS]
        )
        rows = sorted(connection.execute(counts).fetchall()) if schemas else []
    return json.dumps([identity, [name for (name,) in schemas], rows])


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def bring_up_to_date(supervisor: Supervisor, env: Mapping[str, str], *, demo: bool = True) -> bool:
    """Migrate and create the demo cafés unless nothing changed since the last time.

    Returns:
        Whether there was anything to do.
    """
    stamp = supervisor.folder / "run" / "migrated.json"
    sources = sources_hash()
    wanted = {"sources": sources, "database": database_fingerprint(env["DATABASE_URL"]), "demo": demo}
    try:
        if json.loads(stamp.read_text()) == wanted:
            return False
    except (OSError, ValueError):
        pass
    stamp.unlink(missing_ok=True)
    supervisor.say("migrating the database")
    for part in ("--shared", "--tenant"):
        supervisor.run_step(
            "migrate", _manage("migrate_schemas", part), env=env, what="migrating the database"
        )
    if demo:
        supervisor.say("creating the demo cafés (once; up to a minute)")
        supervisor.run_step("demo", _manage("create_demo"), env=env, what="creating the demo cafés")
    wanted["database"] = database_fingerprint(env["DATABASE_URL"])
    stamp.write_text(json.dumps(wanted))
    return True

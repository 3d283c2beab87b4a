"""``make run`` with real servers: it starts, it stops, and nothing half-started stays behind."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys

import psycopg
import pytest

from dev.tests.conftest import Project, wait_until

pytestmark = pytest.mark.timeout(240)


def test_starts_everything_and_the_second_start_repeats_no_work(project: Project) -> None:
    process = project.run()
    assert project.healthy()
    assert f"http://demo.localhost:{project.port}" in project.output()
    assert "servaan-demo" in project.output()
    assert {"migrate_schemas --shared", "migrate_schemas --tenant", "create_demo"} <= set(project.calls())
    process.send_signal(signal.SIGINT)
    assert process.wait(40) == 0
    assert project.all_gone()

    calls = len(project.calls())
    again = project.run()
    again.send_signal(signal.SIGTERM)
    assert again.wait(40) == 0
    assert [call.split()[0] for call in project.calls()[calls:]] == ["run_loopback_gateway"]
    assert project.all_gone()


def test_changed_migrations_are_applied_at_the_next_start(project: Project) -> None:
    project.run().send_signal(signal.SIGTERM)
    project.started[-1].wait(40)
    folder = project.root / "checkout" / "migrations"
    folder.mkdir(parents=True)
    (folder / "0002_more.py").write_text("# one more\n")
    before = len(project.calls())
    project.run()
    assert "migrate_schemas --shared" in project.calls()[before:]


def test_trigrams_of_persian_text(project: Project) -> None:
    """Under the wrong character type they are empty and every search is a scan."""
    project.dev("services")
    wait_until(lambda: "export REDIS_URL" in project.output(), 60)
    url = project.output().split("DATABASE_URL='")[1].split("'")[0]
    with psycopg.connect(url) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")
        row = connection.execute("SELECT cardinality(show_trgm('سلام')), lower('ÉÇ'), 'ب' > 'ا'").fetchone()
    assert row == (5, "éç", True)


def test_two_starts_in_one_home(project: Project) -> None:
    first = project.run()
    second = project.dev("run")
    assert second.wait(30) == 1
    assert f"already runs in {project.home} (pid {first.pid})" in project.output()
    assert project.healthy()


def test_a_taken_port_is_one_sentence(project: Project) -> None:
    with socket.create_server(("127.0.0.1", project.port)):
        assert project.dev("run").wait(30) == 1
    assert f"port {project.port} is taken by" in project.output()
    assert "Traceback" not in project.output()
    assert project.all_gone()


@pytest.mark.parametrize("value", ["eighty", "0", "70000", "۸۰۰۰"])
def test_an_impossible_port_is_one_sentence(project: Project, value: str) -> None:
    assert project.dev("run", PORT=value).wait(30) == 1
    assert "PORT must be a number" in project.output()


def test_a_killed_supervisor_takes_its_children_along(project: Project) -> None:
    process = project.run()
    process.kill()
    process.wait(10)
    wait_until(project.all_gone, 25)
    project.run()
    assert project.healthy()


def test_a_crashed_child_stops_everything(project: Project) -> None:
    process = project.run()
    project.named("celery -A servaan_crm worker").kill()
    assert process.wait(40) == 1
    assert "worker was killed by SIGKILL, so everything is stopped" in project.output()
    assert project.all_gone()


def test_a_failing_migration_is_shown_and_nothing_stays(project: Project) -> None:
    (project.root / "manage.py").write_text("raise SystemExit('column age does not exist')")
    assert project.dev("run").wait(60) == 1
    assert "migrating the database failed with status 1" in project.output()
    assert "column age does not exist" in project.output()
    assert project.all_gone()


def test_a_stale_pid_file_that_names_a_live_stranger(project: Project) -> None:
    project.run().send_signal(signal.SIGTERM)
    project.started[-1].wait(40)
    stale = f"{os.getpid()}\n{(project.home / 'postgres').resolve()}\n1\n5432\n/tmp\n\n0 0\nready\n"
    (project.home / "postgres" / "postmaster.pid").write_text(stale)
    project.run()
    assert project.healthy()


def test_make_stop(project: Project) -> None:
    process = project.run()
    assert project.dev("stop").wait(60) == 0
    assert process.wait(1) == 0
    assert project.all_gone()
    assert project.dev("stop").wait(30) == 0
    assert "nothing runs" in project.output()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for PostgreSQL")
@pytest.mark.parametrize("project", [0o700], indirect=True)
def test_root_in_a_folder_that_nobody_else_may_enter(project: Project) -> None:
    project.run()
    assert (project.home / "postgres").is_symlink()
    assert (project.home / "postgres").resolve().stat().st_mode & 0o777 == 0o700
    assert project.root.stat().st_mode & 0o777 == 0o700, "folders above the project keep their mode"
    assert project.named("postgres -D").uids().effective != 0
    assert project.dev("stop").wait(60) == 0
    shutil.rmtree(project.home)
    project.run()
    assert "migrating the database" in project.output(), "a deleted home takes its database along"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_an_ordinary_user(project: Project) -> None:
    subprocess.run(["chown", "-R", "daemon:daemon", str(project.root)], check=True)
    reachable = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$0"', os.path.realpath(sys.executable)],
        user=12345,
        group=12345,
        check=False,
    )
    if reachable.returncode:
        pytest.skip("this Python lies in a folder of root")
    daemon = pwd.getpwnam("daemon")
    run = f"os.execv({sys.executable!r}, ['python', '-m', 'dev', 'run'])"
    program = f"import os; os.setgid({daemon.pw_gid}); os.setuid({daemon.pw_uid}); {run}"
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=project.root, env=project.environment(HOME=str(project.root))
    )
    try:
        wait_until(lambda: project.healthy() or process.poll() is not None, 60)
        assert project.named("postgres -D").uids().effective == daemon.pw_uid
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0

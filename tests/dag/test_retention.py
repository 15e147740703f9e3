"""`python -m partner_sync.retention` on what real runs leave: shows, removes when told, and tells by its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from partner_sync.archive import expiry
from partner_sync.archive.decision_store import Decisions
from partner_sync.archive.memory_records import Decision, HoldRow
from partner_sync.cli import delete_expired
from partner_sync.sandbox import large_world

REPOSITORY = Path(__file__).parents[2]
DAY = 86_400


@pytest.fixture
def left(stage, monkeypatch, tmp_path) -> Any:
    """What three runs leave in the archive and as XCom objects, all of it 200 days old."""
    xcoms = Path(os.environ["AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH"].removeprefix("file://"))
    for path in files(xcoms):
        path.unlink()
    world = stage(large_world(accounts=60, organizations=90, updates=2))
    assert ["success"] * 3 == [world.run().state, world.run().state, world.run().state]
    monkeypatch.setenv("PARTNER_SYNC_ARCHIVE", str(tmp_path / "archive"))
    for path in files(xcoms) + files(tmp_path / "archive"):
        os.utime(path, (time.time() - 200 * DAY,) * 2)
    return tmp_path / "archive", xcoms


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def run(*arguments: str) -> tuple[int, str]:
    said: list[str] = []
    return delete_expired.main(arguments, said.append), "".join(said)


def test_it_shows_what_would_go_and_removes_nothing(left):
    archive, xcoms = left
    before = files(archive) + files(xcoms)
    code, said = run("--keep-runs", "1")
    assert 0 == code
    assert f"2 runs in {archive}: " in said
    assert f"3 runs' XCom objects in {xcoms}: " in said
    assert "this was a dry run" in said
    assert before == files(archive) + files(xcoms)


def test_with_delete_old_runs_and_xcom_objects_go_but_the_last_run_and_the_latest_plan_stay(left):
    archive, xcoms = left
    instances = files(archive / "instances")
    code, said = run("--keep-runs", "1", "--delete")
    assert 0 == code
    assert "Removed " in said
    assert [] == files(xcoms)
    assert 1 == len({path.parent for path in files(archive / "runs") if path.name == "run.json"})
    assert instances == files(archive / "instances")
    assert instances
    assert "There is nothing to remove." in run("--keep-runs", "1", "--delete")[1]


def test_with_delete_a_decision_goes_that_ended_before_the_runs_that_stay(left):
    archive, _ = left
    at = datetime.now(timezone.utc) - timedelta(days=300)
    known, rows = Decisions(archive, "global"), (HoldRow("001", 1, ("k",)),)
    values = {"rows": rows, "by": "maria", "run_id": "run", "note": "", "at": at, "until": at + timedelta(hours=24)}
    ended, lasting = (Decision(name, "allow", "global", **values) for name in ("a0", "b0"))
    for one in (ended, lasting):
        known.record(one)
    known.move_ended([ended])
    for path in files(archive / "instances/global/decisions"):
        os.utime(path, (time.time() - 300 * DAY,) * 2)
    code, said = run("--keep-runs", "1", "--delete")
    assert (0, None, lasting) == (code, known.find("a0"), known.find("b0"))
    assert f"1 ended decisions in {archive}: 1 objects" in said


def test_what_is_younger_than_the_days_given_stays(left):
    archive, xcoms = left
    before = files(archive) + files(xcoms)
    days = ("--days", "300", "--xcom-days", "300", "--snapshot-days", "300")
    assert 0 == run(*days, "--keep-runs", "1", "--delete")[0]
    assert before == files(archive) + files(xcoms)


def test_objects_whose_run_is_gone_from_the_database_go_as_well(left):
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.dag_id == "partner_sync"))
    _, xcoms = left
    assert files(xcoms)
    assert 0 == run("--delete")[0]
    assert [] == files(xcoms)


def test_what_cannot_be_removed_is_told_and_the_exit_code_is_1(left, capsys):
    archive, _ = left
    groups = expiry.expired_runs(archive, before=datetime.now(timezone.utc), keep=1)
    victim = groups[0].objects[0].path
    victim.unlink()
    victim.mkdir()  # a folder where an object was: that nobody can unlink, root included
    said: list[str] = []
    assert 1 == delete_expired.remove_groups(groups, said.append)
    assert f"not removed: {victim}" in capsys.readouterr().err
    assert "; 1 could not be removed" in said[0]


@pytest.mark.parametrize("arguments", [["--xcom-days", "1"], ["--days", "0"], ["--keep-runs", "x"], ["--force"]])
def test_wrong_arguments_are_refused_with_2(arguments):
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert 2 == ended.value.code


def test_a_store_whose_connection_does_not_exist_is_refused_with_2_as_a_command():
    environ = {**os.environ, "PARTNER_SYNC_ARCHIVE": "s3://nobody@bucket/archive"}
    command = [sys.executable, "-m", "partner_sync.retention"]
    done = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=120)
    assert 2 == done.returncode, done.stderr
    assert "nobody" in done.stderr

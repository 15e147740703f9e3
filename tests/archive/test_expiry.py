"""What is old enough to go, and what never goes; in a folder and in an object store."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from airflow.sdk import ObjectStoragePath

from partner_sync.archive import codec, expiry
from partner_sync.archive.decision_store import Decisions
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.memory_records import Decision, EndedKeys, HoldRow, Memory, Taken, Withdrawal
from partner_sync.errors import SnapshotError
from partner_sync.model import PlanOrder

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)


@pytest.fixture(params=["folder", "object store"])
def root(request, tmp_path):
    return tmp_path if request.param == "folder" else ObjectStoragePath(f"file://{tmp_path}")


def write(tmp_path: Path, name: str, days: float, text: str = "{}") -> Path:
    """An object that was written so many days ago."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    moment = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (moment, moment))
    return path


def before(days: float) -> datetime:
    return NOW - timedelta(days=days)


def names(groups) -> list[str]:
    return [group.name for group in groups]


def test_a_run_goes_when_its_newest_object_is_old(root, tmp_path):
    write(tmp_path, "runs/2026-01-01/old/run.json", 100)
    write(tmp_path, "runs/2026-01-01/old/plan-1/verdicts/create_1-4.1.jsonl", 99)
    write(tmp_path, "runs/2026-01-01/cleared/run.json", 100)
    write(tmp_path, "runs/2026-01-01/cleared/plan-2/verdicts/create_1-4.2.jsonl", 3)
    write(tmp_path, "runs/2026-05-31/new/run.json", 1)
    assert ["2026-01-01/old"] == names(expiry.expired_runs(root, before=before(90), keep=1))


def test_the_last_runs_stay_however_old_they_are(root, tmp_path):
    for number in range(5):
        write(tmp_path, f"runs/2026-01-0{number + 1}/run-{number}/run.json", 200 - number)
    assert ["2026-01-01/run-0", "2026-01-02/run-1"] == names(expiry.expired_runs(root, before=before(90), keep=3))
    assert [] == expiry.expired_runs(root, before=before(90), keep=9)


def test_a_run_whose_plan_is_the_latest_or_has_an_open_job_stays(root, tmp_path):
    for name in ("latest", "open", "neither"):
        write(tmp_path, f"runs/2026-01-01/{name}/plan-{name}/plan.json", 200)
    write(tmp_path, "instances/global/latest/20260101T000000.000000Z_20260101T000000.000000Z_plan-latest.json", 200)
    write(tmp_path, "instances/global/open/plan-open.create_1-4.5a0b.json", 200)
    write(tmp_path, "instances/global/marked/2026-01-01/plan-neither.mark_1-4.json", 200)
    write(tmp_path, "instances/global/decisions/3f2a.taken.plan-neither.mark_1-4.5a0b.json", 200)
    assert ["2026-01-01/neither"] == names(expiry.expired_runs(root, before=before(90), keep=0))


def test_inputs_of_plans_go_when_they_are_old(root, tmp_path):
    write(tmp_path, "inputs/plan-old.json.gz", 15)
    write(tmp_path, "inputs/plan-new.json.gz", 13)
    assert ["plan-old.json.gz"] == names(expiry.expired_inputs(root, before=before(14)))


def decided(tmp_path: Path, name: str, *, ended: float | None, does: str = "allow", until: float | None = 199):
    """A decision of 200 days ago with all that can be noted beside it, of which nothing is in force since `ended` days;
    None: it is in force. `until` is how many days ago it expires."""
    known, at = Decisions(tmp_path, "global"), before(200)
    rows = (HoldRow("001", 1, ("k1", "k2")),)
    lasts = None if until is None else before(until)
    made = Decision(name, does, "global", rows=rows, by="maria", run_id="run", note="", at=at, until=lasts)
    known.record(made)
    known.take([Taken(name, "plan", "mark_1-2", "5a0b", ("k1",))])
    known.end([EndedKeys(name, "plan", at, ("k2",))])
    known.withdraw(name, Withdrawal("joe", at, "run"))
    if ended is not None:
        known.move_ended([made])
    for path in (tmp_path / "instances/global/decisions").rglob(f"{name}.*"):
        moment = (NOW - timedelta(days=ended or 200)).timestamp()
        os.utime(path, (moment, moment))
    return made


def removed(root, tmp_path: Path, *, days: float = 90, keep: int = 0) -> set[str]:
    """What is gone below `decisions` when retention is done."""
    folder = tmp_path / "instances/global/decisions"
    there = set(folder.rglob("*.json"))
    assert [] == list(expiry.remove_expired(expiry.expired_decisions(root, before=before(days), keep=keep)))
    return {path.relative_to(folder).as_posix() for path in there if not path.exists()}


def test_an_ended_decision_goes_when_it_is_old_with_all_that_is_noted_beside_it(root, tmp_path):
    decided(tmp_path, "a0", ended=95)
    decided(tmp_path, "b0", ended=85)
    notes = {"a0.ended.plan.json", "a0.taken.plan.mark_1-2.5a0b.json", "a0.withdrawn.json"}
    assert {"ended/a0.json", *notes} == removed(root, tmp_path)


def test_a_decision_in_force_stays_however_old_it_is_and_so_does_its_use(root, tmp_path):
    decided(tmp_path, "a0", ended=None)
    assert set() == removed(root, tmp_path)


def test_a_decision_whose_move_was_cut_short_stays_with_its_use(root, tmp_path):
    made = decided(tmp_path, "a0", ended=95)
    write(tmp_path, "instances/global/decisions/a0.json", 95, codec.to_json(made))
    assert set() == removed(root, tmp_path)


@pytest.mark.parametrize("does", ["allow", "restore"])
def test_a_decision_that_ended_early_stays_until_it_would_have_expired(root, tmp_path, does):
    decided(tmp_path, "a0", ended=95, does=does, until=80)
    assert set() == removed(root, tmp_path)
    assert 4 == len(removed(root, tmp_path, days=70))


def test_a_cleared_run_does_not_bring_back_a_leave_that_retention_removed(root, tmp_path):
    made = decided(tmp_path, "a0", ended=95, does="leave", until=None)
    assert {"ended/a0.json"} == removed(root, tmp_path)
    Decisions(tmp_path, "global").record(made)
    assert None is Decisions(root, "global").read().leave_of("k1", NOW)


def test_decisions_stay_as_long_as_the_last_runs_of_their_time(root, tmp_path):
    decided(tmp_path, "a0", ended=95)
    decided(tmp_path, "b0", ended=130)
    for number, days in enumerate((150, 120, 100, 1)):
        write(tmp_path, f"runs/2026-01-01/run-{number}/run.json", days)
    assert {"b0"} == {name.removeprefix("ended/").split(".")[0] for name in removed(root, tmp_path, keep=3)}


def test_a_note_that_is_younger_keeps_its_decision(root, tmp_path):
    decided(tmp_path, "a0", ended=95)
    write(tmp_path, "instances/global/decisions/a0.withdrawn.json", 3)
    assert set() == removed(root, tmp_path)


def test_old_alarm_messages_go_and_the_newest_which_has_all_open_alarms_stays(root, tmp_path):
    for number in ("000001", "000002"):
        write(tmp_path, f"alarms/{number}.json", 200)
        write(tmp_path, f"alarms/{number}.arrived.json", 200)
    write(tmp_path, "alarms/succeeded.json", 200)
    assert ["000001"] == names(expiry.expired_alarms(root, before=before(90)))
    assert [] == expiry.expired_alarms(root, before=before(300))


def test_old_xcom_objects_go_with_or_without_a_row_and_those_of_other_dags_stay(root, tmp_path):
    write(tmp_path, "partner_sync/run-1/compare/a", 20)
    write(tmp_path, "partner_sync/run-1/compare/b", 1)
    write(tmp_path, "partner_sync/run-2/gather_accounts/c.gz", 30)
    write(tmp_path, "others/run-1/task/d", 30)
    groups = expiry.expired_xcoms(root, "partner_sync", before=before(14))
    assert ["run-1", "run-2"] == names(groups)
    assert [] == list(expiry.remove_expired(groups))
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {"partner_sync/run-1/compare/b", "others/run-1/task/d"} == left


def test_empty_folders_go_too(tmp_path):
    write(tmp_path, "runs/2026-01-01/old/plan/verdicts/a.1.jsonl", 200)
    assert [] == list(expiry.remove_expired(expiry.expired_runs(tmp_path, before=before(90), keep=0)))
    assert ["runs"] == [path.name for path in tmp_path.rglob("*")]


def test_nothing_there_means_nothing_to_do(root):
    assert [] == expiry.expired_runs(root, before=NOW, keep=0) + expiry.expired_alarms(root, before=NOW)
    assert [] == expiry.expired_xcoms(root, "partner_sync", before=NOW)


def test_sizes_and_dates_are_told(root, tmp_path):
    write(tmp_path, "runs/2026-01-01/old/run.json", 100, "12345")
    write(tmp_path, "runs/2026-01-01/old/plan/plan.json", 99, "123")
    (group,) = expiry.expired_runs(root, before=before(90), keep=0)
    assert (8, before(99)) == (group.size, group.written)


def test_an_object_that_cannot_be_removed_is_named_and_the_rest_goes(tmp_path):
    write(tmp_path, "partner_sync/run-1/compare/a", 20)
    write(tmp_path, "partner_sync/run-1/compare/b", 20)
    groups = expiry.expired_xcoms(tmp_path, "partner_sync", before=before(14))
    (tmp_path / "partner_sync/run-1/compare/a").unlink()
    (tmp_path / "partner_sync/run-1/compare/a").mkdir()  # unlinking a folder is an error for root, too
    assert ["a"] == [one.parts[-1] for one, _ in expiry.remove_expired(groups)]
    assert ["a"] == [path.name for path in (tmp_path / "partner_sync/run-1/compare").iterdir()]


def test_a_note_of_marks_goes_when_it_is_old(root, tmp_path):
    write(tmp_path, "instances/global/marked/2026-05-01/plan-1.mark_1-2.json", 31)
    write(tmp_path, "instances/global/marked/2026-05-30/plan-2.mark_1-2.json", 2)
    write(tmp_path, "instances/global/memory/x.json", 100)
    assert ["global/marked/2026-05-01"] == names(expiry.expired_marks(root, before=before(14)))


def test_a_snapshot_goes_when_no_read_found_it_again_and_it_is_not_the_newest_of_an_instance(root, tmp_path):
    order = PlanOrder(NOW, NOW, "plan-1")
    InstanceMemory(tmp_path, "us gov").remember(Memory(order, "us gov", "run", NOW, accounts="aa", organizations="bb"))
    for digest, days in (("aa", 60), ("bb", 60), ("cc", 60), ("dd", 3)):
        write(tmp_path, f"snapshots/{digest}.json.gz", days)
    assert ["cc.json.gz"] == names(expiry.expired_snapshots(root, before=before(14)))


def test_no_snapshot_goes_while_it_is_not_known_which_are_the_newest(root, tmp_path):
    write(tmp_path, "snapshots/cc.json.gz", 60)
    write(tmp_path, "instances/global/memory/x.json", 1, "{")
    with pytest.raises(SnapshotError):
        expiry.expired_snapshots(root, before=before(14))

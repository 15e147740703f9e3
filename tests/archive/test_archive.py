"""The archive in a folder and in an object store: what is written is found, what is foreign is refused, what races is
not lost. The object store is fsspec's own in memory; `tests/production` asks an S3 server over HTTP.
"""

from __future__ import annotations

import json
import os
import stat
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from upath import UPath

from partner_sync.archive.archive import Archive, segment
from partner_sync.archive.object_store import children
from partner_sync.archive.records import OpenJob, PartnerStates, RowVerdict, RunRecord, Trigger
from partner_sync.errors import SnapshotError
from partner_sync.model import Create, FieldChange, Plan, PlanOrder, ReadProof

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
RUN = "scheduled__2026-11-24T12:00:00+00:00"


def order(begun=0, made=0, plan_id="p"):
    return PlanOrder(NOON + timedelta(seconds=begun), NOON + timedelta(seconds=made), plan_id)


def plan(changes=()):
    proof = ReadProof("Salesforce", 3, 3, 1, 2)
    return Plan(
        order=order(),
        run_id=RUN,
        dry_run=False,
        config_digest="d",
        reads=(proof,),
        counts={"create": len(changes)},
        changes=changes,
        holds=(),
        problems=(),
    )


def record(of=None):
    trigger = Trigger("partner_sync", RUN, "scheduled", None, NOON, NOON, {"dry_run": False})
    return RunRecord(trigger, {"partner_sync": "1"}, of or plan())


def verdict(try_number=1, verdict="confirmed", batch="create 1-1", account="0014M00001AbcdeQAB", after=None):
    return RowVerdict(
        run_id=RUN,
        plan_id="p",
        batch=batch,
        try_number=try_number,
        at=NOON + timedelta(seconds=try_number if after is None else after),
        instance="global",
        kind="create",
        account_id=account,
        organization_id=None,
        name="Nimbus",
        verdict=verdict,
        reason="",
        vendor_words="",
        written=True,
        job_id="V3-1",
        calls=4,
    )


CREATE = Create("global", "0014M00001AbcdeQAB", "Nimbus", (FieldChange("name", None, "Nimbus"),), "no organization")


@pytest.fixture(params=["a folder", "an object store"])
def archive(request, tmp_path):
    return Archive(tmp_path if request.param == "a folder" else UPath(f"memory://{tmp_path}"))


def test_a_run_without_changes_writes_run_json_only(archive):
    folder = archive.write_run(record())
    assert ["run.json"] == [path.name for path in folder.iterdir()]
    assert "2026-11-24" == folder.parent.name
    assert record() == archive.run(folder)


def test_a_plan_with_changes_is_archived_whole_and_run_json_stays_small(archive):
    whole = plan(changes=(CREATE,))
    folder = archive.write_run(record(whole))
    assert whole == archive.plan(folder, "p")
    assert () == archive.run(folder).plan.changes
    assert {"create": 1} == archive.run(folder).plan.counts


def test_the_newest_try_of_a_batch_counts_and_earlier_ones_stay(archive):
    folder = archive.write_run(record())
    archive.write_verdicts(NOON, [verdict(1, "rejected")])
    archive.write_verdicts(NOON, [verdict(10)])
    archive.write_verdicts(NOON, [verdict(2, "rejected")])
    archive.write_verdicts(NOON, [verdict(1, batch="create 2-2", account="0014M00001AbcdfQAB")])
    assert [verdict(10), verdict(1, batch="create 2-2", account="0014M00001AbcdfQAB")] == archive.verdicts(folder, "p")
    assert 4 == len(list((folder / "p" / "verdicts").iterdir()))


def test_the_first_batch_to_claim_the_events_of_a_plan_keeps_the_claim(archive):
    folder = archive.run_folder(RUN, NOON)
    claims = [archive.claim_events(folder, "p", batch) for batch in ("create 1-1", "mark 1-1", "create 1-1")]
    assert [True, False, True] == claims
    assert archive.claim_events(folder, "q", "mark 1-1")


def test_of_the_verdicts_of_a_batch_those_written_last_count_whoever_wrote_them(archive):
    folder = archive.write_run(record())
    archive.write_verdicts(NOON, [verdict(1, "unknown", after=10)])
    archive.write_verdicts(NOON, [verdict(0, "confirmed", after=20)], settled="5a0b")
    assert ["confirmed"] == [row.verdict for row in archive.verdicts(folder, "p")]
    archive.write_verdicts(NOON, [verdict(1, "superseded", after=30)])
    assert ["superseded"] == [row.verdict for row in archive.verdicts(folder, "p")]
    assert [0, 1] == [rows[0].try_number for rows in archive.tries(RUN, NOON, "p", "create 1-1")]
    assert 1 == archive.batches_with_verdicts(folder, "p")


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b", "\x1e", "\r\n"])
def test_a_name_that_holds_another_kind_of_line_end_comes_back_whole(archive, end):
    folder = archive.write_run(record())
    row = replace(verdict(), name=f"Nimbus{end}Systems")
    archive.write_verdicts(NOON, [row])
    assert [row] == archive.verdicts(folder, "p")


def test_a_verdict_is_one_flat_line(archive):
    folder = archive.write_run(record())
    archive.write_verdicts(NOON, [verdict()])
    (path,) = (folder / "p" / "verdicts").iterdir()
    (line,) = path.read_text().splitlines()
    assert not [value for value in json.loads(line).values() if isinstance(value, dict | list)]


def test_the_latest_plan_is_the_one_whose_snapshot_was_begun_last_whoever_names_it_when(archive):
    assert archive.latest("global") is None
    assert archive.name_latest("global", order(begun=5, made=6, plan_id="b"))
    assert not archive.name_latest("global", order(begun=1, made=99, plan_id="a"))
    assert order(begun=5, made=6, plan_id="b") == archive.latest("global")
    assert archive.name_latest("global", order(begun=5, made=7, plan_id="20261124T120007Z-0a1b2c"))
    assert "20261124T120007Z-0a1b2c" == archive.latest("global").plan_id
    assert archive.latest("other") is None


def test_plans_named_at_once_never_lose_the_newest(archive):
    orders = [order(begun=number, made=100 - number, plan_id=f"plan-{number}") for number in range(24)]
    threads = [threading.Thread(target=archive.name_latest, args=("global", one)) for one in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert orders[-1] == archive.latest("global")


FOREIGN = ["README.txt", "{stem} (conflicted copy).json", "{stem}.sync-conflict-20261124-120000-ABCDEF.json", "~.json"]


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("folder", ["latest", "standing"])
def test_a_foreign_object_beside_the_newest_plan_is_left_alone_and_reported(archive, caplog, folder, name):
    def write(one):
        if folder == "latest":
            return archive.name_latest("global", one)
        return archive.write_partner_states(PartnerStates(one, "global", (), ()))

    write(order(begun=1))
    (own,) = children(archive.root / "instances" / "global" / folder)
    foreign = own.parent / name.format(stem=own.name.removesuffix(".json"))
    foreign.write_text("x")
    write(order(begun=2))
    names = {path.name for path in children(own.parent)}
    assert (2, True, False) == (len(names), foreign.name in names, own.name in names)
    assert [order(begun=2)] == [found for _, found in archive.newest_objects("global")]
    assert foreign.name in caplog.text
    if folder == "standing":
        assert order(begun=2) == archive.partner_states("global").order


@pytest.fixture
def syncing():
    """Lets a function take the place of `os.fsync`."""
    before = os.fsync
    yield lambda fsync: setattr(os, "fsync", fsync)
    os.fsync = before


def test_an_object_is_its_owners_alone_and_is_on_disk_before_it_counts(tmp_path, syncing):
    synced = []

    def fsync(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((path.relative_to(tmp_path), [one.name for one in path.glob("2*")]))

    syncing(fsync)
    root = tmp_path / "archive"
    Archive(root).name_latest("global", order())
    *folders, content, placed = synced
    assert [Path(), Path("archive"), Path("archive/instances"), Path("archive/instances/global")] == [
        path for path, _ in folders
    ]
    assert content[0].name.startswith(".2")
    assert (Path("archive/instances/global/latest"), 1) == (placed[0], len(placed[1]))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [root, *root.rglob("*")] if path.is_dir()}
    files = {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_file()}
    assert ({0o700}, {0o600}) == (modes, files)


def claimed(token="t1", **values):
    return OpenJob(order(), "create 1-1", token, "digest", RUN, NOON, NOON, **values)


def test_the_register_holds_every_claim_of_a_batch_and_forgets_entries(archive):
    archive.write_open_job("global", claimed())
    sent = claimed(intended=NOON, job_id="V3-1", rows=(0,), sent=(0,), submits=1)
    archive.write_open_job("global", sent)
    other = replace(claimed("t2"), time=NOON + timedelta(seconds=1))
    neighbor = replace(claimed("t3"), batch="create 1-11")
    archive.write_open_job("global", other)
    archive.write_open_job("global", neighbor)
    assert sent == archive.open_job("global", claimed())
    assert [sent, other] == archive.claims("global", "p", "create 1-1")
    assert {"t1", "t2", "t3"} == {entry.token for entry in archive.open_jobs("global")}
    assert [] == archive.open_jobs("other")
    archive.remove_open_job("global", sent)
    archive.remove_open_job("global", sent)
    assert archive.open_job("global", sent) is None
    assert [other] == archive.claims("global", "p", "create 1-1")


@pytest.mark.parametrize("text", ["", "{", '{"order": 1}', "[]", "null", "\x00"])
def test_a_half_written_or_foreign_object_is_refused_by_name(archive, text):
    folder = archive.write_run(record())
    (folder / "run.json").write_text(text)
    with pytest.raises(SnapshotError, match=r"run\.json is not a RunRecord/4"):
        archive.run(folder)


def test_a_damaged_entry_of_the_register_is_not_to_be_moved_away_while_jobs_run(archive):
    archive.write_open_job("global", claimed())
    next((archive.root / "instances" / "global" / "open").iterdir()).write_text("{")
    for look in (lambda: archive.open_job("global", claimed()), lambda: archive.open_jobs("global")):
        with pytest.raises(SnapshotError, match="no job is queued or working, then move it away"):
            look()


def test_a_missing_object_is_none(archive):
    assert archive.run(archive.root / "nowhere") is None
    assert archive.plan(archive.root, "p") is None
    assert [] == archive.verdicts(archive.root, "p")


@pytest.mark.parametrize("text", ["..", ".", "../../etc", "a/b", "a\\b", "run\x00id", "", "manual__2026+00:00", "ü 😀"])
def test_an_id_never_reaches_for_another_folder(text, tmp_path):
    name = segment(text)
    assert name
    assert "/" not in name
    assert "\\" not in name
    assert (tmp_path / name).parent == tmp_path

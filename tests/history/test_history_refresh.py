"""The index follows the archive: what is new, what changed, what went, what is foreign, and who looks at once."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from partner_sync.history import History, files
from partner_sync.model import PlanOrder
from tests.history.past import NOON, a_create, a_mark, a_partner, a_problem, account, an_update


def ids(history):
    return [row.run_id for row in history.runs(page_size=100).rows]


def test_an_archive_that_is_not_there_is_an_empty_history(past):
    history = past.history()
    assert ("no runs yet", ()) == (history.overview().health, history.runs().rows)
    assert history.run("scheduled__x") is None
    assert history.changes("scheduled__x") is None
    assert history.trouble is None


def test_runs_are_newest_first_and_a_new_run_shows_at_the_next_query(past):
    first = past.run(-2)
    history = past.history()
    assert [first] == ids(history)
    second = past.run(-1, [a_create(1)])
    assert [second, first] == ids(history)


def test_a_look_at_an_unchanged_archive_reads_nothing(past):
    past.run(-2, [a_create(1)])
    history = past.history()
    assert history.refresh().objects == 3
    assert history.refresh().objects == 0


def test_verdicts_arrive_batch_by_batch(past):
    run_id = past.run(0, [a_create(n) for n in range(250)], written=False)
    history = past.history(0.1)
    plan, trigger = past.plan(0, [a_create(n) for n in range(250)]), past.trigger(0)
    seen = []
    for done in range(4):
        past.write(plan, trigger, {}, only=done) if done else None
        run = history.run(run_id)
        seen.append((run.row.state, run.row.batches_done, run.row.batches, run.outcomes))
    assert seen == [
        ("running", 0, 3, {"waiting": 250}),
        ("running", 1, 3, {"confirmed": 100, "waiting": 150}),
        ("running", 2, 3, {"confirmed": 200, "waiting": 50}),
        ("success", 3, 3, {"confirmed": 250}),
    ]


def test_a_run_that_falls_silent_is_failed_although_nothing_changed(past):
    run_id = past.run(0, [a_create(1)], written=False)
    assert "running" == past.history(0.1).run(run_id).row.state
    assert "failed" == past.history(3).run(run_id).row.state


def test_rows_of_a_run_that_ended_do_not_wait_until_a_verdict_of_a_later_run_arrives(past):
    run_id = past.run(0, [a_create(1)], written=False)
    assert {"waiting": 1} == past.history(0.1).run(run_id).outcomes
    assert {"not written": 1} == past.history(3).run(run_id).outcomes
    past.write(past.plan(0, [a_create(1)]), past.trigger(0), {}, settled="5a0b", try_number=0)
    detail = past.history(4).change(run_id, None, 0)
    assert ("confirmed", True, 0) == (detail.row.outcome, detail.row.written, detail.row.try_number)
    assert "success" == detail.run.state


def test_a_row_keeps_the_job_and_the_time_that_wrote_it_when_its_green_task_is_cleared(past):
    run_id = past.run(0, [an_update(1)])
    first = past.history().change(run_id, None, 0).row
    kept = {"job_id": first.job_id, "written_at": first.at, "reason": "as desired already; nothing was written"}
    past.write(past.plan(0, [an_update(1)]), past.trigger(0), {}, try_number=2, **kept)
    row = past.history().change(run_id, None, 0).row
    assert (True, first.job_id, first.at, 2) == (row.written, row.job_id, row.written_at, row.try_number)
    (story,) = past.history().account(row.account_id)
    assert {first.at} == {field.written.at for field in story.fields if field.written}


def test_foreign_objects_beside_the_newest_plan_are_no_plans_and_no_partners(past):
    past.run(0)
    past.read_partners(0, a_partner(1))
    for folder in ("latest", "standing"):
        place = past.archive.root / "instances" / "global" / folder
        place.mkdir(exist_ok=True)
        (place / "README.json").write_text("x")
        (place / "~.json").write_text("x")
    history = past.history()
    history.refresh()
    assert () == history.overview().unreadable
    assert history.find("partner 1").hits


def test_the_newest_try_of_a_batch_counts_and_the_detail_has_all(past):
    run_id = past.run(0, [a_create(1)], verdicts={1: "unknown"})
    past.write(past.plan(0, [a_create(1)]), past.trigger(0), {}, try_number=2)
    history = past.history()
    detail = history.change(run_id, None, 0)
    assert ("confirmed", 2) == (detail.row.outcome, detail.row.try_number)
    assert [("unknown", 1), ("confirmed", 2)] == [(one.verdict, one.try_number) for one in detail.tries]
    assert {"confirmed": 1} == history.run(run_id).outcomes


def test_an_older_try_that_is_seen_later_changes_nothing(past):
    run_id = past.run(0, [a_create(1)], written=False)
    history = past.history()
    past.write(past.plan(0, [a_create(1)]), past.trigger(0), {}, try_number=2)
    history.refresh()
    past.write(past.plan(0, [a_create(1)]), past.trigger(0), {1: "unknown"}, try_number=1)
    assert {"confirmed": 1} == history.run(run_id).outcomes


def test_a_green_task_that_is_cleared_keeps_what_it_wrote(past):
    run_id = past.run(0, [a_mark(1), an_update(2)])
    plan = replace(past.plan(0, [a_mark(1), an_update(2)]), run_id=run_id)
    past.write(plan, past.trigger(0), {}, try_number=2, written=False, job_id=None)
    history = past.history(0.5)
    assert [(True, "V3-0", 2), (True, "V3-1", 2)] == [
        (one.written, one.job_id, one.try_number) for one in history.changes(run_id).rows
    ]
    assert {"create": 0, "update": 1, "mark": 1} == history.overview().since_yesterday


def test_a_run_that_is_compared_again_shows_its_newest_plan_and_keeps_both(past):
    run_id = past.run(0, [a_create(1), a_create(2)])
    past.run(0, [a_create(3)], again=1)
    run = past.history().run(run_id)
    assert ("plan-0-0", "plan-0-1") == run.plans
    assert "plan-0-1" == run.row.plan_id
    assert {"create": 1, "update": 0, "mark": 0} == run.row.planned
    assert {"create": 3, "update": 0, "mark": 0} == run.row.written


def test_a_backfill_in_an_old_day_is_found_by_the_plan_that_is_named_the_latest(past):
    for day in range(6):
        past.run(-24 * day)
    history = past.history()
    history.refresh()
    late = past.run(-24 * 5 - 1, [a_create(1)])
    past.archive.name_latest("global", replace(past.plan(-24 * 5 - 1).order, snapshot_begun=NOON, made=NOON))
    assert late in ids(history)


def test_a_plan_named_the_latest_that_is_nowhere_is_looked_for_once(past):
    for day in range(6):
        past.run(-24 * day)
    past.archive.name_latest("global", PlanOrder(NOON, NOON, "nowhere"))
    history = past.history()
    assert 6 == history.refresh().days
    assert 6 > history.refresh().days


def test_what_was_moved_out_of_the_archive_is_forgotten(past):
    run_id = past.run(-2, [a_create(1)])
    other = past.run(-30)
    history = past.history()
    assert [run_id, other] == ids(history)
    for folder in ("2026-11-24", "2026-11-23"):
        (past.archive.root / "runs" / folder).rename(past.folder / folder)
    assert [] == ids(history)
    assert () == history.find("partner").hits or history.account(account(1)) == ()


FOREIGN = {
    "half a run.json": ("run.json", '{"trigger": {"dag_id": "par'),
    "a run.json of another shape": ("run.json", "[]"),
    "bytes that are no text": ("run.json", b"\xff\xfe\x00"),
    "half a plan": ("{plan}/plan.json", '{"order": '),
    "a verdict that is none": ("{plan}/verdicts/create_1-1.1.jsonl", "{}\n"),
    "an empty verdict file": ("{plan}/verdicts/create_1-1.1.jsonl", ""),
    "half a failure": ("failures/compare.1.json", "{"),
    "a stranger's file": ("{plan}/notes/todo.txt", "buy milk"),
}


@pytest.mark.parametrize(("name", "content"), FOREIGN.values(), ids=FOREIGN)
def test_what_is_foreign_or_half_written_is_a_sentence_with_its_path(past, name, content):
    run_id = past.run(-1, [a_create(1)])
    path = past.archive.run_folder(run_id, past.trigger(-1).run_after) / name.format(plan="plan--1-0")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    history = past.history()
    [found] = history.unreadable()
    assert found.path == path.relative_to(past.archive.root).as_posix()
    assert found.path in found.message
    assert 1 == len(history.overview().runs.rows)
    assert history.run(run_id) is not None or name == "run.json"


def test_the_claim_to_the_events_of_a_plan_is_not_read(past):
    run_id = past.run(-1, [a_create(1)])
    before = past.history().refresh().objects
    folder = past.archive.run_folder(run_id, past.trigger(-1).run_after)
    past.archive.claim_events(folder, "plan--1-0", "create 1-1")
    history = past.history()
    assert () == history.unreadable()
    assert 0 == history.refresh().objects < before


def test_a_damaged_object_that_is_fixed_is_read_again(past):
    run_id = past.run(-1, [a_create(1)])
    path = past.archive.run_folder(run_id, past.trigger(-1).run_after) / "plan--1-0" / "plan.json"
    whole = path.read_text()
    path.write_text(whole[:100])
    history = past.history()
    [row] = history.changes(run_id).rows
    assert ("confirmed", ()) == (row.outcome, row.fields)
    path.write_text(whole)
    [row] = history.changes(run_id).rows
    assert ("confirmed", 3) == (row.outcome, len(row.fields))
    assert () == history.unreadable()


def test_a_name_with_every_kind_of_line_end_is_one_name(past):
    name = "A\u2028B\u2029C\x85D\x0bE\x1cF"
    run_id = past.run(-1, [a_create(1, name)])
    history = past.history()
    assert ((), name) == (history.unreadable(), history.changes(run_id).rows[0].name)
    folder = past.archive.run_folder(run_id, past.trigger(-1).run_after)
    assert [name] == [one.name for one in past.archive.verdicts(folder, "plan--1-0")]


def test_an_index_that_is_thrown_away_comes_back_the_same(past):
    for hour in range(-30, 0):
        past.run(hour, [a_create(hour + 100)] if hour % 3 else (), problems=[a_problem(1)])
    history = past.history()
    before = history.overview()
    history.rebuild()
    assert before == history.overview()


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100, b"SQLite format 3\x00" + b"\x00" * 4096])
def test_an_index_that_is_none_is_rebuilt(past, content):
    run_id = past.run(-1)
    index = past.folder / "index" / "1.sqlite"
    index.parent.mkdir()
    index.write_bytes(content)
    assert [run_id] == ids(past.history())


def test_an_index_of_another_version_is_rebuilt(past):
    run_id = past.run(-1)
    history = past.history()
    history.refresh()
    with files.connection(files.newest(history.folder)) as db:
        db.execute("PRAGMA user_version = 99")
    assert [run_id] == ids(past.history())


def test_many_threads_and_histories_share_one_index(past):
    for hour in range(-20, 0):
        past.run(hour, [a_create(n) for n in range(20)])
    barrier = threading.Barrier(8)

    def ask(_):
        barrier.wait()
        history = past.history()
        return [(history.runs().total, history.overview().since_yesterday["create"]) for _ in range(5)]

    with ThreadPoolExecutor(8) as pool:
        answers = [answer for several in pool.map(ask, range(8)) for answer in several]
    assert {(20, 400)} == set(answers)


def test_who_finds_another_at_work_answers_from_what_is_there(past):
    run_id = past.run(-1)
    history = past.history()
    history.refresh()
    import fcntl

    with (history.folder / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        past.run(0)
        assert history.refresh().busy
        assert [run_id] == ids(history)


def test_an_object_store_is_read_like_a_folder(past):
    from airflow.sdk import ObjectStoragePath

    past.run(-2, [a_create(1), a_mark(2)], problems=[a_problem(3)])
    past.run(-1, [an_update(1)])
    past.fail(0)
    local = past.history()
    stored = History(
        ObjectStoragePath(f"file://{past.archive.root}"),
        past.folder / "other",
        clock=local.clock,
        fresh_seconds=0,
    )
    assert local.overview() == stored.overview()
    assert 0 == stored.refresh().objects
    past.run(0.5)
    assert ids(local) == ids(stored)


def test_an_archive_that_cannot_be_reached_is_a_sentence_and_the_index_still_answers(past):
    run_id = past.run(-1)
    history = past.history()
    history.refresh()
    runs = past.archive.root / "runs"
    runs.rename(past.folder / "away")
    runs.symlink_to(runs)
    assert [run_id] == ids(history)
    assert str(past.archive.root) in history.trouble
    runs.unlink()
    (past.folder / "away").rename(runs)
    assert [run_id] == ids(history)
    assert history.trouble is None


def test_nothing_is_written_into_the_archive(past):
    past.run(-1, [a_create(1)])
    before = {path: path.stat().st_mtime_ns for path in past.archive.root.rglob("*")}
    history = past.history()
    history.overview()
    history.find("partner")
    assert before == {path: path.stat().st_mtime_ns for path in past.archive.root.rglob("*")}


def test_the_index_can_be_opened_by_anyone_who_reads_sqlite(past):
    past.run(-1, [a_create(1)])
    history = past.history()
    history.refresh()
    with sqlite3.connect(files.newest(history.folder)) as db:
        assert [(1,)] == db.execute("SELECT count(*) FROM change").fetchall()


def test_a_look_a_moment_ago_is_not_repeated(past):
    past.run(-1)
    history = past.history(fresh_seconds=60)
    assert 1 == len(ids(history))
    past.run(0)
    assert 1 == len(ids(history))
    history.refresh()
    assert 2 == len(ids(history))


def test_who_is_named_by_nothing_that_is_left_is_not_found_any_more(past):
    past.run(-48, [an_update(1, "Gone")])
    past.run(0, [an_update(2, "There")])
    history = past.history()
    assert ["Gone"] == [hit.name for hit in history.find("gone").hits]
    shutil.rmtree(past.folder / "archive" / "runs" / "2026-11-22")
    assert () == history.find("gone").hits
    assert ["There"] == [hit.name for hit in history.find("there").hits]


def test_a_run_of_which_only_the_plan_is_written_yet_is_running_and_its_changes_wait(past):
    """`plan.json` is written before `run.json`: who looks in between sees no run that failed hours ago."""
    run_id = past.run(0, [an_update(1)], written=False)
    record = past.archive.run_folder(run_id, past.trigger(0).run_after) / "run.json"
    text = record.read_text()
    record.unlink()
    history = past.history(0.1)
    assert "running" == history.run(run_id).row.state
    assert "waiting" == history.account(account(1))[0].history[0].change.outcome
    assert "failed" == past.history(1.1).run(run_id).row.state
    record.write_text(text)
    assert "running" == past.history(0.1).run(run_id).row.state

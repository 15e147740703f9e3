"""Two live processes of one batch, a process that is held up, and an archive that is not the one compare wrote to.

A worker that is cut off from Airflow lives on while Airflow starts the next try of its task.
"""

from __future__ import annotations

import shutil

import pytest

from partner_sync.errors import CLEAR_BOTH, SnapshotError
from tests import oracle
from tests.sync.stage import NEVER, ROWS, SUBMITS, Stage, Task, Watch, at_every_call, finish, task


class Before(Watch):
    """Acts once, before a task makes call number `count` of a name."""

    def __init__(self, name, count, act):
        super().__init__()
        self.name, self.count, self.todo = name, count, act

    def before(self, name):
        self.names.append(name)
        if self.todo and name == self.name and self.names.count(name) == self.count:
            todo, self.todo = self.todo, None
            todo()


def another_owner(stage: Stage, owner: str) -> None:
    for account in stage.sandbox.cases()["update_owner"]:
        stage.sandbox.put_account(Id=account, Account_Owner_Calc__c=owner)


def submits(stage: Stage) -> int:
    calls = (call["path"].rsplit("/", 1)[-1] for call in stage.sandbox.calls() if call["method"] != "GET")
    return sum(path in SUBMITS for path in calls)


@pytest.mark.parametrize("minutes", [0, 2])
def test_a_process_that_was_paused_before_any_call_writes_nothing_after_its_successor_and_a_newer_plan(begin, minutes):
    def scenario(number):
        stage = begin("update")

        def meanwhile():
            finish(stage, Task(stage, stage.first, first.batch, tried=1))
            another_owner(stage, "The Newest Owner")
            stage.clock.sleep(60 * minutes)
            stage.next_run()

        first = task(stage, stage.first, number, meanwhile)
        finish(stage, first)
        assert [] == oracle.by_an_older_plan(stage.writes(), stage.plan_of_job)
        assert [] == oracle.without_effect(stage.writes())
        assert [] == oracle.still_open(stage.archive)
        assert () == stage.plan(name=False).changes
        return first.watch

    at_every_call(scenario)


@pytest.mark.parametrize("kind", ["create", "update"])
def test_two_processes_of_one_batch_submit_once_whenever_the_second_begins(begin, kind):
    def scenario(number):
        stage = begin(kind, job_seconds=NEVER)
        first = task(stage, stage.first, number)
        second = Task(stage, stage.first, first.batch, tried=1)
        first.watch.act = second.visit
        finish(stage, first, second)
        assert (1, ROWS) == (submits(stage), len(stage.writes()))
        assert [] == oracle.created_twice(stage.writes())
        assert [] == stage.archive.open_jobs("global")
        for one in (first, second):
            assert {"confirmed": ROWS} == one.done.counts
        assert all(row.written and row.job_id for row in stage.verdicts(stage.first))
        return first.watch

    at_every_call(scenario)


def test_a_process_that_is_held_up_between_announcing_and_sending_sends_nothing_then(begin):
    for name, count in (("latest", 2), ("claims", 3), ("update_many", 1)):
        stage = begin("update")
        held = task(stage, stage.first)
        held.watch = Before(name, count, lambda stage=stage: stage.clock.sleep(11))
        held.visit()
        assert held.watch.todo is None
        assert held.done is None
        assert (0, []) == (submits(stage), stage.archive.open_jobs("global"))
        finish(stage, held)
        assert {"confirmed": ROWS} == held.done.counts
        assert 1 == submits(stage)


def test_a_claim_that_another_process_announced_stays_until_its_rows_are_reported(begin):
    stage = begin("update", job_seconds=NEVER)
    first = task(stage, stage.first)
    first.visit()
    (announced,) = stage.archive.open_jobs("global")
    second = Task(stage, stage.first, first.batch, tried=1)
    second.visit()
    assert second.done is None
    assert [announced.token] == [entry.token for entry in stage.archive.open_jobs("global")]
    finish(stage, second)
    assert {"confirmed": ROWS} == second.done.counts
    assert [] == stage.archive.open_jobs("global")


# -- an archive that is not compare's ------------------------------------------------------------------------


def emptied(stage: Stage) -> None:
    shutil.rmtree(stage.archive.root / "instances")


def replaced_by_an_older_copy(stage: Stage) -> None:
    shutil.rmtree(stage.archive.root / "instances")
    stage.name(stage.earlier)


LOSSES = {"emptied": emptied, "replaced by an older copy": replaced_by_an_older_copy}


@pytest.mark.parametrize("lost", LOSSES)
def test_an_old_plan_writes_nothing_over_newer_values_in_an_archive_that_lost_its_newest_plan(begin, lost):
    def scenario(number):
        stage = begin("update")
        stage.earlier = stage.first
        another_owner(stage, "Wrong For An Hour")
        old = stage.plan()
        cleared = task(stage, old, number, lambda: LOSSES[lost](stage))
        try:
            finish(stage, cleared)
        except SnapshotError as error:
            assert "is not named in the archive" in str(error)
            assert "PARTNER_SYNC_ARCHIVE" in str(error)
            assert CLEAR_BOTH in str(error)
            assert set(SUBMITS) & set(cleared.watch.names[: number - 1]) or not stage.writes()
            assert [] == stage.archive.open_jobs("global")
        else:
            names = cleared.watch.names[: number - 1]
            assert names.count("latest") == 2 or not cleared.watch.hit or set(SUBMITS) & set(names)
        return cleared.watch

    at_every_call(scenario)


def test_a_listing_that_misses_the_newest_plan_once_is_no_loss(begin):
    for count in (1, 2):
        stage = begin("update")
        (path,) = (stage.archive.root / "instances" / "global" / "latest").iterdir()
        text = path.read_text()
        looking = task(stage, stage.first)
        looking.watch = Before("latest", count, path.unlink)
        wait = stage.clock.sleep

        def sleep(seconds, path=path, text=text, wait=wait):
            path.write_text(text)
            wait(seconds)

        stage.clock.sleep = sleep
        finish(stage, looking)
        assert {"confirmed": ROWS} == looking.done.counts


def test_a_create_that_somebody_else_made_in_the_same_moment_is_confirmed_and_not_written_by_us(begin):
    stage = begin("create")
    change, *others = stage.first.changes
    fields = {field.field: field.after for field in change.fields}

    def made_by_another_deployment():
        attributes = {name: fields.pop(name) for name in ("name", "external_id")}
        stage.sandbox.add_organizations([{**attributes, "organization_fields": fields}])

    one = task(stage, stage.first)
    one.watch = Before("create_many", 1, made_by_another_deployment)
    finish(stage, one)
    rows = {row.account_id: row for row in stage.verdicts(stage.first)}
    refused = rows.pop(change.account_id)
    assert ("confirmed", False, None) == (refused.verdict, refused.written, refused.job_id)
    assert refused.vendor_words
    assert {("confirmed", True)} == {(row.verdict, row.written) for row in rows.values()}
    assert len(others) == len(rows)
    assert [] == oracle.untrue(stage.sandbox, [refused, *rows.values()])

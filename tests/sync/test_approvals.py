"""Rows that were held and approved: written once, by this plan, while the approval is in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from partner_sync.archive.decision_store import Decisions
from partner_sync.archive.memory_records import (
    Decision,
    EndedKeys,
    HoldRow,
    MarkedOrganizations,
    Withdrawal,
    WrittenField,
)
from partner_sync.archive.object_store import children, get
from partner_sync.compare.change_keys import change_keys
from tests import oracle
from tests.sync.stage import NEVER, ROWS, Stage, Task, at_every_call, die, finish, task

SUBMIT = {"system": "zendesk", "method": "PUT", "path": "*/update_many"}


def approve(stage: Stage, one: Task, id: str = "a1", hours: float = 24, by: str = "ann") -> Decisions:
    """Approves all rows of a batch."""
    decisions = Decisions(stage.archive.root, "global")
    rows = tuple(
        HoldRow(change.account_id, change.organization_id, change_keys(change)) for change in one.batch.changes
    )
    at = stage.clock()
    until = at + timedelta(hours=hours)
    decisions.record(Decision(id, "allow", "global", by, "r", "", at, until, rows=rows, hold="h", reason="limit"))
    approvals = {row: (*one.batch.approvals.get(row, ()), id) for row in range(ROWS)}
    one.batch = replace(one.batch, approvals=approvals)
    return decisions


def restore(stage: Stage, one: Task) -> Decisions:
    """A person undoes a run, so all fields of a batch go back to what they will be."""
    decisions = Decisions(stage.archive.root, "global")
    fields = tuple(
        WrittenField(
            change.account_id, change.organization_id, each.field, each.after, each.before, f"{at}{each.field}"
        )
        for at, change in enumerate(one.batch.changes)
        for each in change.fields
    )
    rows = tuple(HoldRow(each.account_id, each.organization_id, (each.key,)) for each in fields)
    at = stage.clock()
    decisions.record(
        Decision("a1", "restore", "global", "ann", "r", "", at, at + timedelta(days=30), rows=rows, fields=fields)
    )
    restores = {row: {each.field: "a1" for each in one.batch.changes[row].fields} for row in range(ROWS)}
    one.batch = replace(one.batch, restores=restores)
    return decisions


def withdraw(stage: Stage, decisions: Decisions) -> None:
    decisions.withdraw("a1", Withdrawal("bo", stage.clock(), "r2"))


def leave(stage: Stage, decisions: Decisions) -> None:
    approved = decisions.find("a1")
    assert approved is not None
    decisions.record(replace(approved, id="l1", does="leave", by="bo", at=stage.clock(), until=None))


def end(stage: Stage, decisions: Decisions) -> None:
    known = decisions.find("a1")
    assert known is not None
    decisions.end([EndedKeys("a1", "a newer plan", stage.clock(), known.keys)])


def move(stage: Stage, decisions: Decisions) -> None:
    """A complete run sees that it was withdrawn, and moves it."""
    withdraw(stage, decisions)
    decisions.move_ended(decisions.read().over(stage.clock(), ()))


def test_approved_rows_are_written_and_their_approval_is_taken_by_their_submit(begin):
    stage = begin("mark")
    one = task(stage, stage.first)
    decisions = approve(stage, one)
    finish(stage, one)
    assert {"confirmed": ROWS} == one.done.counts
    (taken,) = decisions.read().taken
    assert ("a1", stage.first.id, one.batch.name) == (taken.decision, taken.plan_id, taken.batch)
    for account in stage.sandbox.cases()["mark"]:
        stage.sandbox.edit(int(account), organization_fields={"mark_for_deletion": False})
    again = Task(stage, stage.first, one.batch, tried=1)
    finish(stage, again)
    assert {"superseded": ROWS} == again.done.counts
    assert ROWS == len(stage.writes())


ENDS = [
    (approve, withdraw, False),
    (approve, withdraw, True),
    (approve, leave, False),
    (approve, move, False),
    (restore, withdraw, False),
    (restore, end, False),
    (restore, move, True),
]


@pytest.mark.parametrize(("decide", "ends", "dies"), ENDS)
def test_a_decision_that_ends_before_any_call_lets_nothing_be_written_after_the_last_look(begin, decide, ends, dies):
    def scenario(number):
        stage = begin("update")
        one = task(stage, stage.first, number)
        decisions = decide(stage, one)

        def act():
            ends(stage, decisions)
            if dies:
                die()

        one.watch.act = act
        finish(stage, one)
        # Decisions are read after the submit was announced, and before the archive is asked for the newest plan.
        seen = one.watch.names[: number - 1].count("write_open_job") > 1
        assert (ROWS if seen or not one.watch.hit else 0) >= len(stage.writes())
        if not dies and (seen or not one.watch.hit):
            assert ROWS == len(stage.writes())
        assert [] == stage.archive.open_jobs("global")
        if decide is approve and not dies and ends is not move:
            assert len(decisions.read().taken) == bool(stage.writes())
        assert [] == oracle.untrue(stage.sandbox, stage.lines(stage.first))
        return one.watch

    at_every_call(scenario)


def test_an_approval_that_expires_before_the_submit_lets_nothing_be_written(begin):
    stage = begin("update")
    one = task(stage, stage.first)
    approve(stage, one, hours=0.5)
    stage.clock.sleep(3600)
    finish(stage, one)
    assert {"superseded": ROWS} == one.done.counts
    assert "the next run plans it again" in one.done.verdicts[0].reason
    assert [] == stage.writes()


@pytest.mark.parametrize("kind", ["update", "mark"])
def test_an_approval_is_used_by_one_submit_whenever_a_second_process_begins(begin, kind):
    def scenario(number):
        stage = begin(kind, job_seconds=NEVER)
        first = task(stage, stage.first, number)
        decisions = approve(stage, first)
        second = Task(stage, stage.first, first.batch, tried=1)
        first.watch.act = second.visit
        finish(stage, first, second)
        assert ROWS == len(stage.writes())
        assert 1 == len(decisions.read().taken)
        return first.watch

    at_every_call(scenario)


REFUSED = {
    "429": {"do": "status", "status": 429, "headers": {"Retry-After": "1"}},
    "too many jobs": {"do": "too_many_jobs"},
}


@pytest.mark.parametrize("refusal", REFUSED)
def test_a_submit_that_was_surely_not_sent_gives_its_approval_back(begin, refusal):
    stage = begin("update")
    one = task(stage, stage.first)
    decisions = approve(stage, one)
    stage.sandbox.fault(**SUBMIT, **REFUSED[refusal])
    one.visit()
    assert () == decisions.read().taken
    finish(stage, one)
    assert {"confirmed": ROWS} == one.done.counts


def test_a_lost_submit_keeps_its_approval_taken_and_is_not_repeated(begin):
    stage = begin("update")
    one = task(stage, stage.first)
    decisions = approve(stage, one)
    stage.sandbox.fault("reset_before", **SUBMIT)
    finish(stage, one)
    assert {"superseded": ROWS} == one.done.counts
    assert 1 == len(decisions.read().taken)
    assert [] == stage.writes()


def test_a_submit_takes_every_approval_in_force_so_deciding_twice_allows_one_write(begin):
    stage = begin("update")
    one = task(stage, stage.first)
    approve(stage, one)
    decisions = approve(stage, one, id="a2")
    one.batch = replace(one.batch, approvals=dict.fromkeys(range(ROWS), ("a1",)))
    finish(stage, one)
    assert {"a1", "a2"} == {taken.decision for taken in decisions.read().taken}


def test_a_batch_without_approvals_reads_no_decisions(begin):
    stage = begin("update")
    folder = stage.archive.root / "instances" / "global" / "decisions"
    folder.mkdir(parents=True)
    (folder / "a1.json").write_text("{")
    one = task(stage, stage.first)
    finish(stage, one)
    assert {"confirmed": ROWS} == one.done.counts


def test_marks_are_noted_by_day_with_their_approvals_before_they_are_sent(begin):
    stage = begin("mark")
    one = task(stage, stage.first)
    approve(stage, one)
    one.batch = replace(one.batch, approvals={0: ("a1",)})
    stage.sandbox.fault("reset_before", **SUBMIT)
    one.visit()
    (day,) = children(stage.archive.root / "instances" / "global" / "marked")
    assert f"{stage.clock.time:%Y-%m-%d}" == day.name
    (path,) = children(day)
    ids = [change.organization_id for change in one.batch.changes]
    noted = get(MarkedOrganizations, path)
    assert {ids[0]: ("a1",), ids[1]: (), ids[2]: ()} == noted.organizations
    assert (stage.first.id, one.batch.name) == (noted.plan_id, noted.batch)


def test_updates_and_creates_note_no_marks(begin):
    for kind in ("update", "create"):
        stage = begin(kind)
        finish(stage, task(stage, stage.first))
        assert not (stage.archive.root / "instances" / "global" / "marked").exists()


def test_fields_that_go_back_are_written_and_take_nothing(begin):
    stage = begin("update")
    one = task(stage, stage.first)
    decisions = restore(stage, one)
    finish(stage, one)
    assert {"confirmed": ROWS} == one.done.counts
    assert () == decisions.read().taken


def test_an_approval_by_others_does_not_replace_one_of_the_plan_where_two_people_are_needed(begin):
    stage = begin("update")
    one = task(stage, stage.first)
    one.people = 2
    decisions = approve(stage, one)
    approve(stage, one, id="a2", by="bo")
    withdraw(stage, decisions)
    planned = one.batch
    approve(stage, one, id="a3", by="cy")
    one.batch = planned
    finish(stage, one)
    assert {"superseded": ROWS} == one.done.counts

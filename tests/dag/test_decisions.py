"""The real DAG through several runs: rows that people leave, runs that they undo, decisions that they withdraw."""

from __future__ import annotations

from typing import Any

import pytest

from partner_sync.archive.decision_store import Decisions
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.errors import ConfigError
from partner_sync.sandbox import large_world
from tests.dag.stage import Run, Stage
from tests.dag.truths import hold_of, marked, nothing_twice, partners


@pytest.fixture
def many(stage):
    """20 partners and twelve marks, over the limit."""
    return stage(large_world(accounts=20, organizations=60, marks=12))


@pytest.fixture
def written(stage):
    """A stage with its first run, which wrote two creates, two updates and two marks."""
    found = stage(large_world(accounts=6, organizations=12, creates=2, updates=2, marks=2))
    before = values(found)
    run = found.run()
    assert {"confirmed": 6} == run.counts()
    return found, run, before


def values(stage: Stage) -> dict[int, dict[str, Any]]:
    return {one["id"]: {**one["organization_fields"], "name": one["name"]} for one in stage.sandbox.organizations()}


def run_id(run: Run) -> str:
    return str(run.dag_run.run_id)


def decisions(stage: Stage) -> list[str]:
    """The ids of all decisions that have not ended as a whole."""
    return [one.id for one in Decisions(stage.archive.root, "global").read().decisions]


def updates_of(run: Run) -> list[Any]:
    assert run.plan is not None
    return [one for one in run.plan.changes if one.kind == "update"]


# -- undo ---------------------------------------------------------------------------------------------------


def test_an_undone_run_goes_back_and_stays_so_until_salesforce_says_something_else(written):
    stage, first, before = written
    undone = stage.run(undo=[run_id(first)])
    assert ("success", {"confirmed": 4}) == (undone.state, undone.counts())
    now = values(stage)
    assert before == {number: now[number] for number in before}
    assert 2 == len(now) - len(before)
    for _ in range(2):
        following = stage.run()
        assert ("success", "skipped") == (following.state, following.tasks["sync"])
    assert before == {number: values(stage)[number] for number in before}
    change, other = updates_of(first)
    field = change.fields[0].field
    stage.sandbox.put_account(Id=change.account_id, Account_Owner_Calc__c="Somebody New")
    ended = stage.run()
    assert {"confirmed": 1} == ended.counts()
    assert "Somebody New" == values(stage)[change.organization_id]["account_owner"]
    assert before[other.organization_id] == values(stage)[other.organization_id]
    assert field == "account_owner"
    nothing_twice(stage)


def test_an_undo_touches_nothing_that_somebody_else_changed_and_lists_it(written):
    stage, first, before = written
    change, other = updates_of(first)
    field = change.fields[0]
    stage.sandbox.edit(change.organization_id, organization_fields={field.field: "A Person"})
    undone = stage.run(undo=[run_id(first)])
    assert {"confirmed": 3} == undone.counts()
    assert "A Person" == values(stage)[change.organization_id][field.field]
    assert before[other.organization_id] == values(stage)[other.organization_id]
    assert [(change.organization_id, field.field, "A Person", "changed")] == [
        (one.organization_id, one.field, one.now, one.why) for one in undone.plan.not_restored
    ]
    stage.run()
    assert "A Person" == values(stage)[change.organization_id][field.field]


def test_one_row_of_a_run_is_undone_and_withdrawing_that_writes_it_again(written):
    stage, first, before = written
    change, other = updates_of(first)
    after = values(stage)
    undone = stage.run(undo=[f"{run_id(first)}:{change.account_id}"])
    assert {"confirmed": 1} == undone.counts()
    assert before[change.organization_id] == values(stage)[change.organization_id]
    assert after[other.organization_id] == values(stage)[other.organization_id]
    [decision] = decisions(stage)
    withdrawn = stage.run(withdraw=[decision])
    assert {"confirmed": 1} == withdrawn.counts()
    assert after == values(stage)
    assert [] == decisions(stage)
    assert decision == Decisions(stage.archive.root, "global").ended_decision(decision).id


def test_a_cleared_run_undoes_nothing_again_after_its_undo_was_withdrawn(written):
    stage, first, _ = written
    after = values(stage)
    undone = stage.run(undo=[run_id(first)])
    stage.run(withdraw=decisions(stage))
    assert after == values(stage)
    stage.clear(undone, "gather_accounts", "gather_organizations", "compare", "sync")
    assert after == values(stage)
    assert [] == decisions(stage)


def test_what_an_undo_wrote_is_taken_back_by_withdrawing_it(written):
    stage, first, _ = written
    undone = stage.run(undo=[run_id(first)])
    [decision] = decisions(stage)
    again = stage.run(undo=[run_id(undone)])
    assert f"Withdraw that decision: {decision}." in str(again.errors("gather_accounts")[0])


def test_an_undo_in_a_dry_run_is_shown_and_not_recorded(written):
    stage, first, _ = written
    after = values(stage)
    shown = stage.run(undo=[run_id(first)], dry_run=True)
    assert (4, 4) == (len(shown.plan.changes), len(shown.plan.restores))
    assert [] == decisions(stage)
    stage.run()
    assert after == values(stage)


# -- leave --------------------------------------------------------------------------------------------------


def test_rows_that_are_left_are_neither_written_nor_red_until_nothing_wants_them(many):
    hold = hold_of(many.run(), "limit")
    left = many.run(leave=[hold.id])
    assert ("success", (), 12, set()) == (left.state, left.plan.holds, left.plan.counts["left"], marked(many))
    following = many.run()
    assert ("success", "skipped", 12) == (following.state, following.tasks["sync"], following.plan.counts["left"])
    for change in hold.changes:
        many.sandbox.undelete_account(change.account_id)
    many.run()
    assert [] == decisions(many)
    for change in hold.changes:
        many.sandbox.delete_account(change.account_id)
    assert ("failed", 12) == ((again := many.run()).state, hold_of(again, "limit").rows)
    assert set() == marked(many)


def test_some_rows_are_left_and_the_rest_is_approved_in_one_run(many):
    hold = hold_of(many.run(), "limit")
    few, rest = hold.changes[:2], hold.changes[2:]
    run = many.run(
        leave=[f"{hold.id}:{one.account_id}" for one in few],
        approve=[f"{hold.id}:{one.account_id}" for one in rest],
    )
    assert ("success", {"confirmed": 10}) == (run.state, run.counts())
    assert {one.organization_id for one in rest} == marked(many)
    assert {"allow": 10, "leave": 2} == {one.does: one.rows for one in run.plan.decisions}
    assert 1 == len(decisions(many)) - 1
    many.run()
    assert 1 == len(decisions(many))


def test_a_leave_that_is_withdrawn_puts_its_rows_on_hold_again(many):
    hold = hold_of(many.run(), "limit")
    many.run(leave=[hold.id])
    run = many.run(withdraw=decisions(many))
    assert (12, set()) == (hold_of(run, "limit").rows, marked(many))


def test_a_problem_is_acknowledged_until_it_is_solved(stage):
    world = stage(large_world(accounts=6, organizations=12))
    world.config(lambda text: text.replace('problems = "report"', 'problems = "fail"'))
    account, other = partners(world)[:2]
    names = {one["Id"]: one["Name"] for one in world.sandbox.accounts()}
    world.sandbox.put_account(Id=account, Name=names[other])
    run = world.run()
    [problem] = run.record.plan.problems
    assert "failed" == run.state
    for asked in (world.run(leave=[f"problem:{problem.id}"]), world.run()):
        assert "success" == asked.state
        assert decisions(world) == [one.acknowledged for one in asked.record.plan.problems]
    world.sandbox.put_account(Id=account, Name=names[account])
    world.run()
    assert [] == decisions(world)


# -- who, when, and bad input -------------------------------------------------------------------------------


def test_two_people_must_approve_where_the_config_asks_for_two(many):
    many.config(lambda text: text.replace("people = 1", "people = 2"))
    hold = hold_of(many.run(), "limit")
    one = many.run(approve=[hold.id])
    assert (12, set()) == (hold_of(one, "limit").rows, marked(many))
    again = many.run(approve=[hold.id])
    assert (12, set()) == (hold_of(again, "limit").rows, marked(many))
    two = many.as_started_by("grace", many.run(), approve=[hold.id])
    assert {one.organization_id for one in hold.changes} == marked(many)
    assert {"confirmed": 12} == two.counts()


PARAMS = {
    "approve": ["0123456789ab"],
    "leave": ["0123456789ab"],
    "undo": ["manual__2026-01-01T00:00:00+00:00"],
    "withdraw": ["0123456789ab"],
}
UNKNOWN = [
    ({"leave": ["0123456789ab"]}, "0123456789ab is not a hold"),
    ({"leave": ["problem:0123456789ab"]}, "problem:0123456789ab is not a problem of the last complete run"),
    ({"undo": PARAMS["undo"]}, "manual__2026-01-01T00:00:00+00:00 is not a run in the archive"),
    ({"withdraw": ["0123456789ab"]}, "0123456789ab is not a decision"),
]


@pytest.mark.parametrize(("conf", "message"), UNKNOWN, ids=str)
def test_an_unknown_id_stops_a_run_before_anything_is_read_and_loses_nothing(small, conf, message):
    run = small.run(**conf)
    (error,) = run.errors("gather_accounts")
    assert ("failed", ConfigError) == (run.state, type(error))
    assert message in str(error)
    assert [] == [call for call in small.sandbox.calls() if call["system"] == "salesforce"]
    assert [] == decisions(small)
    assert "success" == small.run().state


def test_an_account_that_the_hold_or_the_run_does_not_have_is_refused(many):
    first = many.run()
    hold, account = hold_of(first, "limit"), partners(many)[0]
    run = many.run(leave=[f"{hold.id}:{account}"], undo=[f"{run_id(first)}:{account}"])
    text = str(run.errors("gather_accounts")[0])
    assert f"{hold.id}:{account} has no row of this account" in text
    assert f"{run_id(first)}:{account} wrote nothing for this account that can be undone" in text


def test_a_row_cannot_be_approved_and_left_at_once(many):
    hold = hold_of(many.run(), "limit")
    run = many.run(approve=[hold.id], leave=[f"{hold.id}:{hold.changes[0].account_id}"])
    assert "Approve a row or leave it, not both." in str(run.errors("gather_accounts")[0])
    assert [] == decisions(many)


def test_the_schedule_decides_nothing(small):
    run = small.run()
    for param, given in PARAMS.items():
        scheduled = small.as_scheduled(run, **{param: given})
        text = str(scheduled.errors("gather_accounts")[-1])
        assert f"{param} is set in a run of type scheduled" in text


def test_only_people_of_the_config_may_decide(written):
    stage, first, _ = written
    after = values(stage)
    stage.config(lambda text: text.replace("\nby = []", '\nby = ["grace"]'))
    assert "who is not in approvals.by" in str(stage.run(undo=[run_id(first)]).errors("gather_accounts")[0])
    assert after == values(stage)


def test_a_decision_arms_nothing_and_is_planned_with_in_an_instance_that_is_not_armed(many):
    shown = many.as_scheduled(many.run(dry_run=True))
    assert ("global",) == shown.plan.planning_only
    hold = hold_of(shown, "limit")
    left = many.run(leave=[hold.id])
    assert (("global",), 12) == (left.plan.planning_only, left.plan.counts["left"])
    assert InstanceMemory(many.archive.root, "global").armed() is None
    assert 1 == len(decisions(many))
    assert [] == many.writes()


def test_a_value_that_rests_is_written_again_when_a_person_withdraws_that(stage):
    world = stage(large_world(accounts=6, organizations=12))
    account = partners(world)[0]
    world.run()
    world.sandbox.put_account(Id=account, Account_Owner_Calc__c="Ann  Lind")
    for _ in range(3):
        [change] = world.run().plan.changes
        world.sandbox.edit(change.organization_id, organization_fields={"account_owner": change.fields[0].before})
    run = world.run()
    [problem] = run.record.plan.problems
    assert ("resting", None) == (problem.kind, run.plan)
    released = world.run(withdraw=[problem.id])
    assert ({"confirmed": 1}, ()) == (released.counts(), released.record.plan.problems)

"""The real DAG through several runs: what is held, who approves it, and what an approval lets through."""

from __future__ import annotations

from datetime import timedelta

import pytest

from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.errors import ConfigError, WithheldError
from partner_sync.sandbox import large_world
from tests.dag.truths import hold_of, marked, partners


@pytest.fixture
def many(stage):
    """20 partners and twelve marks, over the limit, beside two creates and three updates."""
    return stage(large_world(accounts=20, organizations=60, creates=2, updates=3, marks=12))


# -- approvals ----------------------------------------------------------------------------------------------


def test_marks_over_the_limit_are_held_everything_else_is_written_and_the_conf_of_the_message_writes_them(many):
    run = many.run()
    assert ("failed", "failed", 1) == (run.state, run.tasks["withheld"], run.tries["withheld"])
    assert {"confirmed": 5} == run.counts()
    hold = hold_of(run, "limit")
    (error,) = run.errors("sync")
    assert WithheldError is type(error)
    assert f'{{"approve": ["{hold.id}"]}}' in str(error)
    assert set() == marked(many)
    approved = many.run(approve=[hold.id])
    assert ("success", {"confirmed": 12}) == (approved.state, approved.counts())
    assert {one.organization_id for one in hold.changes} == marked(many)
    again = many.run()
    assert ("success", "skipped") == (again.state, again.tasks["sync"])
    many.in_sync()


def test_the_log_of_compare_leads_to_the_review_of_each_hold_also_while_a_run_is_green(many, caplog):
    caplog.set_level("INFO", logger="partner_sync")
    many.run()
    caplog.clear()
    again = many.run()
    hold = hold_of(again, "limit")
    logged = [one.getMessage() for one in caplog.records if hold.id in one.getMessage()]
    assert ("success", 1) == (again.state, len(logged))
    assert logged[0].startswith(f"{hold.why} Review: ")
    assert logged[0].endswith(f"/plugin/partner-sync/partner-sync/hold?id={hold.id}")


def test_an_approval_writes_the_rows_that_were_reviewed_and_none_that_came_since(many):
    hold = hold_of(many.run(), "limit")
    back, late = hold.changes[0], partners(many)[:12]
    many.sandbox.undelete_account(back.account_id)
    for account_id in late:
        many.sandbox.delete_account(account_id)
    run = many.run(approve=[hold.id])
    assert {one.organization_id for one in hold.changes if one is not back} == marked(many)
    assert sorted(late) == sorted(one.account_id for hold in run.plan.holds for one in hold.changes)


def test_one_row_of_a_hold_can_be_approved_and_the_others_stay_held(many):
    hold = hold_of(many.run(), "limit")
    one = hold.changes[3]
    run = many.run(approve=[f"{hold.id}:{one.account_id}"])
    assert {one.organization_id} == marked(many)
    assert 11 == hold_of(run, "limit").rows
    following = many.run()
    assert ("success", 11, {one.organization_id}) == (following.state, hold_of(following, "limit").rows, marked(many))


def test_an_approval_is_used_once(many):
    hold = hold_of(many.run(), "limit")
    many.run(approve=[hold.id])
    for number in marked(many):
        many.sandbox.edit(number, organization_fields={"mark_for_deletion": False})
    run = many.run()
    assert 12 == sum(hold.rows for hold in run.plan.holds)
    assert set() == marked(many)


def test_an_approval_in_a_dry_run_is_shown_and_not_recorded(many):
    hold = hold_of(many.run(), "limit")
    shown = many.run(approve=[hold.id], dry_run=True)
    assert (12, ()) == (len(shown.plan.changes), shown.plan.holds)
    assert 12 == hold_of(many.run(), "limit").rows
    assert set() == marked(many)


def test_a_run_that_is_cleared_approves_nothing_again(many):
    hold = hold_of(many.run(), "limit")
    run = many.run(approve=[hold.id])
    for number in marked(many):
        many.sandbox.edit(number, organization_fields={"mark_for_deletion": False})
    many.clear(run, "gather_accounts", "gather_organizations", "compare", "sync")
    assert set() == marked(many)


def test_an_unknown_hold_stops_a_run_before_anything_is_read(many):
    run = many.run(approve=["0123456789ab"])
    (error,) = run.errors("gather_accounts")
    assert ("failed", ConfigError) == (run.state, type(error))
    assert "0123456789ab is not a hold" in str(error)
    assert [] == [call for call in many.sandbox.calls() if call["system"] == "salesforce"]


def test_only_people_of_the_config_may_approve(many):
    hold = hold_of(many.run(), "limit")
    many.config(lambda text: text.replace("\nby = []", '\nby = ["grace"]'))
    run = many.run(approve=[hold.id])
    assert "who is not in approvals.by" in str(run.errors("gather_accounts")[0])
    assert set() == marked(many)


# -- red once -----------------------------------------------------------------------------------------------


def test_a_case_is_red_once_and_red_again_when_its_rows_have_doubled(many):
    first = many.run()
    assert "failed" == first.state
    assert "success" == many.run().state
    for account_id in partners(many)[:13]:
        many.sandbox.delete_account(account_id)
    assert ("failed", 25) == ((run := many.run()).state, hold_of(run, "limit").rows)
    assert "failed" == many.clear(run, "compare", "sync").state


# -- budgets over time --------------------------------------------------------------------------------------


def test_accounts_that_vanish_a_few_an_hour_are_held_by_the_budget_of_seven_days(stage):
    world = stage(large_world(accounts=60, organizations=90))
    gone = iter(partners(world))
    states = []
    for _ in range(4):
        for account_id in (next(gone) for _ in range(9)):
            world.sandbox.delete_account(account_id)
        states.append(world.run().state)
    assert 18 == len(marked(world))
    assert "failed" in states


def test_accounts_that_are_hidden_are_never_marked(stage):
    world = stage(large_world(accounts=30, organizations=50))
    for account_id in partners(world)[:5]:
        world.sandbox.hide_account(account_id)
    run = world.run()
    assert ("success", 5, set()) == (run.state, hold_of(run, "no_trace").rows, marked(world))


def test_the_first_run_on_an_empty_zendesk_is_held_and_approved_once(stage):
    world = stage(large_world(accounts=20, organizations=25, creates=19))
    run = world.run()
    hold = hold_of(run, "limit")
    assert ("failed", "create", 19) == (run.state, hold.kind, hold.rows)
    assert {"confirmed": 19} == world.run(approve=[hold.id]).counts()
    assert "skipped" == world.run().tasks["sync"]


def test_a_column_that_arrives_as_null_empties_nothing(stage):
    world = stage(large_world(accounts=80, organizations=100))
    before = {one["id"]: one["organization_fields"]["account_owner"] for one in world.sandbox.organizations()}
    for account in world.sandbox.accounts():
        world.sandbox.put_account(Id=account["Id"], Account_Owner_Calc__c=None)
    run = world.run()
    assert ("failed", 80) == (run.state, hold_of(run, "emptied").rows)
    after = {one["id"]: one["organization_fields"]["account_owner"] for one in world.sandbox.organizations()}
    assert before == after


# -- evidence -----------------------------------------------------------------------------------------------


def test_every_kind_of_missing_account_is_treated_by_its_evidence(stage):
    world = stage(large_world(accounts=40, organizations=60))
    deleted, merged, purged, filtered, winner = partners(world)[:5]
    world.sandbox.delete_account(deleted)
    world.sandbox.merge_accounts(merged, winner)
    world.sandbox.purge_account(purged)
    world.sandbox.put_account(Id=filtered, Partner_Track__c="Technology")
    run = world.run()
    reasons = {one.account_id: one.reason for one in run.plan.changes}
    assert {deleted, filtered} == reasons.keys()
    assert "deleted in Salesforce" in reasons[deleted]
    assert "Partner_Track__c" in reasons[filtered]
    assert "Technology" in reasons[filtered]
    assert [purged] == [one.account_id for one in hold_of(run, "no_trace").changes]
    (problem,) = [one for one in run.plan.problems if one.kind == "account_merged"]
    assert (merged,) == problem.account_ids
    assert winner in problem.detail
    assert 2 == len(marked(world))


def test_an_account_that_is_purged_after_it_was_seen_deleted_stays_evidence(stage):
    world = stage(large_world(accounts=40, organizations=60))
    world.config(lambda text: text.replace("\ngrace_days = 0", "\ngrace_days = 1"))
    account_id = partners(world)[0]
    world.sandbox.delete_account(account_id)
    first = world.run()
    assert (1, None) == (first.record.plan.counts["in_grace"], first.plan)
    world.sandbox.purge_account(account_id)
    world.config(lambda text: text)  # the day is over
    run = world.run()
    assert [account_id] == [one.account_id for one in run.plan.changes]


def test_a_failing_lookup_lets_marks_wait_and_everything_else_go_on(many):
    many.sandbox.fault("status", system="salesforce", path="/services/data/*/queryAll*", status=503, times=None)
    run = many.run()
    assert ("success", {"confirmed": 5}) == (run.state, run.counts())
    assert ["lookup_failed"] == [problem.kind for problem in run.plan.problems]
    assert set() == marked(many)


def test_marks_of_organizations_with_open_tickets_wait_until_they_are_solved(stage):
    world = stage(large_world(accounts=40, organizations=60, marks=2))
    first, second = (one for one in world.run(dry_run=True).plan.changes)
    world.sandbox.put_tickets(first.organization_id, open=3)
    world.config(lambda text: text.replace("\nrecheck_minutes = 60", "\nrecheck_minutes = 0.001"))
    run = world.run()
    assert ("success", {second.organization_id}) == (run.state, marked(world))
    assert 3 == hold_of(run, "open_tickets").changes[0].tickets
    world.sandbox.put_tickets(first.organization_id, open=0)
    world.run()
    assert {first.organization_id, second.organization_id} == marked(world)


# -- planning only ------------------------------------------------------------------------------------------


def test_until_a_person_starts_a_run_that_writes_the_schedule_only_plans(small):
    """Airflow's trigger form unpauses the DAG: a dry run must not let the schedule write."""
    dry = small.run(dry_run=True)
    planned = small.as_scheduled(dry)
    assert ("success", "skipped") == (planned.state, planned.tasks["sync"])
    assert (6, ("global",)) == (len(planned.plan.changes), planned.plan.planning_only)
    assert ([], None) == (small.writes(), small.archive.latest("global"))
    armed = small.run()
    assert ({"confirmed": 6}, ()) == (armed.counts(), armed.record.plan.planning_only)
    account = partners(small)[0]
    small.sandbox.put_account(Id=account, Account_Owner_Calc__c="New Owner")
    following = small.as_scheduled(small.run(dry_run=True))
    assert {"confirmed": 1} == following.counts()


def test_an_approval_on_an_instance_that_is_not_armed_is_recorded_and_not_written(many):
    planned = many.as_scheduled(many.run(dry_run=True))
    hold = hold_of(planned, "limit")
    assert "success" == planned.state
    run = many.run(approve=[hold.id])
    assert (12 + 5, ("global",), set()) == (len(run.plan.changes), run.plan.planning_only, marked(many))
    assert {"confirmed": 17} == many.run().counts()


def test_a_schedule_cannot_decide(many):
    hold = hold_of(many.run(), "limit")
    run = many.as_scheduled(many.run(dry_run=True), approve=[hold.id])
    (error,) = run.errors("gather_accounts")
    assert ("failed", ConfigError) == (run.state, type(error))
    assert "is set in a run of type scheduled" in str(error)
    assert "A person decides: trigger a run by hand." in str(error)
    many.run()
    assert set() == marked(many)


def test_memory_is_written_by_complete_runs_only(small):
    memory = InstanceMemory(small.archive.root, "global")
    small.run(dry_run=True)
    assert (None, None) == (memory.newest(), memory.armed())
    small.run(account_ids=[partners(small)[0]])
    assert memory.newest() is None
    assert memory.armed() is not None
    run = small.run()
    assert run.plan is None or memory.newest().order.plan_id == run.record.plan.id
    assert memory.newest().order.made - run.record.plan.order.made == timedelta()

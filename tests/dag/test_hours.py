"""The real DAG hour after hour: what is never concluded, and what is not repeated forever."""

from __future__ import annotations

import os
import stat
from collections import Counter

import pytest

from partner_sync.compare.change_keys import change_keys
from partner_sync.errors import IncompleteReadError, JobPendingError, PermanentError
from partner_sync.sandbox import Sandbox, large_world
from tests.dag.stage import Stage, with_instance
from tests.dag.truths import hold_of, marked, nothing_twice, partners

LISTING = {"system": "zendesk", "path": "/api/v2/organizations"}
UPDATES = {"system": "zendesk", "method": "PUT", "path": "*/update_many"}


def organization_of(stage, account_id):
    every = stage.sandbox.organizations()
    return next(one for one in every if one["organization_fields"]["salesforce_id"] == account_id)


def problems(run):
    """The problems of a run by kind."""
    return {one.kind: one for one in run.record.plan.problems}


def times_planned(runs):
    """Change key to how many runs planned it."""
    return Counter(key for run in runs if run.plan for one in run.plan.changes for key in change_keys(one))


@pytest.fixture
def still(stage):
    """Ten partners and nothing to do."""
    return stage(large_world(accounts=11, organizations=20))


# -- two instances ------------------------------------------------------------------------------------------


@pytest.fixture
def other():
    """The sandbox of a second instance, which holds the same accounts."""
    with Sandbox(world=large_world(accounts=20, organizations=60, marks=12), job_seconds=0.05) as sandbox:
        yield sandbox


@pytest.fixture
def both(stage, other):
    """Two instances with twelve marks each, of the same accounts."""
    world = stage(large_world(accounts=20, organizations=60, marks=12))
    world.config(with_instance("emea"))
    world.connections["zendesk_emea"] = other.connections()["zendesk"]
    return world


def test_an_approval_of_a_hold_of_one_instance_writes_nothing_in_the_other(both, other):
    holds = {hold.instance: hold for hold in both.run().plan.holds}
    assert {"global": 12, "emea": 12} == {name: hold.rows for name, hold in holds.items()}
    run = both.run(approve=[holds["global"].id])
    assert ({"confirmed": 12}, {"global"}) == (run.counts(), {row.instance for row in run.verdicts})
    assert {one.organization_id for one in holds["global"].changes} == marked(both)
    assert [] == other.writes()
    assert holds["emea"].id == hold_of(run, "limit").id


def test_an_instance_that_cannot_be_read_fails_its_own_part_only(both, other):
    for account_id in partners(both)[:2]:
        both.sandbox.put_account(Id=account_id, Account_Owner_Calc__c="New Owner")
    other.fault("forbidden", **LISTING, times=None)
    run = both.run()
    assert ("failed", "failed", 1) == (run.state, run.tasks["instances"], run.tries["instances"])
    assert {"confirmed": 2} == run.counts()
    (error,) = [error for error in run.errors("sync") if type(error) is PermanentError]
    assert "emea" in str(error)
    assert [] == other.writes()
    other.remove_faults()
    after = both.run()
    assert {"confirmed": 2} == after.counts()
    assert {"emea"} == {row.instance for row in after.verdicts}


# -- nothing is concluded from absence ----------------------------------------------------------------------


def test_an_id_that_lost_its_case_is_a_problem_in_every_run_and_no_mark_and_no_create(still):
    account_id = partners(still)[0]
    number = organization_of(still, account_id)["id"]
    lost = account_id[:15].swapcase()
    still.sandbox.edit(number, external_id=None, organization_fields={"salesforce_id": lost})
    for _ in range(2):
        run = still.run()
        assert ("success", "skipped") == (run.state, run.tasks["sync"])
        problem = problems(run)["malformed_id"]
        assert (number,) == problem.organization_ids
        assert lost in problem.detail
        assert account_id in problem.detail
    assert ([], set()) == (still.writes(), marked(still))


def test_a_listing_that_misses_an_organization_of_the_last_one_fails_and_the_next_comes_right(still):
    still.run()
    fault = still.sandbox.fault("short_read", drop=1, end=True, times=None, **LISTING)
    run = still.run(full_read=True)
    assert ("failed", {IncompleteReadError}) == (
        run.state,
        {type(error) for error in run.errors("gather_organizations")},
    )
    assert all("did not list organization" in str(error) for error in run.errors("gather_organizations"))
    still.sandbox.remove_faults(fault)
    assert ("success", []) == (still.run().state, still.submits())


def test_an_organization_that_went_and_one_that_came_since_the_last_listing_are_no_error(still):
    still.run()
    gone = next(one for one in still.sandbox.organizations() if not one["organization_fields"]["salesforce_id"])
    still.sandbox.delete_organization(gone["id"])
    still.sandbox.add_organizations([{"name": "Somebody New"}])
    run = still.run()
    assert ("success", "skipped") == (run.state, run.tasks["sync"])
    assert 1 == run.record.plan.reads[1].gone


# -- what never sticks --------------------------------------------------------------------------------------


def test_a_value_that_zendesk_normalizes_is_written_three_times_and_then_rests_with_a_problem(still):
    account_id = partners(still)[0]
    number = organization_of(still, account_id)["id"]
    still.sandbox.fault("normalize", path="*_many", times=None)
    still.sandbox.put_account(Id=account_id, Account_Owner_Calc__c="Anna  Maria   Ortiz")
    runs = [still.run() for _ in range(6)]
    assert [1, 3] == sorted(times_planned(runs).values())  # the first time, there was another value before it
    assert ["success", "success"] == [run.state for run in runs[4:]]
    resting = problems(runs[-1])["resting"]
    assert ((account_id,), (number,)) == (resting.account_ids, resting.organization_ids)
    assert "Anna  Maria   Ortiz" in resting.detail
    assert [] == still.open_jobs()
    still.sandbox.put_account(Id=account_id, Account_Owner_Calc__c="Anna Ortiz")
    assert {"confirmed": 1} == still.run().counts()


def test_two_deployments_that_undo_each_other_both_come_to_rest(still):
    folder = still.folder / "second"
    folder.mkdir()
    second = Stage(still.sandbox, folder)
    owner, manager = '"Account_Owner_Calc__c"', '"Technical_Account_Manager_Name__c"'
    second.config(lambda text: text.replace(f'"account_owner"\nfrom = {owner}', f'"account_owner"\nfrom = {manager}'))
    runs = {one: [] for one in ("first", "second")}
    for _ in range(5):
        runs["first"].append(still.run())
        runs["second"].append(second.run())
    for several in runs.values():
        planned = times_planned(several)
        assert planned
        assert 3 >= max(planned.values())
        assert {"success"} == {run.state for run in several}
    resting = problems(runs["first"][-1]).get("resting") or problems(runs["second"][-1])["resting"]
    assert "account_owner" in resting.detail


# -- what is left behind ------------------------------------------------------------------------------------


def test_rows_of_a_task_that_is_gone_for_good_get_their_verdicts_from_the_next_run(still):
    first, second = partners(still)[:2]
    still.config(lambda text: text.replace("job_minutes = 0.1", "job_minutes = 0.01"))
    still.sandbox.fault("never_ends", **UPDATES)
    still.sandbox.put_account(Id=first, Account_Owner_Calc__c="New Owner")
    run = still.run()
    assert {JobPendingError} == {type(error) for error in run.errors("sync")}
    for path in still.archive.root.glob("runs/*/*/*/verdicts/*"):
        path.unlink()  # a process that is killed reports nothing
    still.calm()
    still.sandbox.put_account(Id=second, Account_Owner_Calc__c="New Owner")
    following = still.run()
    assert ("success", {"confirmed": 1}) == (following.state, following.counts())
    settled = still.look_at(run.dag_run.logical_date, [])
    assert [(first, "confirmed", True)] == [(row.account_id, row.verdict, row.written) for row in settled.verdicts]
    assert [] == still.open_jobs()
    nothing_twice(still)


def test_a_green_task_that_is_cleared_keeps_what_it_wrote(small):
    run = small.run()
    cleared = small.clear(run, ("sync", 0), ("sync", 1), ("sync", 2))
    assert "success" == cleared.state
    said = [{(row.account_id, row.verdict, row.written, row.job_id) for row in one.verdicts} for one in (run, cleared)]
    assert said[0] == said[1]
    assert {True} == {written for _, _, written, _ in said[1]}
    assert 6 == len(small.writes())


def test_foreign_files_beside_the_latest_plan_change_nothing(small):
    small.run()
    folder = small.archive.root / "instances" / "global" / "latest"
    (name,) = [path.name for path in folder.iterdir()]
    foreign = {"desktop.ini", "~zzz.json", name.replace(".json", " (conflicted copy).json")}
    for one in foreign:
        (folder / one).write_text("not ours")
    account_id = partners(small)[0]
    for owner in ("New Owner", "Newer Owner"):
        small.sandbox.put_account(Id=account_id, Account_Owner_Calc__c=owner)
        assert ("success", {"confirmed": 1}) == ((run := small.run()).state, run.counts())
    assert foreign < {path.name for path in folder.iterdir()}
    assert run.record.plan.id == small.archive.latest("global").plan_id


def test_what_a_run_archives_is_for_the_owner_only(small):
    before = os.umask(0o022)
    try:
        small.run()
    finally:
        os.umask(before)
    found = {True: set(), False: set()}
    for path in (small.archive.root, *small.archive.root.rglob("*")):
        found[path.is_dir()].add(stat.S_IMODE(path.stat().st_mode))
    assert {True: {0o700}, False: {0o600}} == found


def test_a_salesforce_session_that_ends_between_two_pages_costs_no_try(stage):
    world = stage(large_world(accounts=11, organizations=20, updates=2), salesforce_page_size=4)
    body = '[{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]'
    answer = {"status": 400, "body": body, "content_type": "application/json"}
    world.sandbox.fault("status", system="salesforce", path="*/query/?*", **answer)
    run = world.run()
    assert ("success", [], {"confirmed": 2}) == (run.state, run.failures, run.counts())
    assert 1 == world.sandbox.faults()[0]["hits"]

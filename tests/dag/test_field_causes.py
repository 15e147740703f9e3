"""The real DAG over several runs: each change says what happened since the run before it."""

from __future__ import annotations

import pytest

from partner_sync.sandbox import large_world
from tests.dag.truths import partners
from tests.replays import replayed


@pytest.fixture
def quiet(stage):
    """Ten partners that are in sync, after a run."""
    world = stage(large_world(accounts=11, organizations=20))
    world.run()
    return world


def organization_of(stage, account):
    every = stage.sandbox.organizations()
    return next(one["id"] for one in every if one["organization_fields"]["salesforce_id"] == account)


def causes(run):
    """Account to the cause of its owner, or of its only field."""
    changes = (*run.plan.changes, *run.plan.withheld_changes) if run.plan else ()
    return {
        change.account_id: next(one.cause for one in change.fields if one.field == "account_owner" or one.after is True)
        for change in changes
    }


def edit(stage, account, owner):
    stage.sandbox.edit(organization_of(stage, account), organization_fields={"account_owner": owner})


def test_who_changed_a_field_since_the_last_run(quiet):
    moved, edited, both = partners(quiet)[:3]
    for account in (moved, both):
        quiet.sandbox.put_account(Id=account, Account_Owner_Calc__c="New Owner")
    for account in (edited, both):
        edit(quiet, account, "Somebody")
    run = quiet.run()
    assert {moved: "salesforce", edited: "zendesk", both: "both"} == causes(run)
    replayed(quiet.archive, run.dag_run.run_id)


def test_what_is_set_back_after_a_write_and_what_is_edited_after_it(quiet):
    back, edited = partners(quiet)[:2]
    for account in (back, edited):
        edit(quiet, account, "Before")
        quiet.sandbox.put_account(Id=account, Account_Owner_Calc__c="New Owner")
    assert {back: "both", edited: "both"} == causes(quiet.run())
    edit(quiet, back, "Before")
    edit(quiet, edited, "Somebody else")
    assert {back: "set_back", edited: "zendesk"} == causes(quiet.run())
    assert {} == causes(quiet.run())


def test_a_mark_that_waits_for_tickets_keeps_its_cause(quiet):
    account = partners(quiet)[0]
    quiet.sandbox.put_tickets(organization_of(quiet, account), open=1)
    quiet.sandbox.delete_account(account)
    for _ in range(2):
        assert {account: "salesforce"} == causes(quiet.run())


def test_the_first_run_of_an_archive_knows_no_cause(stage):
    world = stage(large_world(accounts=11, organizations=20, updates=2))
    assert {None} == set(causes(world.run()).values())


def test_changed_rules_are_a_cause(quiet):
    quiet.config(lambda text: text.replace('"Account_Owner_Calc__c"', '"Technical_Account_Manager_Name__c"'))
    assert {"rules"} == set(causes(quiet.run()).values())

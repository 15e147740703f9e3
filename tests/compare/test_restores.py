"""Undo: what a run wrote goes back to the value before, as long as Salesforce still wants what that run wrote."""

from __future__ import annotations

from dataclasses import replace

import pytest

from partner_sync.config.limits import Limit
from partner_sync.config.params import Options
from partner_sync.model import NotRestoredReason, Plan
from tests.compare.builders import an_account, an_organization, changed, kinds
from tests.compare.runs import HERE, Runs, held, limited

NEW = an_account(HERE, Account_Owner_Calc__c="B", Support_Hold__c=True)


def undone(rows: list[dict[str, object]] | None = None) -> Runs:
    """A run wrote two fields, and a person undoes it."""
    runs = Runs(rows=rows or [NEW])
    plan = runs.run()
    runs.apply(plan)
    runs.undo(plan)
    return runs


def why(plan: Plan) -> set[tuple[str, NotRestoredReason]]:
    return {(one.field, one.why) for one in plan.not_restored}


def owner(runs: Runs) -> object:
    return (runs.organizations[0].fields or {})["account_owner"]


def test_every_field_goes_back_with_its_decision_and_stays_there() -> None:
    runs = undone()
    plan = runs.run()
    [change] = plan.changes
    assert changed(change) == {"account_owner": ("B", "A. Ortiz"), "support_hold": (True, False)}
    assert plan.restores == {0: {"account_owner": "d0", "support_hold": "d0"}}
    assert (change.reason, plan.counts["restored"]) == ("undone", 1)
    assert [(one.id, one.does, one.rows, one.of) for one in plan.decisions] == [("d0", "restore", 1, 2)]
    runs.apply(plan)
    for _ in range(3):
        assert (runs.run().changes, owner(runs)) == ((), "A. Ortiz")


def test_a_field_ends_by_itself_when_salesforce_wants_something_else_and_does_not_come_back() -> None:
    runs = undone()
    runs.apply(runs.run())
    runs.rows = [an_account(HERE, Account_Owner_Calc__c="C", Support_Hold__c=True)]
    plan = runs.run()
    assert [changed(one) for one in plan.changes] == [{"account_owner": ("A. Ortiz", "C")}]
    assert (plan.restores, why(plan)) == ({}, {("account_owner", "unwanted")})
    runs.apply(plan)
    runs.rows = [NEW]
    assert [changed(one) for one in runs.run().changes] == [{"account_owner": ("C", "B")}]


def test_a_field_that_somebody_else_changed_is_left_alone_and_listed() -> None:
    runs = undone()
    runs.organizations[0] = an_organization(HERE, account_owner="Someone", support_hold=True)
    plan = runs.run()
    assert [changed(one) for one in plan.changes] == [{"support_hold": (True, False)}]
    assert [(one.field, one.before, one.wrote, one.now, one.why) for one in plan.not_restored] == [
        ("account_owner", "A. Ortiz", "B", "Someone", "changed")
    ]


def test_withdrawing_an_undo_writes_what_salesforce_wants_again() -> None:
    runs = undone()
    runs.apply(runs.run())
    runs.withdraw(runs.decisions[0])
    assert [changed(one) for one in runs.run().changes] == [
        {"account_owner": ("A. Ortiz", "B"), "support_hold": (False, True)}
    ]


def test_an_undo_ends_after_thirty_days() -> None:
    runs = undone()
    runs.apply(runs.run())
    assert runs.run(hours=24 * 29).changes == ()
    assert len(runs.run(hours=24).changes) == 1


def test_a_snapshot_from_before_the_undo_does_not_end_it() -> None:
    runs = undone()
    runs.rows = [an_account(HERE, Account_Owner_Calc__c="C", Support_Hold__c=True)]
    runs.decisions = [replace(runs.decisions[0], at=runs.now)]
    runs.begun = runs.now
    assert why(runs.run()) == set()
    assert runs.ended == []


def test_of_two_undone_runs_the_newer_one_counts() -> None:
    runs = Runs(rows=[NEW])
    first = runs.run()
    runs.apply(first)
    runs.rows = [an_account(HERE, Account_Owner_Calc__c="C", Support_Hold__c=True)]
    second = runs.run()
    runs.apply(second)
    runs.undo(first)
    runs.undo(second)
    plan = runs.run()
    assert [changed(one)["account_owner"] for one in plan.changes] == [("C", "B")]
    assert plan.restores[0]["account_owner"] == "d1"
    assert ("account_owner", "unwanted") in why(plan)


def test_an_undone_field_goes_back_past_every_limit() -> None:
    runs = undone()
    runs.config = limited(update=Limit(max_count=0), emptied=Limit(max_count=0))
    plan = runs.run()
    assert (len(plan.changes), held(plan)) == (1, [])


def test_a_row_with_another_change_is_held_for_that_as_ever() -> None:
    runs = undone()
    runs.config = limited(update=Limit(max_count=0))
    runs.rows = [{**NEW, "Technical_Account_Manager_Name__c": "Z"}]
    assert held(runs.run()) == [("update", "limit", 1)]


def test_a_name_goes_back_unless_it_is_in_use_by_now() -> None:
    runs = undone([an_account(HERE, Name="Renamed")])
    assert [changed(one) for one in runs.run().changes] == [{"name": ("Renamed", "Partner 1")}]
    runs.rows.append(an_account(2, Name="Partner 1"))
    runs.organizations.append(an_organization(2, name="Partner 1"))
    plan = runs.run()
    assert (plan.changes, plan.restores) == ((), {})
    assert ("name", "name_in_use") in why(plan)


def test_a_name_that_somebody_else_changed_is_left_alone() -> None:
    runs = undone([an_account(HERE, Name="Renamed")])
    runs.organizations[0] = replace(runs.organizations[0], name="Somebody's")
    plan = runs.run()
    assert (plan.changes, why(plan), kinds(plan)) == ((), {("name", "changed")}, [])


def test_fields_that_name_the_account_are_never_restored_and_listed_once() -> None:
    runs = Runs()
    runs.organizations[0] = an_organization(HERE, salesforce_id=None, account_owner="Old")
    plan = runs.run()
    assert "salesforce_id" in changed(plan.changes[0])
    runs.apply(plan)
    runs.undo(plan)
    following = runs.run()
    assert [changed(one) for one in following.changes] == [{"account_owner": ("A. Ortiz", "Old")}]
    assert why(following) == {("salesforce_id", "identity")}
    assert why(runs.run()) == set()


# -- marks --------------------------------------------------------------------------------------------------


def unmarking() -> Runs:
    runs = Runs([2])
    plan = runs.run()
    runs.apply(plan)
    runs.undo(plan)
    return runs


def test_a_mark_goes_back_and_the_organization_is_not_marked_again() -> None:
    runs = unmarking()
    plan = runs.run()
    assert [(one.kind, one.organization_id, changed(one)) for one in plan.changes] == [
        ("update", 102, {"mark_for_deletion": (True, False)})
    ]
    assert plan.restores == {0: {"mark_for_deletion": "d0"}}
    assert (plan.counts["unmarked"], plan.counts["mark_undone"]) == (0, 1)
    runs.apply(plan)
    for _ in range(3):
        assert runs.run().changes == ()


def test_an_organization_is_not_marked_by_undoing_the_run_that_removed_its_mark() -> None:
    runs = Runs(rows=[NEW])
    runs.organizations[0] = an_organization(HERE, mark_for_deletion=True)
    plan = runs.run()
    assert (True, False) == changed(plan.changes[0])["mark_for_deletion"]
    runs.apply(plan)
    runs.undo(plan)
    back = runs.run()
    assert "mark_for_deletion" not in changed(back.changes[0])
    assert ("mark_for_deletion", "mark") in why(back)


def test_an_undone_mark_ends_when_the_account_is_back_and_is_planned_anew_when_it_leaves_again() -> None:
    runs = unmarking()
    runs.apply(runs.run())
    runs.rows.append(an_account(2))
    assert why(runs.run()) == {("mark_for_deletion", "unwanted")}
    runs.rows.pop()
    assert [one.kind for one in runs.run().changes] == ["mark"]


def test_a_mark_that_is_undone_and_withdrawn_is_planned_again() -> None:
    runs = unmarking()
    runs.apply(runs.run())
    runs.withdraw(runs.decisions[0])
    assert [one.kind for one in runs.run().changes] == ["mark"]


# -- what is not there --------------------------------------------------------------------------------------


@pytest.mark.parametrize("gone", ["account", "organization"])
def test_rows_that_no_longer_exist_are_listed_and_nothing_is_lost(gone: str) -> None:
    runs = undone()
    rows, organizations = runs.rows, runs.organizations
    if gone == "account":
        runs.rows = [an_account(2)]
    else:
        runs.organizations = []
    plan = runs.run()
    assert why(plan) == {("account_owner", f"no_{gone}"), ("support_hold", f"no_{gone}")}
    assert plan.restores == {}
    runs.rows, runs.organizations = rows, organizations
    assert [changed(one)["account_owner"] for one in runs.run().changes] == [("B", "A. Ortiz")]


def test_what_an_undo_wrote_is_not_undone_but_withdrawn() -> None:
    runs = undone()
    plan = runs.run()
    runs.apply(plan)
    assert runs.undo(plan).fields == ()


def test_a_narrowed_run_ends_no_undo() -> None:
    runs = undone()
    runs.rows = [an_account(HERE, Account_Owner_Calc__c="C")]
    runs.run(options=Options(account_ids=(str(NEW["Account_ID_18__c"]),)))
    assert runs.ended == []

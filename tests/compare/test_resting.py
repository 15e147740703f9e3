"""Values that Zendesk does not keep rest: they are tried again after an hour, after six more, and then once a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from partner_sync.compare.change_keys import change_keys
from partner_sync.config.limits import Resting
from partner_sync.model import Plan
from tests.compare.builders import CONFIG, an_account, an_organization, changed, kinds
from tests.compare.runs import Runs

OWNER = an_account(1, Account_Owner_Calc__c="B")


def run(runs: Runs, *, hours: float = 1) -> Plan:
    """A run whose changes all come to a result, and none of them stays."""
    plan = runs.run(hours=hours)
    runs.written = frozenset(key for change in plan.changes for key in change_keys(change))
    return plan


def test_a_value_that_did_not_stay_three_times_in_a_row_rests() -> None:
    runs = Runs(rows=[OWNER])
    assert [len(run(runs).changes) for _ in range(4)] == [1, 1, 1, 0]


def test_a_resting_value_is_a_problem_with_both_values_and_since_when() -> None:
    runs = Runs(rows=[OWNER])
    plan = [run(runs) for _ in range(4)][-1]
    assert (kinds(plan), plan.changes, plan.holds) == (["resting"], (), ())
    assert plan.problems[0].detail == (
        "Organization 101 does not keep what is written, since 2026-11-24 04:02 UTC: account_owner: 'A. Ortiz' -> 'B'."
    )


def test_a_resting_value_is_tried_after_one_hour_after_six_more_and_then_once_a_day() -> None:
    runs = Runs(rows=[OWNER])
    tried = [at for at in range(80) if run(runs).changes]
    # a try is followed by the run that finds it undone: from there on the wait counts
    assert tried == [0, 1, 2, 4, 11, 36, 61]


def test_a_run_that_begins_some_minutes_early_tries_as_well() -> None:
    runs = Runs(rows=[OWNER])
    for _ in range(4):
        run(runs)
    assert len(run(runs, hours=0.93).changes) == 1


def test_one_success_ends_it() -> None:
    runs = Runs(rows=[OWNER])
    for _ in range(5):
        plan = run(runs)
    runs.organizations[0] = an_organization(1, account_owner="B")
    assert (len(plan.changes), len(run(runs).changes)) == (1, 0)
    runs.organizations[0] = an_organization(1)
    assert [len(run(runs).changes) for _ in range(4)] == [1, 1, 1, 0]


def test_a_change_of_either_value_releases_it() -> None:
    for rows, organization in (
        ([an_account(1, Account_Owner_Calc__c="C")], an_organization(1)),
        ([OWNER], an_organization(1, account_owner="D")),
    ):
        runs = Runs(rows=[OWNER])
        for _ in range(4):
            run(runs)
        runs.rows, runs.organizations[0] = rows, organization
        assert len(run(runs).changes) == 1


def test_a_write_that_came_to_no_result_does_not_count() -> None:
    runs = Runs(rows=[OWNER])
    assert [len(runs.run().changes) for _ in range(5)] == [1] * 5


def test_the_other_fields_of_a_row_are_written_and_only_the_value_rests() -> None:
    runs = Runs(rows=[OWNER])
    for _ in range(4):
        run(runs)
    runs.rows = [{**OWNER, "Support_Hold__c": True}]
    plan = run(runs, hours=0.1)
    assert [changed(one) for one in plan.changes] == [{"support_hold": (False, True)}]
    assert kinds(plan) == ["resting"]


def test_a_create_rests_as_a_whole() -> None:
    runs = Runs(rows=[an_account(1), an_account(2)])
    assert [len(run(runs).changes) for _ in range(4)] == [1, 1, 1, 0]
    runs.rows[1] = an_account(2, Name="Renamed")
    assert len(run(runs, hours=0.1).changes) == 0


def test_a_mark_that_somebody_takes_back_rests() -> None:
    runs = Runs([2])
    assert [len(run(runs).changes) for _ in range(4)] == [1, 1, 1, 0]


def test_how_often_is_a_setting() -> None:
    runs = Runs(rows=[OWNER])
    runs.config = replace(CONFIG, resting=Resting(after=1))
    assert [len(run(runs).changes) for _ in range(2)] == [1, 0]


def resting(runs: Runs) -> Runs:
    for _ in range(4):
        run(runs)
    return runs


def test_a_row_that_rests_is_named_by_its_problem_and_a_withdrawal_lets_it_be_written_from_the_beginning() -> None:
    runs = Runs(rows=[OWNER])
    plan = [run(runs) for _ in range(4)][-1]
    assert runs.memory is not None
    [streak] = runs.memory.streaks
    assert (streak.row, streak.field, streak.before, streak.after) == (
        plan.problems[0].id,
        "account_owner",
        "A. Ortiz",
        "B",
    )
    runs.released = {streak.row: runs.now}
    assert [len(run(runs, hours=0.2).changes) for _ in range(4)] == [1, 1, 1, 0]


def test_a_resting_value_that_is_acknowledged_stays_so_while_it_is_tried_once_more() -> None:
    runs = Runs(rows=[OWNER])
    plan = [run(runs) for _ in range(4)][-1]
    decision = runs.acknowledge(plan.problems[0])
    tried, later = run(runs), run(runs)
    assert (len(tried.changes), [one.acknowledged for one in later.problems]) == (1, [decision.id])
    run(runs, hours=6)
    runs.organizations[0] = an_organization(1, account_owner="B")
    run(runs)
    assert [decision.id] == [one.decision for one in runs.ended]


def test_a_withdrawal_of_another_row_or_of_an_earlier_time_releases_nothing() -> None:
    runs = resting(Runs(rows=[OWNER]))
    assert runs.memory is not None
    [streak] = runs.memory.streaks
    for released in ({"another": runs.now}, {streak.row: streak.last - timedelta(hours=1)}):
        runs.released = released
        assert run(runs, hours=0.1).changes == ()


def test_a_changed_definition_in_zendesk_releases_it() -> None:
    runs = Runs(rows=[OWNER], definitions={"account_owner": "text, any"})
    resting(runs)
    runs.definitions = {"account_owner": "text, any", "support_level": "another field"}
    assert run(runs, hours=0.1).changes == ()
    runs.definitions = {"account_owner": "text, letters"}
    assert len(run(runs, hours=0.1).changes) == 1


def test_a_changed_rule_of_the_field_releases_it_and_one_of_another_field_does_not() -> None:
    runs = resting(Runs(rows=[OWNER]))
    for field, released in (("support_hold", 0), ("account_owner", 1)):
        runs.config = replace(
            CONFIG,
            attributes=tuple(
                replace(one, source="Another__c") if one.field == field else one for one in CONFIG.attributes
            ),
        )
        runs.rows = [{**OWNER, "Another__c": OWNER["Account_Owner_Calc__c"] if released else False}]
        assert len(run(runs, hours=0.1).changes) == released

"""Rows that people leave as they are: neither written nor held nor red, until nothing wants them any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from partner_sync.compare.evidence import AccountLookup
from partner_sync.config.limits import Limit
from partner_sync.config.params import Options
from tests.compare.builders import CONFIG, an_account, an_id, an_organization, changed
from tests.compare.runs import HERE, Runs, held, limited, written

SEVEN = range(2, 9)
FOUR = limited(mark=Limit(max_count=4))
NO_UPDATES = limited(update=Limit(max_count=0))
MARKS = [("mark", 100 + number) for number in SEVEN]


def left(runs: Runs, **more: object) -> list[int | None]:
    """The organizations that the next run leaves."""
    return [one.change.organization_id for one in runs.run(**more).left]  # type: ignore[arg-type]


def test_rows_that_are_left_are_not_written_and_not_on_hold_and_their_case_closes() -> None:
    runs = Runs(SEVEN, FOUR)
    first = runs.run()
    assert (held(first), first.elements) == ([("mark", "limit", 7)], ("withheld",))
    decision = runs.leave(first.holds[0])
    plan = runs.run()
    assert (plan.changes, plan.holds, plan.elements) == ((), (), ())
    assert [(one.change.organization_id, one.decisions) for one in plan.left] == [
        (100 + number, (decision.id,)) for number in SEVEN
    ]
    assert (plan.counts["left"], plan.counts["withheld"]) == (7, 0)
    assert [(one.id, one.does, one.rows, one.of) for one in plan.decisions] == [(decision.id, "leave", 7, 7)]
    assert runs.memory is not None
    assert runs.memory.cases == ()


def test_some_rows_are_left_and_the_others_stay_on_hold_although_they_are_few() -> None:
    runs = Runs(SEVEN, FOUR)
    runs.leave(runs.run().holds[0], [an_id(number) for number in range(2, 7)])
    plan = runs.run()
    assert (held(plan), len(plan.left)) == ([("mark", "limit", 2)], 5)


def test_rows_that_are_left_count_for_no_limit() -> None:
    runs = Runs(SEVEN, FOUR)
    runs.leave(runs.run().holds[0])
    newer = [an_organization(number) for number in range(11, 15)]
    runs.organizations += newer
    assert written(runs.run()) == [("mark", one.id) for one in newer]


def test_a_leave_that_is_withdrawn_puts_its_rows_on_hold_again_although_they_are_few() -> None:
    runs = Runs(SEVEN, FOUR)
    decision = runs.leave(runs.run().holds[0], [an_id(2)])
    runs.run()
    runs.withdraw(decision)
    assert held(runs.run()) == [("mark", "limit", 7)]


@pytest.mark.parametrize("back", [an_account(2), an_account(2, Account_Owner_Calc__c="New")])
def test_a_leave_of_a_mark_ends_when_the_account_is_back(back: dict[str, object]) -> None:
    runs = Runs([2], limited(mark=Limit(max_count=0)))
    runs.leave(runs.run().holds[0])
    assert left(runs) == [102]
    runs.rows.append(back)
    assert left(runs) == []
    runs.rows.pop()
    plan = runs.run()
    assert (held(plan), plan.left) == ([("mark", "limit", 1)], ())


def test_a_leave_of_a_mark_that_only_waits_for_evidence_does_not_end() -> None:
    runs = Runs([2], limited(mark=Limit(max_count=0)))
    runs.leave(runs.run().holds[0])
    answers, runs.look_up = runs.look_up, lambda ids: AccountLookup()
    assert left(runs) == []
    runs.look_up = answers
    assert left(runs) == [102]


def test_a_leave_ends_when_the_value_changes_and_the_row_is_judged_anew() -> None:
    runs = Runs(config=NO_UPDATES, rows=[an_account(HERE, Account_Owner_Calc__c="B")])
    runs.leave(runs.run().holds[0])
    assert left(runs) == [101]
    runs.rows = [an_account(HERE, Account_Owner_Calc__c="C")]
    assert (held(runs.run()), runs.ended[0].decision) == ([("update", "limit", 1)], "d0")
    runs.rows = [an_account(HERE, Account_Owner_Calc__c="B")]
    assert held(runs.run()) == [("update", "limit", 1)]


def test_the_other_fields_of_a_row_are_written() -> None:
    runs = Runs(config=NO_UPDATES, rows=[an_account(HERE, Account_Owner_Calc__c="B")])
    runs.leave(runs.run().holds[0])
    runs.config = CONFIG
    runs.rows = [an_account(HERE, Account_Owner_Calc__c="B", Support_Hold__c=True)]
    plan = runs.run()
    assert [changed(one) for one in plan.changes] == [{"support_hold": (False, True)}]
    assert [changed(one.change) for one in plan.left] == [{"account_owner": ("A. Ortiz", "B")}]


def test_a_leave_does_not_end_while_a_problem_keeps_its_row_from_being_compared() -> None:
    runs = Runs(config=NO_UPDATES, rows=[an_account(HERE, Account_Owner_Calc__c="B")])
    runs.leave(runs.run().holds[0])
    runs.rows = [an_account(HERE, Account_Owner_Calc__c="B", Partner_Track__c="unknown")]
    assert left(runs) == []
    runs.rows = [an_account(HERE, Account_Owner_Calc__c="B")]
    assert left(runs) == [101]


def test_a_create_is_left_until_its_account_wants_something_else() -> None:
    runs = Runs(config=limited(create=Limit(max_count=0)), rows=[an_account(HERE), an_account(2)])
    runs.leave(runs.run().holds[0])
    assert [one.change.account_id for one in runs.run().left] == [an_id(2)]
    runs.rows[1] = an_account(2, Account_Owner_Calc__c="B")
    assert held(runs.run()) == [("create", "limit", 1)]


def test_a_leave_of_a_create_does_not_end_because_its_account_is_not_listed() -> None:
    runs = Runs(config=limited(create=Limit(max_count=0)), rows=[an_account(HERE), an_account(2)])
    runs.leave(runs.run().holds[0])
    gone = runs.rows.pop()
    runs.run()
    runs.rows.append(gone)
    assert [one.change.account_id for one in runs.run().left] == [an_id(2)]


def test_a_narrowed_run_ends_no_leave_and_knows_it() -> None:
    runs = Runs(SEVEN, FOUR)
    runs.leave(runs.run().holds[0])
    assert len(left(runs, options=Options(account_ids=(an_id(HERE),)))) == 7
    assert runs.ended == []


def test_a_rows_newest_decision_wins_and_a_leave_ends_approvals_for_good() -> None:
    runs = Runs(SEVEN, FOUR)
    hold = runs.run().holds[0]
    runs.approve(hold)
    leave = runs.leave(hold)
    assert len(left(runs)) == 7
    runs.withdraw(leave)
    assert held(runs.run()) == [("mark", "limit", 7)]
    runs.leave(hold)
    runs.approve(hold)
    assert written(runs.run()) == MARKS
    assert {key for one in runs.ended for key in one.keys} == {key for one in leave.rows for key in one.keys}


def test_an_older_snapshot_ends_no_leave() -> None:
    runs = Runs([2], limited(mark=Limit(max_count=0)))
    decision = runs.leave(runs.run().holds[0])
    runs.decisions = [replace(decision, at=runs.now)]
    runs.rows.append(an_account(2))
    runs.run()
    assert [one.decision for one in runs.ended] == ["d0"]
    runs.ended, runs.decisions = [], [replace(decision, at=runs.now)]
    runs.begun = runs.now
    runs.run()
    assert runs.ended == []


# -- problems -----------------------------------------------------------------------------------------------


def test_a_problem_that_is_acknowledged_names_the_decision_and_fails_no_run_until_it_is_solved() -> None:
    runs = Runs(config=replace(CONFIG, problems="fail"), rows=[an_account(HERE, Partner_Track__c="unknown")])
    first = runs.run()
    assert first.elements == ("problems",)
    decision = runs.acknowledge(first.problems[0])
    plan = runs.run()
    assert ([one.acknowledged for one in plan.problems], plan.elements) == ([decision.id], ())
    assert [(one.id, one.rows, one.of) for one in plan.decisions] == [(decision.id, 1, 1)]
    runs.rows = [an_account(HERE)]
    assert runs.run().problems == ()
    runs.rows = [an_account(HERE, Partner_Track__c="unknown")]
    assert runs.run().elements == ("problems",)


def test_the_id_of_a_problem_follows_from_its_kind_and_its_ids() -> None:
    runs = Runs(rows=[an_account(number, Partner_Track__c="unknown") for number in (1, 2)])
    first, again = runs.run().problems, runs.run().problems
    assert [one.id for one in first] == [one.id for one in again]
    assert len({one.id for one in first}) == len(first) == 2

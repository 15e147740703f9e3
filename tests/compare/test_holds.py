"""Holds: rows that are not written, what an approval of them covers, and how long they stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from partner_sync.compare.earlier_runs import EarlierRuns
from partner_sync.compare.evidence import AccountLookup
from partner_sync.compare.tickets import Question, TicketCount, TicketCounts
from partner_sync.config.limits import Approvals, Limit
from partner_sync.config.params import Options
from partner_sync.config.settings import Instance
from tests.compare.builders import (
    BYSTANDER,
    CONFIG,
    accounts,
    all_deleted,
    an_account,
    an_id,
    an_instance,
    an_organization,
    compared,
    no_tickets,
    snapshot,
)
from tests.compare.runs import Runs, held, limited, written

SEVEN = range(2, 9)
FOUR = limited(mark=Limit(max_count=4))
TICKETS = {102: TicketCount(3, 1)}


def no_record(ids: Sequence[str]) -> AccountLookup:
    return AccountLookup(frozenset(ids))


def some_tickets(asked: Sequence[Question]) -> TicketCounts:
    return TicketCounts({one: TICKETS.get(one[1], TicketCount(0, 0)) for one in asked})


def ids(*numbers: int) -> list[str]:
    return [an_id(number) for number in numbers]


# -- what stays on hold -------------------------------------------------------------------------------------


def test_the_same_rows_are_the_same_hold_since_the_first_run() -> None:
    runs = Runs(SEVEN, FOUR)
    first, again = runs.run().holds, runs.run().holds
    assert [one.id for one in first] == [one.id for one in again]
    assert [one.since for one in first] == [one.since for one in again]


def test_a_smaller_count_releases_no_row() -> None:
    runs = Runs(SEVEN, FOUR)
    runs.run()
    runs.rows += [an_account(number) for number in (2, 3, 4, 5)]
    plan = runs.run()
    assert (written(plan), held(plan)) == ([], [("mark", "limit", 3)])
    assert plan.holds[0].limit is None
    assert "an earlier run held them" in plan.holds[0].why


def test_new_rows_below_the_limit_are_written_beside_rows_that_stay_on_hold() -> None:
    runs = Runs(SEVEN, FOUR)
    runs.run()
    runs.rows += [an_account(number) for number in range(3, 9)]
    runs.organizations.append(an_organization(20))
    plan = runs.run()
    assert (written(plan), held(plan)) == ([("mark", 120)], [("mark", "limit", 1)])


def test_a_row_that_nothing_wants_any_more_is_forgotten() -> None:
    runs = Runs(SEVEN, FOUR)
    runs.run()
    runs.rows += [an_account(number) for number in SEVEN]
    assert held(runs.run()) == []
    runs.rows = [an_account(number) for number in range(1, 8)]
    assert written(runs.run()) == [("mark", 108)]


def test_rows_with_another_value_are_other_rows() -> None:
    there = [an_organization(number) for number in range(1, 6)]
    runs = Runs(config=limited(update=Limit(max_count=3)), organizations=there[1:])
    runs.rows = [an_account(number, Account_Owner_Calc__c="B") for number in range(1, 6)]
    runs.run()
    runs.rows = [an_account(1), an_account(2), *(an_account(number, Account_Owner_Calc__c="C") for number in (3, 4, 5))]
    assert written(runs.run()) == [("update", 103), ("update", 104), ("update", 105)]


# -- approvals ----------------------------------------------------------------------------------------------


def test_an_approval_lets_exactly_its_rows_through() -> None:
    runs = Runs(SEVEN, FOUR)
    [hold] = runs.run().holds
    decision = runs.approve(hold)
    runs.organizations += [an_organization(number) for number in range(20, 25)]
    plan = runs.run()
    assert written(plan) == [("mark", 100 + number) for number in SEVEN]
    assert held(plan) == [("mark", "limit", 5)]
    assert plan.approvals == dict.fromkeys(range(7), (decision.id,))


def test_a_part_of_a_hold_can_be_approved_and_the_rest_stays() -> None:
    runs = Runs(SEVEN, FOUR)
    runs.approve(runs.run().holds[0], ids(3, 5))
    plan = runs.run()
    assert (written(plan), held(plan)) == ([("mark", 103), ("mark", 105)], [("mark", "limit", 5)])


def test_a_changed_value_is_not_covered() -> None:
    runs = Runs(config=limited(update=Limit(max_count=0)), rows=[an_account(1, Account_Owner_Calc__c="B")])
    runs.approve(runs.run().holds[0])
    runs.rows = [an_account(1, Account_Owner_Calc__c="C")]
    assert held(runs.run()) == [("update", "limit", 1)]
    runs.rows = [an_account(1, Account_Owner_Calc__c="B", Support_Hold__c=True)]
    assert held(runs.run()) == [("update", "limit", 1)]


def test_an_approval_of_a_number_lifts_no_other_reason() -> None:
    runs = Runs(range(2, 9), FOUR)
    runs.approve(runs.run().holds[0])
    assert runs.memory is not None
    runs.memory, runs.look_up = replace(runs.memory, missing=()), no_record
    assert held(runs.run()) == [("mark", "no_trace", 7)]
    runs.look_up, runs.count_tickets = all_deleted, some_tickets
    plan = runs.run(hours=2)
    assert held(plan) == [("mark", "open_tickets", 1)]
    assert [one.organization_id for one in plan.changes] == [103, 104, 105, 106, 107, 108]


def test_an_approval_without_a_trace_lifts_that_and_the_number() -> None:
    runs = Runs(SEVEN, FOUR, look_up=no_record)
    [hold] = runs.run().holds
    assert (hold.reason, hold.rows) == ("no_trace", 7)
    runs.approve(hold)
    plan = runs.run(hours=0.1)
    assert (len(plan.changes), held(plan)) == (7, [])


def test_an_approval_of_open_tickets_lifts_them() -> None:
    runs = Runs([2, 3], count_tickets=some_tickets)
    [hold] = runs.run().holds
    runs.approve(hold)
    plan = runs.run(hours=0.1)
    assert (written(plan), held(plan)) == ([("mark", 102), ("mark", 103)], [])


@pytest.mark.parametrize(("by", "is_held"), [(("ada",), 7), (("ada", "ada"), 7), (("ada", "bo"), 0)])
def test_two_people_are_two_different_people(by: tuple[str, ...], is_held: int) -> None:
    runs = Runs(SEVEN, replace(FOUR, approvals=Approvals(people=2)))
    [hold] = runs.run().holds
    for one in by:
        runs.approve(hold, by=one)
    plan = runs.run()
    assert sum(one.rows for one in plan.holds) == is_held
    assert all(len(one) == 2 for one in plan.approvals.values())


def test_two_people_must_approve_the_same_row() -> None:
    runs = Runs(SEVEN, replace(FOUR, approvals=Approvals(people=2)))
    [hold] = runs.run().holds
    runs.approve(hold, ids(2, 3), by="ada")
    runs.approve(hold, ids(3, 4), by="bo")
    assert written(runs.run()) == [("mark", 103)]


def test_two_approvals_that_are_not_in_force_together_are_one() -> None:
    runs = Runs(SEVEN, replace(FOUR, approvals=Approvals(people=2)))
    [hold] = runs.run().holds
    runs.approve(hold, by="ada", hours=0.5)
    runs.approve(hold, by="bo")
    assert written(runs.run()) == []


def test_a_row_goes_back_on_hold_when_its_approval_ends_unwritten_although_few_are_left() -> None:
    runs = Runs(SEVEN, FOUR)
    runs.approve(runs.run().holds[0], ids(3, 5), hours=1)
    assert len(runs.run().changes) == 2
    runs.rows += [an_account(number) for number in (2, 4, 6, 7, 8)]
    plan = runs.run()
    assert (written(plan), held(plan)) == ([], [("mark", "limit", 2)])


def test_an_approved_row_that_waits_for_tickets_goes_back_on_hold_when_its_approval_ends() -> None:
    runs = Runs(SEVEN, FOUR, count_tickets=some_tickets)
    runs.approve(runs.run().holds[0], hours=1)
    plan = runs.run()
    assert held(plan) == [("mark", "open_tickets", 1)]
    runs.apply(plan)
    runs.count_tickets = no_tickets
    plan = runs.run(hours=2)
    assert (written(plan), held(plan)) == ([], [("mark", "limit", 1)])
    assert plan.holds[0].opens_case


def test_an_approved_mark_is_looked_up_again_at_once() -> None:
    runs = Runs([2], look_up=no_record)
    runs.approve(runs.run().holds[0])
    runs.look_up = lambda ids: AccountLookup(frozenset(ids), {an_id(2): an_account(2)}, frozenset(ids))
    plan = runs.run(hours=0.1)
    assert (written(plan), held(plan)) == ([], [])


# -- narrowed runs, several instances -----------------------------------------------------------------------


def test_a_run_for_some_accounts_is_judged_as_a_whole_and_narrowed_afterwards() -> None:
    runs = Runs(SEVEN, FOUR, rows=[an_account(1, Support_Hold__c=True)])
    asked = Options(account_ids=tuple(ids(1, 3)))
    plan = runs.run(options=asked)
    assert (written(plan), held(plan)) == ([("update", 101)], [("mark", "limit", 7)])
    runs.run()
    runs.approve(runs.run().holds[0])
    plan = runs.run(options=asked)
    assert (written(plan), held(plan)) == ([("update", 101), ("mark", 103)], [])
    assert plan.approvals == {1: ("d0",)}


def test_holds_of_other_accounts_are_not_shown_in_a_run_for_some_accounts() -> None:
    plan = Runs(SEVEN, FOUR).run(options=Options(account_ids=(an_id(1),)))
    assert (plan.changes, plan.holds, plan.counts["not_asked"]) == ((), (), 7)


TWO = replace(
    CONFIG,
    instances=(Instance("global", "zendesk_default", True), Instance("us_government", "zendesk_us", True)),
    limits={"mark": Limit(max_count=0)},
)
BOTH = snapshot(
    an_instance(an_organization(1), an_organization(2), an_organization(3), BYSTANDER),
    an_instance(an_organization(1), an_organization(2), BYSTANDER, name="us_government"),
)
ROWS = accounts(an_account(1, Support_Hold__c=True))


def test_approvals_stay_with_their_rows_in_batches_of_several_instances() -> None:
    first = compared(TWO, ROWS, BOTH)
    earlier = {}
    for hold, memory in zip(first.plan.holds, first.memories, strict=True):
        runs = Runs()
        runs.approve(hold, ids(2))
        decision = replace(runs.decisions[0], id=f"of {hold.instance}", instance=hold.instance)
        decisions = replace(EarlierRuns().decisions, decisions=(decision,))
        earlier[hold.instance] = EarlierRuns(memory, decisions=decisions)
    found = compared(TWO, ROWS, BOTH, earlier=earlier)
    assert [(one.name, one.approvals) for one in found.batches] == [
        ("global update 1-1", {}),
        ("global mark 1-1", {0: ("of global",)}),
        ("us_government update 1-1", {}),
        ("us_government mark 1-1", {0: ("of us_government",)}),
    ]
    assert found.plan.approvals == {1: ("of global",), 3: ("of us_government",)}
    assert all(found.plan.changes[at].account_id == an_id(2) for at in found.plan.approvals)


def test_an_instance_that_is_not_armed_is_planned_and_in_no_batch() -> None:
    found = compared(TWO, ROWS, BOTH, earlier={"global": EarlierRuns(armed=False)})
    assert found.plan.planning_only == ("global",)
    assert {one.instance for one in found.plan.changes} == {"global", "us_government"}
    assert {one.instance for one in found.batches} == {"us_government"}
    assert [(one.instance, one.opens_case) for one in found.plan.holds] == [("global", False), ("us_government", True)]

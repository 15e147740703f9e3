"""A run is red once for holds that need a decision, not again for the same case."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from partner_sync.compare.evidence import AccountLookup
from partner_sync.compare.tickets import Question, TicketCount, TicketCounts
from partner_sync.config.limits import Limit
from partner_sync.config.params import Options
from partner_sync.model import Plan
from tests.compare.builders import an_account, an_id, an_organization
from tests.compare.runs import Runs, held, limited

SEVEN, FOUR = range(2, 9), limited(mark=Limit(max_count=4))


def no_record(ids: Sequence[str]) -> AccountLookup:
    return AccountLookup(frozenset(ids))


def red(plan: Plan) -> list[bool]:
    return [one.opens_case for one in plan.holds]


def test_the_first_run_with_a_case_is_red_and_later_ones_are_green() -> None:
    runs = Runs(SEVEN, FOUR)
    assert [red(runs.run()) for _ in range(3)] == [[True], [False], [False]]


def test_a_cleared_run_that_was_red_is_red_again() -> None:
    runs = Runs(SEVEN, FOUR)
    runs.run(run_id="a")
    assert red(runs.run(run_id="a")) == [True]
    assert red(runs.run(run_id="b")) == [False]


def test_a_case_is_red_again_when_its_rows_have_doubled() -> None:
    runs = Runs(SEVEN, FOUR)
    runs.run()
    rows = []
    for more in (range(20, 26), [26], range(27, 40), [40]):
        runs.organizations += [an_organization(number) for number in more]
        plan = runs.run()
        rows.append((plan.holds[0].rows, plan.holds[0].opens_case))
    assert rows == [(13, False), (14, True), (27, False), (28, True)]


def test_a_case_that_was_closed_opens_again() -> None:
    runs = Runs(SEVEN, FOUR)
    runs.run()
    runs.rows += [an_account(number) for number in SEVEN]
    assert held(runs.run()) == []
    runs.rows = runs.rows[:1]
    assert red(runs.run()) == [True]


def test_a_run_of_some_accounts_opens_no_case_since_no_later_run_would_know_it() -> None:
    runs = Runs(SEVEN, FOUR)
    assert red(runs.run(options=Options(account_ids=(an_id(2),)))) == [False]
    assert red(runs.run()) == [True]


def test_another_reason_is_another_case() -> None:
    runs = Runs(SEVEN, FOUR)
    runs.run()
    runs.config = limited(mark=Limit(max_percent=100, max_percent_7_days=10))
    runs.memory = None
    runs.run()
    runs.config = FOUR
    plan = runs.run()
    assert (held(plan), red(plan)) == ([("mark", "limit", 7)], [True])


@pytest.mark.parametrize("what", ["dry run", "not armed"])
def test_a_run_that_writes_nothing_opens_no_case(what: str) -> None:
    runs = Runs(SEVEN, FOUR, armed=what != "not armed")
    assert red(runs.run(options=Options(dry_run=True) if what == "dry run" else None)) == [False]
    runs.armed = True
    assert red(runs.run()) == [True]


@pytest.mark.parametrize(("rows", "is_red"), [(4, False), (5, True)])
def test_no_trace_is_a_case_only_above_the_limit_of_marks(rows: int, is_red: bool) -> None:
    runs = Runs(range(2, 2 + rows), FOUR, look_up=no_record)
    plan = runs.run()
    assert (held(plan), red(plan)) == ([("mark", "no_trace", rows)], [is_red])


def test_open_tickets_are_no_case() -> None:
    def tickets(asked: Sequence[Question]) -> TicketCounts:
        return TicketCounts({one: TicketCount(1, 1) for one in asked})

    plan = Runs(SEVEN, limited(mark=Limit(max_count=7)), count_tickets=tickets).run()
    assert (held(plan), red(plan)) == ([("mark", "open_tickets", 7)], [False])


def test_an_approval_that_ends_without_a_write_is_red_and_says_so_once() -> None:
    runs = Runs(SEVEN, FOUR)
    runs.approve(runs.run().holds[0], [an_id(2), an_id(3)], hours=2)
    assert red(runs.run()) == [False]
    assert red(runs.run()) == [False]
    plan = runs.run()
    assert (held(plan), red(plan)) == ([("mark", "limit", 7)], [True])
    assert plan.holds[0].why.endswith(" 2 of them approved, not written.")
    plan = runs.run()
    assert red(plan) == [False]
    assert "approved" not in plan.holds[0].why


def test_a_withdrawn_approval_puts_its_rows_back_on_hold() -> None:
    runs = Runs(SEVEN, FOUR)
    decision = runs.approve(runs.run().holds[0])
    assert held(runs.run()) == []
    runs.withdrawn = frozenset([decision.id])
    assert held(runs.run()) == [("mark", "limit", 7)]


def test_an_approval_without_a_trace_that_ends_unwritten_is_red_until_the_next_run() -> None:
    runs = Runs([2], FOUR, look_up=no_record)
    runs.approve(runs.run().holds[0], hours=1)
    runs.run()
    assert red(runs.run(run_id="a")) == [True]
    assert red(runs.run(run_id="a")) == [True]
    assert red(runs.run(run_id="b")) == [False]

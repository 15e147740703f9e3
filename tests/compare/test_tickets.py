"""Open tickets: the last question before a mark, for at most a hundred organizations of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from partner_sync.compare.tickets import MOST, Question, TicketCount, TicketCounts
from partner_sync.config.limits import Limit
from partner_sync.config.settings import Instance
from tests.compare.builders import (
    BYSTANDER,
    CONFIG,
    accounts,
    an_account,
    an_instance,
    an_organization,
    compared,
    kinds,
    snapshot,
)
from tests.compare.runs import Runs, held, limited, written


class Zendesk:
    """Counts `tickets` for every organization that is asked about; `refuses` is a 403."""

    def __init__(self, tickets: int = 0, *, refuses: bool = False) -> None:
        self.tickets, self.refuses = tickets, refuses
        self.asked: list[list[Question]] = []

    def __call__(self, asked: Sequence[Question]) -> TicketCounts:
        self.asked.append(list(asked))
        if self.refuses:
            return TicketCounts(unreadable=frozenset(name for name, _ in asked))
        return TicketCounts({one: TicketCount(self.tickets, 4) for one in asked})


@pytest.mark.parametrize(
    ("setting", "tickets", "is_written", "shown"),
    [
        ("hold", 2, False, (2, 4)),
        ("hold", 0, True, (0, 4)),
        ("show", 2, True, (2, 4)),
        ("ignore", 2, True, (None, None)),
    ],
)
def test_open_tickets_hold_a_mark_are_shown_or_ignored(
    setting: str, tickets: int, is_written: bool, shown: tuple[int | None, int | None]
) -> None:
    config = replace(CONFIG, marks=replace(CONFIG.marks, open_tickets=setting))
    plan = Runs([2], config, count_tickets=Zendesk(tickets)).run()
    [mark] = [*plan.changes, *plan.withheld_changes]
    assert (len(plan.changes) == 1, (mark.tickets, mark.users)) == (is_written, shown)  # type: ignore[union-attr]


@pytest.mark.parametrize("setting", ["hold", "show"])
def test_marks_wait_while_tickets_cannot_be_counted_and_the_rest_goes_on(setting: str) -> None:
    config = replace(CONFIG, marks=replace(CONFIG.marks, open_tickets=setting))
    runs = Runs([2], config, rows=[an_account(1, Support_Hold__c=True)], count_tickets=Zendesk(refuses=True))
    plan = runs.run()
    assert (written(plan), held(plan)) == ([("update", 101)], [("mark", "open_tickets", 1)])
    assert kinds(plan) == ["tickets_unreadable"]
    assert plan.problems[0].organization_ids == (102,)


def test_a_mark_with_tickets_goes_by_itself_when_they_are_solved() -> None:
    runs = Runs([2], count_tickets=(zendesk := Zendesk(2)))
    assert held(runs.run()) == [("mark", "open_tickets", 1)]
    zendesk.tickets = 0
    assert held(runs.run(hours=0.5)) == [("mark", "open_tickets", 1)]
    assert len(zendesk.asked) == 1
    assert written(runs.run(hours=0.5)) == [("mark", 102)]


def test_only_marks_that_nothing_else_holds_are_asked_about() -> None:
    zendesk = Zendesk()
    Runs(range(2, 9), limited(mark=Limit(max_count=4)), count_tickets=zendesk).run()
    assert zendesk.asked == []


def test_a_hundred_organizations_are_asked_about_and_the_rest_waits_for_its_turn() -> None:
    runs = Runs(range(100, 350), count_tickets=(zendesk := Zendesk(1)))
    everyone = {100 + number for number in range(100, 350)}
    rounds = []
    for _ in range(3):
        plan = runs.run(hours=0.1)
        assert held(plan) == [("mark", "open_tickets", 250)]
        rounds.append({number for _, number in zendesk.asked[-1]})
    assert [len(one) for one in rounds] == [MOST, MOST, 50]
    assert set.union(*rounds) == everyone
    zendesk.asked.clear()
    runs.run(hours=1)
    assert {number for _, number in zendesk.asked[-1]} == rounds[0]


def test_the_hundred_are_of_all_instances_together() -> None:
    config = replace(
        CONFIG,
        instances=(Instance("global", "zendesk_default", True), Instance("us_government", "zendesk_us", True)),
    )
    there = [an_organization(number) for number in range(100, 170)]
    both = snapshot(an_instance(*there, BYSTANDER), an_instance(*there, BYSTANDER, name="us_government"))
    plan = compared(config, accounts(an_account(1)), both, count_tickets=(zendesk := Zendesk())).plan
    [asked] = zendesk.asked
    assert (len(asked), {name for name, _ in asked}) == (MOST, {"global", "us_government"})
    assert (plan.counts["mark"], plan.counts["withheld"]) == (MOST, 40)


def test_marks_that_wait_for_their_turn_count_in_the_limit() -> None:
    runs = Runs(range(100, 350), limited(mark=Limit(max_count=249)), count_tickets=Zendesk())
    assert held(runs.run()) == [("mark", "limit", 250)]

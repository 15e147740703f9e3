"""The oracle over many runs finds what is forged into a record that is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from tests.oracle_of_runs import Approved, Left, Past, PlanSeen, Sent, Undone, row_keys

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PARTNERS = frozenset(range(100))
OWNER = row_keys(7, "account 7", [("owner", "Ann", "Bo")])


def mark(number):
    return row_keys(number, f"account {number}", [("mark", False, True)])


def plan(number, *, at=NOON, **seen):
    return PlanSeen(f"plan {number}", at + number * MINUTE, **{"unmarked": PARTNERS, **seen})


def sent(one, row, **more):
    is_mark = {key.field for key in row} == {"mark"}
    return Sent(one.id, one.made + MINUTE / 2, row, frozenset(key.field for key in row), is_mark, **more)


def approved(reason, *rows, minute=0, hours=24):
    at = NOON + minute * MINUTE
    return Approved(at, at + timedelta(hours=hours), reason, frozenset(rows))


def rules(plans, sent, approved=(), **more):
    return [rule for rule, _ in Past(list(plans), list(approved), list(sent), **more).violations()]


def gone(*numbers, state="deleted"):
    return {f"account {number}": state for number in numbers}


@pytest.mark.parametrize("state", ["deleted", "filtered"])
def test_a_mark_of_an_account_that_is_gone_is_right(state):
    one = plan(1, accounts=gone(7, state=state), wanted=frozenset({mark(7)}))
    assert [] == rules([one], [sent(one, mark(7))])


@pytest.mark.parametrize("state", ["listed", "merged", "unseen"])
def test_a_mark_without_evidence_is_found(state):
    one = plan(1, accounts=gone(7, state=state))
    assert ["no evidence"] == rules([one], [sent(one, mark(7))])


def test_a_mark_of_a_merged_account_is_right_where_the_config_marks_them():
    one = plan(1, accounts=gone(7, state="merged"))
    assert [] == rules([one], [sent(one, mark(7))], merged_marks=True)


def test_a_purged_account_is_evidence_only_if_it_was_seen_deleted_and_not_seen_alive_since():
    deleted, listed, purged = plan(1, accounts=gone(7)), plan(2, accounts=gone(7, state="listed")), plan(3)
    assert [] == rules([deleted, purged], [sent(purged, mark(7))])
    assert ["no evidence"] == rules([deleted, listed, purged], [sent(purged, mark(7))])


def test_an_account_that_was_filtered_out_before_it_was_hidden_is_no_evidence():
    filtered, hidden = plan(1, accounts=gone(7, state="filtered")), plan(2)
    assert ["no evidence"] == rules([filtered, hidden], [sent(hidden, mark(7))])


@pytest.mark.parametrize(("reason", "found"), [("no_trace", []), ("limit", ["no evidence"])])
def test_without_a_trace_only_an_approval_of_that_reason_is_enough(reason, found):
    one = plan(1)
    assert found == rules([one], [sent(one, mark(7))], [approved(reason, mark(7))])


@pytest.mark.parametrize(("reason", "found"), [("open_tickets", []), ("limit", ["open tickets"])])
def test_with_open_tickets_only_an_approval_of_that_reason_is_enough(reason, found):
    one = plan(1, accounts=gone(7), tickets=frozenset({7}))
    assert found == rules([one], [sent(one, mark(7))], [approved(reason, mark(7))])


def test_a_held_row_that_its_own_plan_writes_is_found():
    one = plan(1, accounts=gone(7), wanted=frozenset({mark(7)}), held={mark(7): "open_tickets"})
    assert ["held"] == rules([one], [sent(one, mark(7))])


HELD = plan(1, wanted=frozenset({OWNER}), held={OWNER: "limit"})
LATER = plan(3, wanted=frozenset({OWNER}))


def test_a_row_stays_held_until_a_plan_does_not_want_it():
    assert ["held"] == rules([HELD, LATER], [sent(LATER, OWNER)])
    assert [] == rules([HELD, plan(2), LATER], [sent(LATER, OWNER)])


def test_an_approval_of_a_held_row_is_right():
    assert [] == rules([HELD, LATER], [sent(LATER, OWNER)], [approved("limit", OWNER, minute=2)])


@pytest.mark.parametrize(
    "wrong",
    [
        approved("limit", mark(7), minute=2),
        approved("limit", row_keys(7, "account 7", [("owner", "Ann", "Cy")]), minute=2),
        approved("limit", OWNER, minute=4),
        approved("limit", OWNER, minute=2, hours=0),
    ],
    ids=["of another row", "of another value", "after its plan", "expired"],
)
def test_an_approval_of_anything_else_is_none(wrong):
    assert ["held"] == rules([HELD, LATER], [sent(LATER, OWNER)], [wrong])


def test_a_row_that_is_written_twice_for_one_approval_is_found():
    again = plan(5, wanted=frozenset({OWNER}))
    twice = [sent(LATER, OWNER), sent(again, OWNER)]
    first, second = approved("limit", OWNER, minute=2), approved("limit", OWNER, minute=4)
    assert ["twice for one approval"] == rules([HELD, LATER, again], twice, [first])
    assert [] == rules([HELD, LATER, again], twice, [first, second])


def test_more_marks_than_the_limit_in_one_plan_are_found():
    one = plan(1, accounts=gone(*range(21)))
    marks = [sent(one, mark(number)) for number in range(21)]
    assert [] == rules([one], marks[:20])
    assert ["limit"] == rules([one], marks)
    assert [] == rules([one], marks, [approved("limit", mark(20))])


@pytest.mark.parametrize(("of", "most"), [(40, 10), (10, 5), (3, 1)])
def test_a_small_instance_may_have_ten_marks_or_half_of_it(of, most):
    one = plan(1, accounts=gone(*range(of)), unmarked=frozenset(range(of)))
    marks = [sent(one, mark(number)) for number in range(most + 1)]
    assert [] == rules([one], marks[:-1])
    assert "limit" in rules([one], marks)


def test_marks_beyond_the_budget_of_seven_days_are_found():
    one = plan(1, accounts=gone(*range(20)))
    two = plan(2, accounts=gone(*range(31)), marked=frozenset(range(20)), unmarked=PARTNERS - set(range(20)))
    first, second = (
        [sent(at, mark(one)) for one in several] for at, several in ((one, range(20)), (two, range(20, 31)))
    )
    assert [] == rules([one, two], [*first, *second[:-1]])
    assert ["budget"] == rules([one, two], [*first, *second])
    assert [] == rules([one, two], [*first, *second], [approved("budget", mark(30), minute=1)])
    late = replace(two, made=two.made + 8 * DAY)
    assert [] == rules([one, late], [*first, *(replace(each, at=late.made) for each in second)])


def test_marks_that_a_person_took_back_do_not_count():
    one, two = plan(1, accounts=gone(*range(20))), plan(2, accounts=gone(*range(31)))
    assert [] == rules([one, two], [sent(at, mark(n)) for at, n in [*((one, n) for n in range(20)), (two, 25)]])


def test_a_value_that_is_written_a_fourth_time_within_an_hour_is_found():
    plans = [plan(15 * number) for number in range(6)]
    tries = [sent(one, OWNER, applied=number != 1) for number, one in enumerate(plans)]
    assert [] == rules(plans, tries[:3])
    assert ["too often"] == rules(plans, tries[:4])
    assert [] == rules(plans, [*tries[:3], tries[4]])
    assert [] == rules(plans, [*tries[:3], replace(tries[3], fields=frozenset())])


# -- what people decided ------------------------------------------------------------------------------------

TWO = row_keys(7, "account 7", [("owner", "Ann", "Bo"), ("tier", "A", "B")])


def left(*, minute=0, withdrawn=None):
    at = NOON + minute * MINUTE
    return Left(at, OWNER, None if withdrawn is None else NOON + withdrawn * MINUTE)


def test_a_value_that_was_left_and_is_written_is_found_whatever_else_its_row_writes():
    one = plan(1, wanted=frozenset({TWO}))
    assert ["left"] == rules([one], [sent(one, TWO)], left=[left()])


@pytest.mark.parametrize("why", ["withdrawn", "left later", "approved since", "not wanted in between", "not sent"])
def test_a_value_that_was_left_may_be_written_when_that_has_ended(why):
    first = plan(1, left=frozenset() if why == "not wanted in between" else OWNER)
    second = plan(3, wanted=frozenset({TWO}))
    known = left(minute=9 if why == "left later" else 0, withdrawn=2 if why == "withdrawn" else None)
    approvals = [approved("limit", OWNER, minute=2)] if why == "approved since" else []
    write = sent(second, TWO)
    write = replace(write, fields=frozenset({"tier"})) if why == "not sent" else write
    assert [] == rules([first, second], [write], approvals, left=[known])


def test_a_value_that_stays_left_in_between_is_still_left():
    first, second = plan(1, left=OWNER), plan(3, wanted=frozenset({OWNER}))
    assert ["left"] == rules([first, second], [sent(second, OWNER)], left=[left()])


def undone(**more):
    return Undone(NOON, NOON - MINUTE, {(7, "account 7", "owner"): "Bo"}, **more)


def test_a_value_that_was_undone_and_is_written_again_is_found():
    one = plan(1, wanted=frozenset({OWNER}))
    assert ["undone"] == rules([one], [sent(one, OWNER)], undone=[undone()])


@pytest.mark.parametrize(
    "more",
    [
        {"undone": [undone(withdrawn=NOON)]},
        {"undone": [undone()], "changed": {"account 7": NOON}},
        {"undone": [Undone(NOON, NOON, {(7, "account 7", "owner"): "Cy"})]},
        {"undone": [Undone(NOON + DAY, NOON, {(7, "account 7", "owner"): "Bo"})]},
    ],
    ids=["withdrawn", "changed in Salesforce", "another value", "undone later"],
)
def test_a_value_may_be_written_where_no_undo_keeps_it(more):
    one = plan(1, wanted=frozenset({OWNER}))
    assert [] == rules([one], [sent(one, OWNER)], **more)

"""When the team is told: the whole table of what is known and what happens."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.alerts.states import (
    OVERDUE,
    STALE,
    News,
    Sending,
    Standing,
    after_deadline,
    after_failure,
    after_success,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
JUST, LONG = NOW - timedelta(minutes=1), NOW - STALE - timedelta(seconds=1)

ARRIVED = Sending(1, LONG, arrived=True)
UNDER_WAY = Sending(1, JUST)
LOST = Sending(2, LONG)

FRESH = Standing()
OPEN = Standing(7, ARRIVED)
OVER = Standing(7, ARRIVED, ARRIVED)


@pytest.mark.parametrize(
    ("standing", "told"),
    [
        (FRESH, News("failed", 1, "open", 1)),
        (OPEN, None),
        (OVER, News("failed", 8, "open", 1)),
        (Standing(7, UNDER_WAY), None),
        (Standing(7, LOST), News("failed", 7, "open", 3)),
        (Standing(7, ARRIVED, UNDER_WAY), News("failed", 8, "open", 1)),
        (Standing(7, ARRIVED, LOST), News("failed", 8, "open", 1)),
    ],
    ids=["first", "known", "after it was over", "being told", "lost", "over is being told", "over was lost"],
)
def test_a_failure_is_told_once_until_it_is_over(standing, told):
    assert told == after_failure("failed", standing, NOW)


@pytest.mark.parametrize(
    ("standing", "told"),
    [
        (FRESH, None),
        (OPEN, News("recovered", 7, "over", 1)),
        (OVER, None),
        (Standing(7, ARRIVED, UNDER_WAY), None),
        (Standing(7, ARRIVED, LOST), News("recovered", 7, "over", 3)),
        (Standing(7, LOST), News("recovered", 7, "over", 1)),
    ],
    ids=["nothing was wrong", "open", "known", "being told", "lost", "never heard that it was wrong"],
)
def test_a_success_is_told_once_and_only_after_something_was_wrong(standing, told):
    assert told == after_success(standing, NOW)


LONG_AGO = NOW - OVERDUE


@pytest.mark.parametrize(
    ("queued", "succeeded", "standing", "told"),
    [
        (LONG_AGO, None, FRESH, News("overdue", 1, "open", 1)),
        (None, None, FRESH, News("overdue", 1, "open", 1)),
        (LONG_AGO, NOW - OVERDUE - timedelta(minutes=5), FRESH, News("overdue", 1, "open", 1)),
        (LONG_AGO, NOW - timedelta(minutes=30), FRESH, None),
        (JUST, None, FRESH, None),
        (LONG_AGO, None, OPEN, None),
        (LONG_AGO, None, OVER, News("overdue", 8, "open", 1)),
    ],
    ids=["never", "never queued", "too long ago", "lately", "of a past date", "known", "after another alarm"],
)
def test_a_missed_deadline_is_told_unless_a_run_succeeded_lately(queued, succeeded, standing, told):
    known = Standing(standing.number, standing.open, standing.over, succeeded)
    assert told == after_deadline(queued, known, NOW)


@pytest.mark.parametrize("what", ["hung", "failed", "withheld", "overdue"])
def test_whatever_is_wrong_next_is_silent_while_an_alarm_is_open(what):
    assert after_failure(what, OPEN, NOW) is None

"""When the team gets a message: every state of the alarm with every event."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.alerts.states import (
    OVERDUE,
    STALE,
    AlarmState,
    Delivery,
    Notice,
    after_deadline,
    after_failure,
    after_success,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
JUST, LONG = NOW - timedelta(minutes=1), NOW - STALE - timedelta(seconds=1)

ARRIVED = Delivery(1, LONG, arrived=True)
UNDER_WAY = Delivery(1, JUST)
LOST = Delivery(2, LONG)

FRESH = AlarmState()
OPEN = AlarmState(7, ARRIVED)
OVER = AlarmState(7, ARRIVED, ARRIVED)


@pytest.mark.parametrize(
    ("state", "notice"),
    [
        (FRESH, Notice("failed", 1, "open", 1)),
        (OPEN, None),
        (OVER, Notice("failed", 8, "open", 1)),
        (AlarmState(7, UNDER_WAY), None),
        (AlarmState(7, LOST), Notice("failed", 7, "open", 3)),
        (AlarmState(7, ARRIVED, UNDER_WAY), Notice("failed", 8, "open", 1)),
        (AlarmState(7, ARRIVED, LOST), Notice("failed", 8, "open", 1)),
    ],
    ids=["first", "known", "after it was over", "being sent", "lost", "over is being sent", "over was lost"],
)
def test_a_failure_is_reported_once_until_it_is_over(state, notice):
    assert notice == after_failure("failed", state, NOW)


@pytest.mark.parametrize(
    ("state", "notice"),
    [
        (FRESH, None),
        (OPEN, Notice("recovered", 7, "over", 1)),
        (OVER, None),
        (AlarmState(7, ARRIVED, UNDER_WAY), None),
        (AlarmState(7, ARRIVED, LOST), Notice("recovered", 7, "over", 3)),
        (AlarmState(7, LOST), Notice("recovered", 7, "over", 1)),
    ],
    ids=["nothing was wrong", "open", "known", "being sent", "lost", "the alarm never arrived"],
)
def test_a_recovery_is_reported_once_and_only_after_an_alarm(state, notice):
    assert notice == after_success(state, NOW)


LONG_AGO = NOW - OVERDUE


@pytest.mark.parametrize(
    ("queued", "succeeded", "state", "notice"),
    [
        (LONG_AGO, None, FRESH, Notice("overdue", 1, "open", 1)),
        (None, None, FRESH, Notice("overdue", 1, "open", 1)),
        (LONG_AGO, NOW - OVERDUE - timedelta(minutes=5), FRESH, Notice("overdue", 1, "open", 1)),
        (LONG_AGO, NOW - timedelta(minutes=30), FRESH, None),
        (JUST, None, FRESH, None),
        (LONG_AGO, None, OPEN, None),
        (LONG_AGO, None, OVER, Notice("overdue", 8, "open", 1)),
    ],
    ids=["never", "never queued", "too long ago", "lately", "of a past date", "known", "after another alarm"],
)
def test_a_missed_deadline_is_reported_unless_a_run_succeeded_recently(queued, succeeded, state, notice):
    known = AlarmState(state.number, state.open, state.over, succeeded)
    assert notice == after_deadline(queued, known, NOW)


@pytest.mark.parametrize("what", ["hung", "failed", "withheld", "overdue"])
def test_whatever_is_wrong_next_is_silent_while_an_alarm_is_open(what):
    assert after_failure(what, OPEN, NOW) is None

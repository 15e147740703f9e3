"""When a missed deadline is an alarm."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.alerts.deadline import OVERDUE, is_overdue

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
JUST, LONG_AGO = NOW - timedelta(minutes=1), NOW - OVERDUE


@pytest.mark.parametrize(
    ("queued", "succeeded", "late"),
    [
        (LONG_AGO, None, True),
        (None, None, True),
        (LONG_AGO, NOW - OVERDUE - timedelta(minutes=5), True),
        (LONG_AGO, NOW - timedelta(minutes=30), False),
        (JUST, None, False),
    ],
    ids=["never", "never queued", "too long ago", "lately", "of a past date"],
)
def test_a_missed_deadline_counts_unless_a_run_succeeded_recently(queued, succeeded, late):
    assert late == is_overdue(queued, succeeded, NOW)

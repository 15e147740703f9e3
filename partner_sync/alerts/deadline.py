"""The deadline of the DAG. A module of its own: the DAG file imports it, so it imports nothing of the archive."""

from __future__ import annotations

from datetime import datetime, timedelta

OVERDUE = timedelta(hours=2)
"""The longest time without a successful run."""


def is_overdue(queued: datetime | None, succeeded: datetime | None, now: datetime) -> bool:
    """Whether no run succeeded in time, when a run that was queued at `queued` misses its deadline.

    A run of a past date, as in a backfill, misses its deadline at once. That is no alarm.
    """
    if queued is not None and now - queued < OVERDUE / 2:
        return False
    return succeeded is None or now - succeeded >= OVERDUE

"""Refuses plans from the future. They would make every later plan look old until their time is reached, so nothing
would be written while every run is green.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from partner_sync.archive.archive import Archive
from partner_sync.errors import CLEAR_BOTH, SnapshotError
from partner_sync.model import Batch, PlanOrder

TOLERANCE = timedelta(minutes=1)
"""How far the clocks of two workers may differ. Plans are an hour apart, so their order stays right."""


def refuse_latest_ahead(archive: Archive, instance: str, now: datetime) -> None:
    """Raises SnapshotError if the newest plan of an instance is ahead of `now`."""
    newest = archive.newest_objects(instance)
    ahead = max((_ahead(order, now) for _, order in newest), default=timedelta())
    if ahead > TOLERANCE:
        remove = ", and ".join(f"remove {path} as well" for path, order in newest if _ahead(order, now) > TOLERANCE)
        raise SnapshotError(
            f"The newest plan of {instance} in the archive is {_minutes(ahead)} ahead of this worker's clock: one of"
            f" the two clocks is or was wrong. Nothing was written. Correct it; if it was the other clock, {remove}."
            f" {CLEAR_BOTH}"
        )


def refuse_ahead(batch: Batch, now: datetime) -> None:
    """Raises SnapshotError if the plan of a batch is ahead of `now`."""
    if (ahead := _ahead(batch.order, now)) > TOLERANCE:
        raise SnapshotError(
            f"{batch.name} belongs to a plan that is {_minutes(ahead)} ahead of this worker's clock: the clock is wrong"
            f" here, or was where the plan was made. Nothing more was written. Correct it. {CLEAR_BOTH}"
        )


def _ahead(order: PlanOrder, now: datetime) -> timedelta:
    return max(order.snapshot_begun, order.made) - now


def _minutes(ahead: timedelta) -> str:
    return f"{ahead.total_seconds() / 60:.0f} minutes"

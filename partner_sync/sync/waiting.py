"""Waits without holding a worker: when a batch comes back, and when it has waited too long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from partner_sync.config.settings import Sync
from partner_sync.errors import JobPendingError
from partner_sync.model import Batch

JOBS_STEP = "Check Zendesk's job statuses and its status page."
BUSY_STEP = "Check who else uses Zendesk's API, and check its status page."
OTHERS_STEP = (
    "Check in Airflow that their sync tasks continue, or clear them. They no longer block this batch once their tasks"
    " have ended and Zendesk runs none of their jobs."
)
PROCESS_STEP = "Check in Airflow that no other process of this task is running."


@dataclass(frozen=True)
class Reschedule:
    """The batch is not done: give the worker slot back until `at`."""

    at: datetime
    why: str


@dataclass(frozen=True)
class Waiting:
    """The waits of one batch, whose current try began at `waiting_since`."""

    batch: Batch
    settings: Sync
    now: Callable[[], datetime]
    waiting_since: datetime

    def for_a_slot(self, why: str, step: str) -> Reschedule:
        """Reschedules batches that may not write yet in waves, not all at once."""
        wave = self.batch.index // self.settings.jobs_in_flight
        due = self.batch.order.made + timedelta(seconds=wave * self.settings.reschedule_seconds)
        return self.reschedule(why, step, not_before=due)

    def reschedule(
        self, why: str, step: str, *, since: datetime | None = None, not_before: datetime | None = None
    ) -> Reschedule:
        """Reschedules the batch. Raises JobPendingError, with the next `step`, after `job_minutes`."""
        since = since or self.waiting_since
        if self.now() - since > timedelta(minutes=self.settings.job_minutes):
            raise JobPendingError(
                f"{self.batch.name} of plan {self.batch.order.plan_id} has waited since {since:%H:%M:%S} UTC: {why}."
                f" {step} The register keeps what was sent; the next try continues from there."
            )
        soonest = self.now() + timedelta(seconds=self.settings.reschedule_seconds)
        return Reschedule(max(soonest, not_before or soonest), why)

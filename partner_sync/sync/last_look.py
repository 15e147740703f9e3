"""What must be true right before something is sent: this batch's plan is the newest, and this claim counts.

A process may live on after Airflow has started its successor, and an archive may be emptied, or be another disk's. Who
sends therefore looks once more, after the submit was announced and as close to it as possible.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from partner_sync.archive.archive import Archive
from partner_sync.archive.records import OpenJob
from partner_sync.errors import CLEAR_BOTH, SnapshotError
from partner_sync.model import Batch, PlanOrder
from partner_sync.sync.register import Register

LOOKS = 3
LOOK_SECONDS = 2.0
"""A listing can miss a name that is being replaced; several listings in a row do not."""


@dataclass(frozen=True)
class LastLook:
    """Looks at the archive on behalf of one batch."""

    archive: Archive
    batch: Batch
    register: Register
    run_after: datetime
    sleep: Callable[[float], None]

    def newer_plan(self) -> PlanOrder | None:
        """The newest plan if it is newer than the batch's own.

        `compare` names its plan before its batches start. Raises SnapshotError if the archive does not have that name.
        """
        batch = self.batch
        for look in range(LOOKS):
            if look:
                self.sleep(LOOK_SECONDS)
            latest = self.archive.latest(batch.instance)
            if latest is not None and not batch.order.newer_than(latest):
                return latest if latest.newer_than(batch.order) else None
        raise SnapshotError(
            f"Plan {batch.order.plan_id} of {batch.name} is not named in the archive at {self.archive.root}: this is"
            " not the archive that compare wrote to, or it was emptied or replaced by an older copy. Nothing more was"
            " sent. Check that PARTNER_SYNC_ARCHIVE is the same for every worker and is not a disk of one worker."
            f" {CLEAR_BOTH}"
        )

    def counts(self, claim: OpenJob) -> bool:
        """Whether a claim is there and no other process of its batch has claimed since, announced or reported."""
        claims = {one.token: one for one in self.register.claims() if not one.settled}
        if claims.pop(claim.token, None) is None:
            return False
        if any(one.announced or (one.time, one.token) > (claim.time, claim.token) for one in claims.values()):
            return False
        batch = self.batch
        tries = self.archive.tries(batch.run_id, self.run_after, batch.order.plan_id, batch.name)
        return not any(row.at > claim.time for rows in tries for row in rows)

"""Settles what other batches left behind: an entry whose task is gone blocks every newer plan until somebody does.

A batch that the entry blocks settles it, or `compare` if its plan has no batch. It reads the rows back and reports
them, since their own batch may never do so.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from partner_sync.archive.records import OpenJob
from partner_sync.compare.batches import batches
from partner_sync.errors import SnapshotError
from partner_sync.model import Batch
from partner_sync.sync.batch_rows import BatchRows
from partner_sync.sync.register import Register, Shown
from partner_sync.sync.verdicts import Judgment

log = logging.getLogger(__name__)

SETTLED_KEPT = timedelta(days=7)
"""How long an abandoned batch may take to resume, for example when its task is cleared, and still know what it sent."""
JOBS_KEPT = timedelta(days=1)
"""How long Zendesk keeps the status of a job. A job that may not be read, and is older, has ended."""


@dataclass(frozen=True)
class Settling:
    """Settles entries on behalf of the batch of `rows`.

    `owner_gone_after` is the task's execution timeout: a process that wrote an entry longer ago is dead.
    """

    register: Register
    rows: BatchRows
    owner_gone_after: timedelta

    def blocked(self, claim: OpenJob) -> str | None:
        """Why the batch may not write yet, after settling what is abandoned. None: it may."""
        self._forget_what_is_old()
        if self.register.in_the_way(claim) is None:
            return None
        self.settle()
        return self.register.in_the_way(claim)

    def settle(self) -> None:
        """Settles every entry of other batches that is abandoned."""
        for entry in self.register.archive.open_jobs(self.rows.batch.instance):
            if self._settled(entry):
                log.warning("settled the abandoned %s of plan %s", entry.batch, entry.order.plan_id)

    def _forget_what_is_old(self) -> None:
        for entry in self.register.archive.open_jobs(self.rows.batch.instance):
            if entry.settled and self.rows.now() - entry.time > SETTLED_KEPT and not self._is_own(entry):
                self.register.remove(entry)

    def _settled(self, entry: OpenJob) -> bool:
        """Settles an entry if its owner can no longer submit and no job of it can run. Returns whether it did.

        If rows were sent it stays, since its batch may resume and must report them.
        """
        age = self.rows.now() - entry.time
        if entry.settled or self._is_own(entry) or age <= self.owner_gone_after:
            return False
        shown = self.register.shown(entry) if entry.intended is not None else Shown(over=True)
        if not shown.over and shown.refused is None:
            return False
        if entry.sent:
            rows, judged = self._read_back(entry)
            if not shown.over and age <= JOBS_KEPT and not all_shown(entry.sent, judged):
                return False
            if rows is not None:
                rows.archive_verdicts(entry, judged, {}, settles=True)
        if not self.register.unchanged(entry):
            return False
        if entry.sent:
            self.register.write(replace(entry, settled=True))
        else:
            self.register.remove(entry)
        return True

    def _read_back(self, entry: OpenJob) -> tuple[BatchRows | None, list[Judgment]]:
        """The rows of an entry and what Zendesk shows of them; None where its plan is gone from the archive."""
        batch = self._batch_of(entry)
        if batch is None or self.rows.reader.unknown_fields(batch.changes):
            log.warning("%s of %s is not in the archive or the config any more", entry.batch, entry.order.plan_id)
            return None, []
        rows = replace(self.rows, batch=batch, run_after=entry.run_after, try_number=0)
        return rows, rows.judge_unread(entry.sent)

    def _batch_of(self, entry: OpenJob) -> Batch | None:
        archive = self.register.archive
        try:
            plan = archive.plan(archive.run_folder(entry.run_id, entry.run_after), entry.order.plan_id)
        except SnapshotError:
            return None
        return next((one for one in batches(plan) if one.digest == entry.digest), None) if plan else None

    def _is_own(self, entry: OpenJob) -> bool:
        return entry.batch_key == (self.rows.batch.order.plan_id, self.rows.batch.name)


def all_shown(sent: Sequence[int], judged: Sequence[Judgment]) -> bool:
    """Whether Zendesk shows every row that was sent: then its job has done all that it can do."""
    return bool(judged) and all(judged[row].verdict == "confirmed" for row in sent)

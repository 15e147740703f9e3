"""The open-job register: what was, or may have been, submitted to one instance and is not known to have ended.

A batch removes its own entry. Another batch may settle it, so that it blocks nobody, only if the entry's owner can no
longer submit and no job of the entry can still run in Zendesk. The register forgets settled entries after a week.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from partner_sync.archive.archive import Archive
from partner_sync.archive.records import OpenJob
from partner_sync.config.settings import Sync
from partner_sync.model import Batch
from partner_sync.vendors.zendesk_client import MANY, Job

log = logging.getLogger(__name__)


SETTLED_KEPT = timedelta(days=7)
"""How long an abandoned batch may take to resume, for example when its task is cleared, and still know what it sent."""


class JobStatuses(Protocol):
    """What the register needs of a Zendesk instance."""

    def job(self, job_id: str) -> Job | None: ...
    def jobs(self, job_ids: Sequence[str]) -> list[Job]: ...
    def running_jobs(self) -> list[Job]: ...


@dataclass(frozen=True)
class Register:
    """The register of the instance that `batch` belongs to, as that batch sees it.

    `owner_gone_after` is the task's execution timeout: a process that wrote an entry longer ago is dead.
    """

    archive: Archive
    jobs: JobStatuses
    batch: Batch
    settings: Sync
    now: Callable[[], datetime]
    owner_gone_after: timedelta

    def own(self) -> OpenJob | None:
        """The batch's own entry, from this attempt or an earlier one."""
        return self.archive.open_job(self.batch.instance, self.batch.order.plan_id, self.batch.name)

    def write(self, entry: OpenJob) -> None:
        self.archive.write_open_job(self.batch.instance, entry)

    def remove(self, entry: OpenJob) -> None:
        self.archive.remove_open_job(self.batch.instance, entry)

    def nothing_runs_of(self, entry: OpenJob) -> bool:
        """Whether no job of an announced submit can run: `settle_seconds` have passed and no running job fits.

        A job id that Zendesk does not know is treated like an unknown job: new ids may return 404 at first
        (node-zendesk tolerates five of these), and Zendesk forgets old ids. Jobs that other entries name are not ours.
        Jobs that started after the first check are not ours either: other users may always keep some running.
        """
        if self.now() < (entry.intended or entry.time) + timedelta(seconds=self.settings.settle_seconds):
            return False
        running = {job.id for job in self.jobs.running_jobs()}
        if running:
            entries = self.archive.open_jobs(self.batch.instance)
            running -= {other.job_id for other in entries if _key(other) != _key(entry)}
        if running and self.archive.candidate_jobs(self.batch.instance, entry, running):
            return False
        self.archive.forget_candidate_jobs(self.batch.instance, entry)
        return True

    def blocked(self) -> str | None:
        """Why this batch, whose entry is in the register, may not write yet. None: it may.

        The entry is written before the count, so of batches that start at once at most `jobs_in_flight` continue.
        """
        entries = self.archive.open_jobs(self.batch.instance)
        self._forget_what_is_old(entries)
        if (why := self._in_the_way(entries)) is None:
            return None
        for entry in entries:
            if self._is_abandoned(entry):
                log.warning("%s: settled the abandoned %s of %s", self.batch.name, entry.batch, entry.order.plan_id)
                self._settle(entry)
                why = self._in_the_way(self.archive.open_jobs(self.batch.instance))
        return why

    def _settle(self, entry: OpenJob) -> None:
        """Settles an abandoned entry. If rows were sent it stays, since its batch may resume and must report them."""
        if entry.sent:
            self.write(replace(entry, settled=True))
        else:
            self.remove(entry)

    def _forget_what_is_old(self, entries: Sequence[OpenJob]) -> None:
        for entry in entries:
            if entry.settled and self.now() - entry.time > SETTLED_KEPT and not self._is_own(entry):
                self.remove(entry)

    def _in_the_way(self, entries: Sequence[OpenJob]) -> str | None:
        entries = [entry for entry in entries if not entry.settled]
        others = [entry for entry in entries if not self._is_own(entry)]
        if len(others) == len(entries):
            return "its entry was removed by another batch"
        older = [entry for entry in others if self.batch.order.newer_than(entry.order)]
        if older:
            first = older[0]
            return f"{len(older)} batches of older plans are open, first {first.batch} of {first.order.plan_id}"
        limit = self.settings.jobs_in_flight
        if len(entries) > limit and len(entries) - self._ended(others) > limit:
            return f"{len(others)} other batches are open, the limit is {limit}"
        return None

    def _ended(self, entries: Sequence[OpenJob]) -> int:
        """How many entries have a job that ended: they wait for their task, not for Zendesk.

        A job that Zendesk does not return counts as running, and so does a job beyond the first `MANY`.
        """
        ids = [entry.job_id for entry in entries if entry.job_id][:MANY]
        return sum(not job.active for job in self.jobs.jobs(ids)) if ids else 0

    def _is_abandoned(self, entry: OpenJob) -> bool:
        """Whether another batch's entry is unchanged, its owner can no longer submit, and no job of it can run."""
        if entry.settled or self._is_own(entry) or self.now() - entry.time <= self.owner_gone_after:
            return False
        if entry.intended is not None:
            job = self.jobs.job(entry.job_id) if entry.job_id else None
            if job.active if job is not None else not self.nothing_runs_of(entry):
                return False
        return self.archive.open_job(self.batch.instance, entry.order.plan_id, entry.batch) == entry

    def _is_own(self, entry: OpenJob) -> bool:
        return _key(entry) == (self.batch.order.plan_id, self.batch.name)


def _key(entry: OpenJob) -> tuple[str, str]:
    return entry.order.plan_id, entry.batch

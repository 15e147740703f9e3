"""The open-job register: what was, or may have been, submitted to one instance and is not known to have ended.

Every claim of a batch is an entry of its own, with a random token, so no process overwrites what another knows. An
entry goes when its batch has reported what all its claims sent. The register forgets settled entries after a week.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from partner_sync.archive.archive import Archive
from partner_sync.archive.records import OpenJob
from partner_sync.config.settings import Calls, Sync
from partner_sync.errors import RejectedError, SnapshotError
from partner_sync.model import Batch
from partner_sync.vendors.zendesk_api import MANY
from partner_sync.vendors.zendesk_client import Job


class JobStatuses(Protocol):
    """What the register needs of a Zendesk instance."""

    def job(self, job_id: str) -> Job | None: ...
    def jobs(self, job_ids: Sequence[str]) -> list[Job]: ...
    def newest_job(self) -> str | None: ...
    def running_jobs(self, back_to: str | None = None) -> list[Job]: ...


@dataclass(frozen=True)
class Shown:
    """What Zendesk shows of a submit. `over`: no job of it can run any more. `refused`: it may not be asked."""

    over: bool
    job: Job | None = None
    refused: RejectedError | None = None


@dataclass(frozen=True)
class Register:
    """The register of the instance that `batch` belongs to, as that batch sees it."""

    archive: Archive
    jobs: JobStatuses
    batch: Batch
    settings: Sync
    calls: Calls
    now: Callable[[], datetime]

    def claims(self) -> list[OpenJob]:
        """The batch's own entries, from this attempt, earlier attempts and other processes, the oldest first."""
        batch = self.batch
        found = self.archive.claims(batch.instance, batch.order.plan_id, batch.name)
        if any(claim.digest != batch.digest for claim in found):
            raise SnapshotError(
                f"The changes of {batch.name} of plan {batch.order.plan_id} differ between the open-job register and"
                " its XCom. Clear compare with its downstream tasks: that makes a new plan."
            )
        return found

    def claim(self, earlier: Sequence[OpenJob], run_after: datetime) -> OpenJob:
        """Registers the batch. The claim knows what its `earlier` claims sent."""
        batch = self.batch
        claim = OpenJob(
            order=batch.order,
            batch=batch.name,
            token=secrets.token_hex(4),
            digest=batch.digest,
            run_id=batch.run_id,
            run_after=run_after,
            time=self.now(),
            sent=sent_by(earlier),
            submits=max((one.submits for one in earlier), default=0),
            calls=max((one.calls for one in earlier), default=0),
        )
        self.write(claim)
        return claim

    def write(self, entry: OpenJob) -> None:
        self.archive.write_open_job(self.batch.instance, entry)

    def remove(self, entry: OpenJob) -> None:
        self.archive.remove_open_job(self.batch.instance, entry)

    def unchanged(self, entry: OpenJob) -> bool:
        return self.archive.open_job(self.batch.instance, entry) == entry

    def close(self, entry: OpenJob) -> bool:
        """Removes what the batch has reported with an entry. Returns whether no other claim is announced.

        Claims that sent more, or that another process announced, stay: they have to be reported first.
        """
        rest = False
        for claim in self.claims():
            reported = set(claim.sent) <= set(entry.sent) and not claim.announced
            if claim.token == entry.token or reported:
                self.remove(claim)
            else:
                rest = rest or claim.announced
        return not rest

    # -- what may still run ---------------------------------------------------------------------------------

    @property
    def settle_time(self) -> timedelta:
        """From *intended* until a submit without a job id has reached Zendesk, or never will."""
        calls = self.calls
        return timedelta(seconds=self.settings.submit_seconds + calls.connect_seconds + calls.read_seconds)

    def known_job(self) -> str | None:
        """A job that Zendesk has before a submit: the newest job of the register, else the newest of all.

        Only jobs born after it can be a lost submit. It costs a call only if the register has no job.
        """
        ours = [entry for entry in self.archive.open_jobs(self.batch.instance) if entry.job_id and entry.intended]
        if not ours:
            return self.jobs.newest_job()
        return max(ours, key=lambda entry: entry.intended or entry.time).job_id

    def shown(self, entry: OpenJob) -> Shown:
        """What Zendesk shows of an announced submit.

        A job id that Zendesk does not know is treated like a lost response: new ids may return 404 at first
        (node-zendesk tolerates five of these), and Zendesk forgets old ids.
        """
        try:
            job = self.jobs.job(entry.job_id) if entry.job_id else None
            return Shown(not job.active, job) if job is not None else Shown(self._nothing_runs_of(entry))
        except RejectedError as error:
            return Shown(over=False, refused=error)

    def _nothing_runs_of(self, entry: OpenJob) -> bool:
        """Whether no job of an announced submit can run: the settle time has passed and no running job fits.

        Jobs that other entries name are not ours. Jobs that started after the first check are not ours either: other
        users may always keep some running.
        """
        instance, since = self.batch.instance, entry.intended or entry.time
        if self.now() < since + self.settle_time:
            return False
        candidates = self.archive.candidate_jobs(instance, entry)
        if candidates is None:
            running = {job.id for job in self.jobs.running_jobs(back_to=entry.known_job)}
            named = {other.job_id for other in self.archive.open_jobs(instance) if other.token != entry.token}
            self.archive.keep_candidate_jobs(instance, entry, running - named)
            return running <= named
        return not any(job.active for job in self._jobs(candidates))

    def _jobs(self, job_ids: Sequence[str]) -> list[Job]:
        starts = range(0, len(job_ids), MANY)
        return [job for start in starts for job in self.jobs.jobs(job_ids[start : start + MANY])]

    # -- who may write --------------------------------------------------------------------------------------

    def in_the_way(self, claim: OpenJob) -> str | None:
        """Why this batch may not write yet. None: it may.

        The claim is written before the count, so of batches that start at once at most `jobs_in_flight` continue.
        """
        entries = [entry for entry in self.archive.open_jobs(self.batch.instance) if not entry.settled]
        if all(entry.token != claim.token for entry in entries):
            return "its entry was removed by another batch"
        others = [entry for entry in entries if entry.batch_key != claim.batch_key]
        older = [entry for entry in others if self.batch.order.newer_than(entry.order)]
        if older:
            first = older[0]
            count = len({entry.batch_key for entry in older})
            return f"{count} batches of older plans are open, first {first.batch} of {first.order.plan_id}"
        limit, open_batches = self.settings.jobs_in_flight, {entry.batch_key for entry in others}
        announced = [entry for entry in others if entry.announced]
        most = len(announced) + len(open_batches - {entry.batch_key for entry in announced}) + 1
        if most > limit and most - self._ended(announced) > limit:
            return f"{len(open_batches)} other batches are open, the limit is {limit}"
        return None

    def _ended(self, entries: Sequence[OpenJob]) -> int:
        """How many entries have a job that ended: they wait for their task, not for Zendesk.

        A job that Zendesk does not return counts as running, and so does a job beyond the first `MANY`.
        """
        ids = [entry.job_id for entry in entries if entry.job_id][:MANY]
        return sum(not job.active for job in self.jobs.jobs(ids)) if ids else 0


def sent_by(claims: Sequence[OpenJob]) -> tuple[int, ...]:
    """The rows that any of these claims sent."""
    return tuple(sorted({row for claim in claims for row in claim.sent}))

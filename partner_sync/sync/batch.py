"""Writes one batch: registers it, reads its organizations again, submits once, waits without holding a worker.

One plan writes to an instance at a time, and the newest plan wins. The open-job register remembers what was, or may
have been, sent: it survives killed workers, cleared tasks and lost responses. It is reliable only because of the order
of the steps; `tests/protocol` runs that order, as a model, through random schedules.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from partner_sync.archive.archive import Archive
from partner_sync.archive.records import OpenJob, RowVerdict, VerdictTally
from partner_sync.config.settings import Sync
from partner_sync.errors import (
    JobPendingError,
    PartnerSyncError,
    RejectedError,
    SnapshotError,
    TooManyJobsError,
    UnavailableError,
)
from partner_sync.model import Batch
from partner_sync.sync.batch_rows import BatchRows, ShownOrganizations
from partner_sync.sync.clock_skew import refuse_ahead
from partner_sync.sync.register import JobStatuses, Register
from partner_sync.sync.verdicts import Judgment, OrganizationReader, payload, refusals
from partner_sync.vendors.zendesk_client import Job

log = logging.getLogger(__name__)

JOBS_STEP = "Check Zendesk's job statuses and its status page."
BUSY_STEP = "Check who else uses Zendesk's API, and check its status page."
OTHERS_STEP = (
    "Check in Airflow that their sync tasks continue, or clear them. They no longer block this batch once their tasks"
    " have ended and Zendesk runs none of their jobs."
)

READS_BACK = 3
"""How often to read a row that Zendesk did not refuse but does not show, before it counts as rejected."""


class BulkJobs(JobStatuses, ShownOrganizations, Protocol):
    """What this module needs of a Zendesk instance; `partner_sync.vendors.zendesk_client.Zendesk` provides it."""

    def create_many(self, rows: list[dict[str, Any]]) -> Job: ...
    def update_many(self, rows: list[dict[str, Any]]) -> Job: ...
    def update_alike(self, ids: Sequence[int], row: dict[str, Any]) -> Job: ...


@dataclass(frozen=True)
class Reschedule:
    """The batch is not done: give the worker slot back until `at`."""

    at: datetime
    why: str


@dataclass(frozen=True)
class Done:
    """Every change of the batch has a verdict in the archive."""

    verdicts: tuple[RowVerdict, ...]

    @property
    def counts(self) -> VerdictTally:
        return VerdictTally.of(self.verdicts)


@dataclass(frozen=True)
class BatchAttempt:
    """One attempt at a batch, from when a worker takes it until it is done or rescheduled.

    `waiting_since` is when the current try of the task began, `owner_gone_after` the task's execution timeout.
    """

    batch: Batch
    zendesk: BulkJobs
    archive: Archive
    settings: Sync
    reader: OrganizationReader
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    run_after: datetime
    try_number: int
    waiting_since: datetime
    owner_gone_after: timedelta

    @property
    def register(self) -> Register:
        return Register(self.archive, self.zendesk, self.batch, self.settings, self.now, self.owner_gone_after)

    @property
    def rows(self) -> BatchRows:
        return BatchRows(self.batch, self.zendesk, self.archive, self.reader, self.now, self.run_after, self.try_number)

    def write(self) -> Done | Reschedule:
        """Takes the batch as far as possible without a long wait.

        Raises SnapshotError if the plan is too old, JobPendingError after `job_minutes`, and what Zendesk's client
        raises. The register keeps what was sent, so a later attempt continues from there. In case none follows, the
        archive already has the verdict "unknown" for what was sent.
        """
        try:
            return self._write()
        except PartnerSyncError as error:
            with suppress(PartnerSyncError):  # the first error is the one to raise
                if (entry := self.register.own()) is not None:
                    self.rows.archive_unknown(entry, error)
            raise

    def _write(self) -> Done | Reschedule:
        batch, entry = self.batch, self.register.own()
        if entry is None:
            return self._claim(OpenJob(batch.order, batch.name, batch.digest, self.now()))
        if entry.digest != batch.digest:
            raise SnapshotError(
                f"The changes of {batch.name} of plan {batch.order.plan_id} differ between the open-job register and"
                " its XCom. Clear compare with its downstream tasks: that makes a new plan."
            )
        return self._claim(entry) if entry.intended is None or entry.settled else self._follow(entry)

    # -- register, read again, submit -----------------------------------------------------------------------

    def _claim(self, earlier: OpenJob) -> Done | Reschedule:
        """Registers the batch and writes what is left of it, unless another plan or the limit of jobs blocks it."""
        batch, register = self.batch, self.register
        refuse_ahead(batch, self.now())
        entry = replace(earlier, time=self.now(), intended=None, job_id=None, rows=(), settled=False)
        register.write(entry)
        latest = self.archive.latest(batch.instance)
        if latest is not None and latest.newer_than(batch.order):
            return self._supersede(entry, f"plan {latest.plan_id} is newer")
        if (blocked := register.blocked()) is not None:
            self._release(entry)
            return self._wait_for_a_slot(blocked, OTHERS_STEP)
        age = self.now() - batch.order.snapshot_begun
        if age > timedelta(hours=self.settings.max_plan_age_hours):
            self._supersede(entry, "its plan is too old")
            raise SnapshotError(
                f"{batch.name} belongs to a plan whose snapshot is {age.total_seconds() / 3600:.1f} h old. The limit is"
                f" {self.settings.max_plan_age_hours:g} h. Clear the two gather tasks with their downstream tasks."
            )
        judged = self.rows.judge_before_write()
        rows = tuple(position for position, row in enumerate(judged) if row.verdict is None)
        if rows and entry.submits >= self.settings.submits:
            lost = Judgment(
                "unknown",
                f"{entry.submits} submits have no known outcome, and Zendesk shows no change",
            )
            judged, rows = [lost if row.verdict is None else row for row in judged], ()
        if not rows:
            return self._account(entry, judged)
        return self._submit(entry, rows, judged)

    def _release(self, entry: OpenJob) -> None:
        """Withdraws a claim. What an earlier attempt sent stays in the register; it counted toward the limit before."""
        if entry.sent:
            self.register.write(entry)
        else:
            self.register.remove(entry)

    def _supersede(self, entry: OpenJob, why: str) -> Done:
        """Leaves the batch to a later plan. Rows that an earlier attempt wrote keep the verdict "confirmed"."""
        judged = [Judgment("superseded", why)] * len(self.batch.changes)
        if entry.sent:
            found = self.rows.judge_before_write()
            judged = [row if row.verdict == "confirmed" else left for row, left in zip(found, judged, strict=True)]
        return self._account(entry, judged)

    def _submit(self, claimed: OpenJob, rows: tuple[int, ...], judged: list[Judgment]) -> Done | Reschedule:
        """Announces the submit in the register, sends it once, and registers its job at once."""
        sent = tuple(sorted({*claimed.sent, *rows}))
        entry = replace(claimed, intended=self.now(), rows=rows, sent=sent, submits=claimed.submits + 1)
        self.register.write(entry)
        try:
            job = self._send(rows, judged)
        except TooManyJobsError:
            self._release(claimed)
            return self._wait_for_a_slot("Zendesk has too many jobs queued or running", JOBS_STEP)
        except UnavailableError as error:
            if error.effect == "none":
                self._release(claimed)
                if error.retry_after is None:
                    raise
                asked = self.now() + timedelta(seconds=error.retry_after)
                return self._wait(error.fact.removesuffix("."), BUSY_STEP, since=self.waiting_since, not_before=asked)
            self.register.write(replace(entry, calls=entry.calls + self.zendesk.calls))
            settled = self.now() + timedelta(seconds=self.settings.settle_seconds)
            return self._reschedule(f"the response to the submit was lost ({error.happened})", not_before=settled)
        except RejectedError as error:
            refused = Judgment("rejected", f"Zendesk refused the whole job with {error.status}")
            judged = [refused if row.verdict is None else row for row in judged]
            self._account(claimed, judged, messages=dict.fromkeys(rows, error.vendor_message))
            raise
        entry = replace(entry, job_id=job.id)
        self.register.write(entry)
        log.info("%s: job %s submitted with %d rows", self.batch.name, job.id, len(entry.rows))
        return self._follow(entry, submitted=True)

    def _send(self, rows: Sequence[int], judged: Sequence[Judgment]) -> Job:
        bodies = [payload(self.batch.changes[row], judged[row].write) for row in rows]
        if self.batch.kind == "create":
            return self.zendesk.create_many(bodies)
        if self.batch.kind == "update":
            return self.zendesk.update_many(bodies)
        return self.zendesk.update_alike([body.pop("id") for body in bodies], bodies[0])

    # -- wait -----------------------------------------------------------------------------------------------

    def _wait_for_a_slot(self, why: str, step: str) -> Reschedule:
        """Reschedules batches that may not write yet in waves, not all at once."""
        wave = self.batch.index // self.settings.jobs_in_flight
        due = self.batch.order.made + timedelta(seconds=wave * self.settings.reschedule_seconds)
        return self._wait(why, step, since=self.waiting_since, not_before=due)

    def _follow(self, entry: OpenJob, *, submitted: bool = False) -> Done | Reschedule:
        """Follows an announced submit until no job of it can run any more, then accounts for its rows.

        Polls at growing intervals for this batch's share of the time that all batches have together, then gives the
        worker slot back. A job `submitted` just now is first polled after a wait, since jobs take seconds.
        """
        share = min(self.settings.polling_seconds / self.batch.of, self.settings.reschedule_seconds)
        leave, wait = self.now() + timedelta(seconds=share), self.settings.poll_seconds
        while True:
            if submitted:
                submitted = False
            elif (done := self._poll(entry)) is not None:
                return done
            if self.now() + timedelta(seconds=wait) > leave:
                break
            self.sleep(wait)
            wait += self.settings.poll_seconds
        self.register.write(replace(entry, calls=entry.calls + self.zendesk.calls))
        why = f"job {entry.job_id or '(response lost)'} is open"
        return self._wait(why, JOBS_STEP, since=entry.intended or entry.time)

    def _poll(self, entry: OpenJob) -> Done | Reschedule | None:
        """Checks the job once. Returns None if it is open."""
        job = self.zendesk.job(entry.job_id) if entry.job_id else None
        if job is not None and not job.active:
            return self._finish(entry, job)
        if job is None and self.register.nothing_runs_of(entry):
            log.warning("%s: the outcome of its job is unknown, and the job can no longer run", self.batch.name)
            return self._claim(entry)
        return None

    def _wait(self, why: str, step: str, *, since: datetime, not_before: datetime | None = None) -> Reschedule:
        """Reschedules the batch. Raises JobPendingError after `job_minutes`."""
        if self.now() - since > timedelta(minutes=self.settings.job_minutes):
            raise JobPendingError(
                f"{self.batch.name} of plan {self.batch.order.plan_id} has waited since {since:%H:%M:%S} UTC: {why}."
                f" {step} The register keeps what was sent; the next try continues from there."
            )
        return self._reschedule(why, not_before=not_before)

    def _reschedule(self, why: str, *, not_before: datetime | None = None) -> Reschedule:
        soonest = self.now() + timedelta(seconds=self.settings.reschedule_seconds)
        return Reschedule(max(soonest, not_before or soonest), why)

    # -- account for every row ------------------------------------------------------------------------------

    def _finish(self, entry: OpenJob, job: Job) -> Done:
        """Reads the batch back after its job ended, and judges every row by what Zendesk shows."""
        messages = refusals(job.results, [(row, self.batch.changes[row]) for row in entry.rows])
        if job.status != "completed":
            why = f"job {job.status}: {job.message or 'no reason given'}"
            messages = {row: messages.get(row, why) for row in entry.rows}
        judged: list[Judgment] = []
        for attempt in range(READS_BACK):
            if attempt:
                self.sleep(self.settings.poll_seconds)
            judged = self.rows.judge_after_write(entry.rows, messages)
            if not any(judged[row].verdict == "rejected" and row not in messages for row in entry.rows):
                break
        return self._account(entry, judged, messages=messages)

    def _account(self, entry: OpenJob, judged: Sequence[Judgment], messages: Mapping[int, str] | None = None) -> Done:
        """Archives every row's verdict, then removes the entry: a kill in between repeats verdicts, and loses none."""
        verdicts = self.rows.archive_verdicts(entry, judged, messages or {})
        self.register.remove(entry)
        self.archive.forget_candidate_jobs(self.batch.instance, entry)
        return Done(verdicts)

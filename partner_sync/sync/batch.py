"""Writes one batch: registers it, reads its organizations again, submits once, waits without holding a worker.

One plan writes to an instance at a time, and the newest plan wins. The open-job register remembers what was, or may
have been, sent: it survives killed workers, cleared tasks and lost responses. It is reliable only because of the order
of the steps; `tests/protocol` runs that order, as a model, through random schedules. The file has over 300 lines
because these steps are one attempt, to be read in their order.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from partner_sync.archive.archive import Archive
from partner_sync.archive.decision_store import Decisions
from partner_sync.archive.memory_records import Taken
from partner_sync.archive.records import OpenJob, RowVerdict, VerdictTally
from partner_sync.config.settings import Calls, Sync
from partner_sync.errors import (
    CLEAR_BOTH,
    PartnerSyncError,
    RejectedError,
    SnapshotError,
    TooManyJobsError,
    UnavailableError,
)
from partner_sync.model import Batch, PlanOrder
from partner_sync.sync.approvals import BatchApprovals
from partner_sync.sync.batch_rows import BatchRows
from partner_sync.sync.clock_skew import refuse_ahead
from partner_sync.sync.last_look import LastLook
from partner_sync.sync.register import Register, sent_by
from partner_sync.sync.settling import Settling, all_shown
from partner_sync.sync.submit import BulkJobs, note_marks, submit
from partner_sync.sync.verdicts import Judgment, OrganizationReader
from partner_sync.sync.waiting import BUSY_STEP, JOBS_STEP, OTHERS_STEP, PROCESS_STEP, Reschedule, Waiting
from partner_sync.vendors.zendesk_client import Job

log = logging.getLogger(__name__)

NOT_IN_FORCE = "a decision about it was withdrawn, has ended or was used; the next run plans it again"


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
    `people` is how many users must have approved a row that was held. `monotonic` is the clock of the process, in
    seconds, which nobody sets; the session of `zendesk` has the same one.
    """

    batch: Batch
    zendesk: BulkJobs
    archive: Archive
    settings: Sync
    calls: Calls
    reader: OrganizationReader
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    run_after: datetime
    try_number: int
    waiting_since: datetime
    owner_gone_after: timedelta
    people: int = 1
    monotonic: Callable[[], float] = time.monotonic

    @property
    def register(self) -> Register:
        return Register(self.archive, self.zendesk, self.batch, self.settings, self.calls, self.now)

    @property
    def last_look(self) -> LastLook:
        return LastLook(self.archive, self.batch, self.register, self.run_after, self.sleep)

    @property
    def rows(self) -> BatchRows:
        return BatchRows(self.batch, self.zendesk, self.archive, self.reader, self.now, self.run_after, self.try_number)

    @property
    def approvals(self) -> BatchApprovals:
        decisions = Decisions(self.archive.root, self.batch.instance)
        return BatchApprovals(decisions, self.batch, self.people, self.now)

    @property
    def waiting(self) -> Waiting:
        return Waiting(self.batch, self.settings, self.now, self.waiting_since)

    def write(self) -> Done | Reschedule:
        """Takes the batch as far as possible without a long wait.

        Raises SnapshotError if the plan is too old or the archive does not name it, JobPendingError after
        `job_minutes`, and what Zendesk's client raises. The register keeps what was sent, so a later attempt continues
        from there. In case none follows, the archive already has the verdict "unknown" for what was sent.
        """
        try:
            return self._write()
        except PartnerSyncError as error:
            with suppress(PartnerSyncError):  # the first error is the one to raise
                self.rows.archive_unknown(self.register.claims(), error)
            raise

    def _write(self) -> Done | Reschedule:
        claims = self.register.claims()
        announced = [claim for claim in claims if claim.announced]
        return self._follow(announced) if announced else self._claim(claims)

    # -- register, read again, submit -----------------------------------------------------------------------

    def _claim(self, earlier: Sequence[OpenJob]) -> Done | Reschedule:
        """Registers the batch and writes what is left of it, unless another plan or the limit of jobs blocks it."""
        batch = self.batch
        refuse_ahead(batch, self.now())
        claim = self.register.claim(earlier, self.run_after)
        if (newer := self._newer_plan(claim)) is not None:
            return self._supersede(claim, f"plan {newer.plan_id} is newer")
        if (blocked := Settling(self.register, self.rows, self.owner_gone_after).blocked(claim)) is not None:
            self.register.remove(claim)
            return self.waiting.for_a_slot(blocked, OTHERS_STEP)
        age = self.now() - batch.order.snapshot_begun
        if age > timedelta(hours=self.settings.max_plan_age_hours):
            self._supersede(claim, "its plan is too old")
            raise SnapshotError(
                f"{batch.name} belongs to a plan whose snapshot is {age.total_seconds() / 3600:.1f} h old. The limit is"
                f" {self.settings.max_plan_age_hours:g} h. {CLEAR_BOTH}"
            )
        judged, read_at = self.rows.judge_before_write(), self.monotonic()
        for row in self.approvals.missing([row for row, one in enumerate(judged) if one.verdict is None], claim):
            judged[row] = replace(judged[row], verdict="superseded", reason=NOT_IN_FORCE)
        rows = tuple(position for position, row in enumerate(judged) if row.verdict is None)
        if rows and claim.submits >= self.settings.submits:
            lost = Judgment("unknown", f"{claim.submits} submits have no known outcome, and Zendesk shows no change")
            judged, rows = [lost if row.verdict is None else row for row in judged], ()
        if not rows:
            return self._account(claim, judged)
        return self._submit(claim, rows, judged, read_at)

    def _newer_plan(self, claim: OpenJob, taken: Sequence[Taken] = ()) -> PlanOrder | None:
        """The newest plan if it is newer. What the archive does not name leaves no claim; nothing of it was sent."""
        try:
            return self.last_look.newer_plan()
        except SnapshotError:
            self._withdraw(claim, taken)
            raise

    def _withdraw(self, claim: OpenJob, taken: Sequence[Taken]) -> None:
        """Takes back a claim of which surely nothing was sent, and gives back the approvals that it took."""
        self.approvals.decisions.give_back(taken)
        self.register.remove(claim)

    def _supersede(self, claim: OpenJob, why: str) -> Done | Reschedule:
        """Leaves the batch to a later plan. Rows that an earlier attempt wrote keep the verdict "confirmed"."""
        judged = [Judgment("superseded", why)] * len(self.batch.changes)
        if claim.sent:
            found = self.rows.judge_before_write()
            judged = [row if row.verdict == "confirmed" else left for row, left in zip(found, judged, strict=True)]
        return self._account(claim, judged)

    def _submit(
        self, claim: OpenJob, rows: tuple[int, ...], judged: list[Judgment], read_at: float
    ) -> Done | Reschedule:
        """Announces the submit in the register, looks a last time, sends it once, and registers its job at once.

        The submit begins at most `submit_seconds` after the rows were read: what a person edits since is overwritten.
        """
        if not self.last_look.counts(claim):
            return self._start_over(claim, ())
        known, taken = self.register.known_job(), self.approvals.of(rows, claim)
        sent = tuple(sorted({*claim.sent, *rows}))
        entry = replace(claim, intended=self.now(), known_job=known, rows=rows, sent=sent, submits=claim.submits + 1)
        self.register.write(entry)
        self.approvals.decisions.take(taken)
        note_marks(self.archive, self.batch, self.now())
        if self.approvals.missing(rows, claim):
            return self._start_over(claim, taken)
        if (newer := self._newer_plan(claim, taken)) is not None:
            self.approvals.decisions.give_back(taken)
            self.register.write(claim)
            return self._supersede(claim, f"plan {newer.plan_id} is newer")
        if not self.last_look.counts(claim) or self.monotonic() - read_at > self.settings.submit_seconds:
            return self._start_over(claim, taken)
        self.zendesk.write_until(read_at + self.settings.submit_seconds)
        try:
            job = submit(self.zendesk, self.batch, {row: judged[row].write for row in rows})
        except TooManyJobsError:
            self._withdraw(claim, taken)
            return self.waiting.for_a_slot("Zendesk has too many jobs queued or running", JOBS_STEP)
        except UnavailableError as error:
            return self._not_answered(entry, taken, error)
        except RejectedError as error:
            refused = Judgment("rejected", f"Zendesk refused the whole job with {error.status}")
            judged = [refused if row.verdict is None else row for row in judged]
            self.register.write(claim)
            self._account(claim, judged, messages=dict.fromkeys(rows, error.vendor_message))
            raise
        entry = replace(entry, job_id=job.id)
        self.register.write(entry)
        log.info("%s: job %s submitted with %d rows", self.batch.name, job.id, len(entry.rows))
        return self._follow([entry], submitted=True)

    def _start_over(self, claim: OpenJob, taken: Sequence[Taken]) -> Reschedule:
        """Sends nothing: another process has the batch, an approval ended, or the rows were read too long ago."""
        self._withdraw(claim, taken)
        return self.waiting.reschedule("another process has this batch, or this one was held up", PROCESS_STEP)

    def _not_answered(self, entry: OpenJob, taken: Sequence[Taken], error: UnavailableError) -> Reschedule:
        """Comes back after a submit without a response: at once if nothing can have been sent."""
        if error.effect != "none":
            self._keep_calls(entry)
            settled = (entry.intended or entry.time) + self.register.settle_time
            why = f"the response to the submit was lost ({error.happened})"
            return self.waiting.reschedule(why, JOBS_STEP, since=entry.intended, not_before=settled)
        self._withdraw(entry, taken)
        if error.retry_after is None:
            raise error
        asked = self.now() + timedelta(seconds=error.retry_after)
        return self.waiting.reschedule(error.fact.removesuffix("."), BUSY_STEP, not_before=asked)

    # -- wait -----------------------------------------------------------------------------------------------

    def _follow(self, announced: Sequence[OpenJob], *, submitted: bool = False) -> Done | Reschedule:
        """Follows announced submits until no job of one can run any more, then accounts for its rows.

        Polls at growing intervals for this batch's share of the time that all batches have together, then gives the
        worker slot back. A job `submitted` just now is first polled after a wait, since jobs take seconds.
        """
        share = min(self.settings.polling_seconds / self.batch.of, self.settings.reschedule_seconds)
        leave, wait = self.now() + timedelta(seconds=share), self.settings.poll_seconds
        while True:
            for entry in announced if not submitted else ():
                if (done := self._poll(entry)) is not None:
                    return done
            submitted = False
            if self.now() + timedelta(seconds=wait) > leave:
                break
            self.sleep(wait)
            wait += self.settings.poll_seconds
        first = announced[0]
        self._keep_calls(first)
        return self.waiting.reschedule(
            f"job {first.job_id or '(response lost)'} is open", JOBS_STEP, since=first.intended
        )

    def _keep_calls(self, entry: OpenJob) -> None:
        """Remembers the calls until now, unless another process has settled or reported the entry meanwhile."""
        if self.register.unchanged(entry):
            self.register.write(replace(entry, calls=entry.calls + self.zendesk.calls))

    def _poll(self, entry: OpenJob) -> Done | Reschedule | None:
        """Checks an announced submit once. Returns None if it is open."""
        shown = self.register.shown(entry)
        if shown.refused is not None:
            return self._read_back_unasked(entry, shown.refused)
        if not shown.over:
            return None
        if shown.job is not None:
            return self._finish(entry, shown.job)
        log.warning("%s: the outcome of its job is unknown, and the job can no longer run", self.batch.name)
        self.register.write(replace(entry, settled=True))
        return self._write()

    def _read_back_unasked(self, entry: OpenJob, refused: RejectedError) -> Done | Reschedule | None:
        """Accounts for rows whose job may not be asked for: by what Zendesk shows, which is all that is wanted.

        Rows that it does not show may come yet, until the batch has waited too long.
        """
        judged = self.rows.judge_unread(entry.rows)
        if all_shown(entry.rows, judged):
            return self._account(entry, judged)
        if self.now() - (entry.intended or entry.time) > timedelta(minutes=self.settings.job_minutes):
            self.rows.archive_verdicts(replace(entry, sent=sent_by(self.register.claims())), judged, {})
            raise refused
        return None

    # -- account for every row ------------------------------------------------------------------------------

    def _finish(self, entry: OpenJob, job: Job) -> Done | Reschedule:
        """Accounts for the rows of a job that ended."""
        judged, messages = self.rows.judge_job(entry, job, lambda: self.sleep(self.settings.poll_seconds))
        return self._account(entry, judged, messages=messages)

    def _account(
        self, entry: OpenJob, judged: Sequence[Judgment], messages: Mapping[int, str] | None = None
    ) -> Done | Reschedule:
        """Archives every row's verdict, then removes the entry: a kill in between repeats verdicts, and loses none.

        Reports what any claim of the batch sent. Comes back if another process has announced a submit that is open.
        """
        entry = replace(entry, sent=sent_by([entry, *self.register.claims()]))
        verdicts = self.rows.archive_verdicts(entry, judged, messages or {})
        if self.register.close(entry):
            return Done(verdicts)
        return self.waiting.reschedule("another process of this batch has a job open", JOBS_STEP)

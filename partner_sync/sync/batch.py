"""Writes one batch: registered, read again, submitted once, waited for without holding a worker, accounted for by row.

One plan writes to an instance at a time, and the newest plan wins. The open-job register is the one memory of what was,
or may have been, sent: it outlives killed workers, cleared tasks and lost answers. The order of the steps is what makes
that true; `tests/protocol` runs them, as a model, through random schedules.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from partner_sync.archive.archive import Archive
from partner_sync.archive.records import OpenJob, RowVerdict
from partner_sync.config.settings import Sync
from partner_sync.errors import (
    JobPendingError,
    PartnerSyncError,
    RejectedError,
    SnapshotError,
    TooManyJobsError,
    UnavailableError,
)
from partner_sync.model import Batch, Create
from partner_sync.sync.clock_skew import refuse_ahead
from partner_sync.sync.register import Jobs, Register
from partner_sync.sync.verdicts import Judgement, Raw, Show, after_write, before_write, payload, refusals, told
from partner_sync.vendors.zendesk_client import Job

log = logging.getLogger(__name__)

JOBS_STEP = "Look at Zendesk's job statuses and its status page."
BUSY_STEP = "Look at who else uses Zendesk's API, and at its status page."
OTHERS_STEP = (
    "See in Airflow that their sync tasks go on, or clear them; they give way once they are gone and Zendesk has no job"
    " of theirs."
)

READS_BACK = 3
"""How often a row that Zendesk did not refuse, but that does not show, is read before that counts as a rejection."""


class BulkJobs(Jobs, Protocol):
    """What this module needs of a Zendesk instance; `partner_sync.zendesk.Zendesk` is one."""

    @property
    def calls(self) -> int: ...
    def show_many(
        self, *, ids: Sequence[int] | None = None, external_ids: Sequence[str] | None = None
    ) -> list[dict[str, Any]]: ...
    def create_many(self, rows: list[dict[str, Any]]) -> Job: ...
    def update_many(self, rows: list[dict[str, Any]]) -> Job: ...
    def update_alike(self, ids: Sequence[int], row: dict[str, Any]) -> Job: ...


@dataclass(frozen=True)
class ComeBack:
    """The batch is not done: give the worker slot back until `at`."""

    at: datetime
    why: str


@dataclass(frozen=True)
class Done:
    """Every change of the batch has its verdict, and the archive has them all."""

    verdicts: tuple[RowVerdict, ...]

    @property
    def counts(self) -> Counter[str]:
        return Counter(row.verdict for row in self.verdicts)


@dataclass(frozen=True)
class Visit:
    """One visit of one batch: what it works on, its settings, its clock, and which try it belongs to.

    `waiting_since` is when this try came first, `owner_gone_after` the execution time-out of the task.
    """

    batch: Batch
    zendesk: BulkJobs
    archive: Archive
    settings: Sync
    shown: Show
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    run_after: datetime
    try_number: int
    waiting_since: datetime
    owner_gone_after: timedelta

    @property
    def register(self) -> Register:
        return Register(self.archive, self.zendesk, self.batch, self.settings, self.now, self.owner_gone_after)

    def write(self) -> Done | ComeBack:
        """Takes the batch as far as it gets without waiting for long.

        Raises SnapshotError where the plan is too old, JobPendingError past the total bound, and what Zendesk's client
        raises; the register keeps what was sent, so any later visit goes on from there. Should there be none, the
        archive already says that what was sent is unknown.
        """
        try:
            return self._write()
        except PartnerSyncError as error:
            with suppress(PartnerSyncError):  # what is raised is what came first
                self._tell_unknown(error)
            raise

    def _write(self) -> Done | ComeBack:
        batch, entry = self.batch, self.register.own()
        if entry is None:
            return self._claim(OpenJob(batch.order, batch.name, batch.digest, self.now()))
        if entry.digest != batch.digest:
            raise SnapshotError(
                f"The open-job register has {batch.name} of plan {batch.order.plan_id} with other changes than its"
                " XCom. Clear compare with its downstream tasks: that makes a new plan."
            )
        return self._claim(entry) if entry.intended is None or entry.settled else self._follow(entry)

    # -- register, read again, submit -----------------------------------------------------------------------

    def _claim(self, earlier: OpenJob) -> Done | ComeBack:
        """Registers the batch and, where nothing newer or older stands in the way, writes what is left of it."""
        batch, register = self.batch, self.register
        refuse_ahead(batch, self.now())
        entry = replace(earlier, time=self.now(), intended=None, job_id=None, rows=(), settled=False)
        register.write(entry)
        latest = self.archive.latest(batch.instance)
        if latest is not None and latest.newer_than(batch.order):
            return self._give_way(entry, f"plan {latest.plan_id} is newer")
        if (blocked := register.blocked()) is not None:
            self._release(entry)
            return self._find_no_place(blocked, OTHERS_STEP)
        age = self.now() - batch.order.snapshot_begun
        if age > timedelta(hours=self.settings.max_plan_age_hours):
            self._give_way(entry, "its plan is too old")
            raise SnapshotError(
                f"{batch.name} belongs to a plan whose snapshot is {age.total_seconds() / 3600:.1f} h old; older than"
                f" {self.settings.max_plan_age_hours:g} h is not written. Clear the two gather tasks with downstream."
            )
        judged = self._judge_before_write()
        rows = tuple(position for position, row in enumerate(judged) if row.verdict is None)
        if rows and entry.submits >= self.settings.submits:
            lost = Judgement("unknown", f"the outcome of {entry.submits} jobs was lost and nothing of them shows")
            judged, rows = [lost if row.verdict is None else row for row in judged], ()
        if not rows:
            return self._account(entry, judged)
        return self._submit(entry, rows, judged)

    def _release(self, entry: OpenJob) -> None:
        """Takes a claim back. What was sent is remembered until it is told; that was within the limit before."""
        if entry.sent:
            self.register.write(entry)
        else:
            self.register.remove(entry)

    def _give_way(self, entry: OpenJob, why: str) -> Done:
        """Leaves the batch to a later plan; what an earlier visit may have written is still told as it came out."""
        judged = [Judgement("superseded", why)] * len(self.batch.changes)
        if entry.sent:
            found = self._judge_before_write()
            judged = [row if row.verdict == "confirmed" else left for row, left in zip(found, judged, strict=True)]
        return self._account(entry, judged)

    def _submit(self, claimed: OpenJob, rows: tuple[int, ...], judged: list[Judgement]) -> Done | ComeBack:
        """Announces the submit, sends it once, and remembers the job at once."""
        sent = tuple(sorted({*claimed.sent, *rows}))
        entry = replace(claimed, intended=self.now(), rows=rows, sent=sent, submits=claimed.submits + 1)
        self.register.write(entry)
        try:
            job = self._send(rows, judged)
        except TooManyJobsError:
            self._release(claimed)
            return self._find_no_place("Zendesk has too many jobs queued or running", JOBS_STEP)
        except UnavailableError as error:
            if error.effect == "none":
                self._release(claimed)
                if error.retry_after is None:
                    raise
                asked = self.now() + timedelta(seconds=error.retry_after)
                return self._wait(error.fact.removesuffix("."), BUSY_STEP, since=self.waiting_since, not_before=asked)
            self.register.write(replace(entry, calls=entry.calls + self.zendesk.calls))
            settled = self.now() + timedelta(seconds=self.settings.settle_seconds)
            return self._come_back(f"the answer to its submit was lost ({error.happened})", not_before=settled)
        except RejectedError as error:
            refused = Judgement("rejected", f"Zendesk refused the whole job with {error.status}")
            judged = [refused if row.verdict is None else row for row in judged]
            self._account(claimed, judged, words=dict.fromkeys(rows, error.words))
            raise
        entry = replace(entry, job_id=job.id)
        self.register.write(entry)
        log.info("%s: job %s submitted with %d rows", self.batch.name, job.id, len(entry.rows))
        return self._follow(entry, submitted=True)

    def _send(self, rows: Sequence[int], judged: Sequence[Judgement]) -> Job:
        bodies = [payload(self.batch.changes[row], judged[row].write) for row in rows]
        if self.batch.kind == "create":
            return self.zendesk.create_many(bodies)
        if self.batch.kind == "update":
            return self.zendesk.update_many(bodies)
        return self.zendesk.update_alike([body.pop("id") for body in bodies], bodies[0])

    # -- wait -----------------------------------------------------------------------------------------------

    def _find_no_place(self, why: str, step: str) -> ComeBack:
        """Batches that may not write yet come back in waves, not all at once."""
        wave = self.batch.index // self.settings.jobs_in_flight
        due = self.batch.order.made + timedelta(seconds=wave * self.settings.come_back_seconds)
        return self._wait(why, step, since=self.waiting_since, not_before=due)

    def _follow(self, entry: OpenJob, *, submitted: bool = False) -> Done | ComeBack:
        """Goes on with a batch whose submit was announced: once nothing of it can run any more, accounts for it.

        It polls for a share of the time that all batches have together, ever more seldom, then gives the worker slot
        back. A job that was `submitted` just now is not looked at before the first wait: it takes seconds.
        """
        share = min(self.settings.visit_seconds / self.batch.of, self.settings.come_back_seconds)
        leave, wait = self.now() + timedelta(seconds=share), self.settings.poll_seconds
        while True:
            if submitted:
                submitted = False
            elif (done := self._look_after(entry)) is not None:
                return done
            if self.now() + timedelta(seconds=wait) > leave:
                break
            self.sleep(wait)
            wait += self.settings.poll_seconds
        self.register.write(replace(entry, calls=entry.calls + self.zendesk.calls))
        why = f"job {entry.job_id or '(answer lost)'} is open"
        return self._wait(why, JOBS_STEP, since=entry.intended or entry.time)

    def _look_after(self, entry: OpenJob) -> Done | ComeBack | None:
        """One look at the job: None if it is open."""
        job = self.zendesk.job(entry.job_id) if entry.job_id else None
        if job is not None and not job.active:
            return self._finish(entry, job)
        if job is None and self.register.nothing_runs_of(entry):
            log.warning("%s: the outcome of its job is unknown and nothing of it can run", self.batch.name)
            return self._claim(entry)
        return None

    def _wait(self, why: str, step: str, *, since: datetime, not_before: datetime | None = None) -> ComeBack:
        """Comes back later, but not for ever."""
        if self.now() - since > timedelta(minutes=self.settings.job_minutes):
            raise JobPendingError(
                f"{self.batch.name} of plan {self.batch.order.plan_id} waits since {since:%H:%M:%S} UTC: {why}."
                f" {step} What was sent is remembered, the next try goes on."
            )
        return self._come_back(why, not_before=not_before)

    def _come_back(self, why: str, *, not_before: datetime | None = None) -> ComeBack:
        soonest = self.now() + timedelta(seconds=self.settings.come_back_seconds)
        return ComeBack(max(soonest, not_before or soonest), why)

    # -- account for every row ------------------------------------------------------------------------------

    def _finish(self, entry: OpenJob, job: Job) -> Done:
        """Reads the batch back after its job ended, and gives every row its verdict by what Zendesk shows."""
        words = refusals(job.results, [(row, self.batch.changes[row]) for row in entry.rows])
        if job.status != "completed":
            words = {row: words.get(row, f"job {job.status}: {job.message or 'no reason given'}") for row in entry.rows}
        judged: list[Judgement] = []
        for attempt in range(READS_BACK):
            if attempt:
                self.sleep(self.settings.poll_seconds)
            judged = self._judge_after_write(entry.rows, words)
            if not any(judged[row].verdict == "rejected" and row not in words for row in entry.rows):
                break
        return self._account(entry, judged, words=words)

    def _judge_before_write(self) -> list[Judgement]:
        pairs = zip(self.batch.changes, self._read_again(), strict=True)
        return [_seen(before_write(change, raw, self.shown), raw) for change, raw in pairs]

    def _judge_after_write(self, rows: Collection[int], words: Mapping[int, str]) -> list[Judgement]:
        judged = []
        for position, (change, raw) in enumerate(zip(self.batch.changes, self._read_again(), strict=True)):
            if position in rows:
                judged.append(_seen(after_write(change, raw, self.shown, words.get(position)), raw))
                continue
            left = before_write(change, raw, self.shown)
            gone_back = Judgement("superseded", "changed by others after it was read again; the next run plans afresh")
            judged.append(_seen(gone_back if left.verdict is None else left, raw))
        return judged

    def _read_again(self) -> list[Raw | None]:
        """The batch's organizations as Zendesk has them now, in the batch's order; None where there is none.

        A create is looked for by its `external_id`, which Zendesk holds unique without regard to case.
        """
        changes = self.batch.changes
        if self.batch.kind == "create":
            raws = self.zendesk.show_many(external_ids=[change.account_id for change in changes])
            by_account = {str(raw.get("external_id")).casefold(): raw for raw in raws}
            return [by_account.get(change.account_id.casefold()) for change in changes]
        ids = [change.organization_id for change in changes if not isinstance(change, Create)]
        by_id = {raw["id"]: raw for raw in self.zendesk.show_many(ids=ids)}
        return [by_id.get(change.organization_id) for change in changes]

    def _account(self, entry: OpenJob, judged: Sequence[Judgement], words: Mapping[int, str] | None = None) -> Done:
        """Archives a verdict for every row, then closes the entry: a kill in between is told twice, never lost."""
        verdicts = self._told(entry, judged, words or {})
        self.archive.write_verdicts(self.run_after, verdicts)
        self.register.remove(entry)
        self.archive.forget_candidate_jobs(self.batch.instance, entry)
        return Done(verdicts)

    def _tell_unknown(self, error: Exception) -> None:
        """Archives that nobody knows what became of a batch that was sent; a later try that finds out is the newer.

        What was told after the last submit stays: only the end of the entry can have failed then.
        """
        batch, entry = self.batch, self.register.own()
        if entry is None or not entry.sent:
            return
        told_at = self.archive.told(batch.run_id, self.run_after, batch.order.plan_id, batch.name)
        if entry.intended is not None and told_at is not None and told_at >= entry.intended:
            return
        failed = f"its task failed before it was read back ({type(error).__name__})"
        sent, not_sent = Judgement("unknown", f"sent, but {failed}"), Judgement("unknown", f"not sent, and {failed}")
        judged = [sent if row in entry.sent else not_sent for row in range(len(batch.changes))]
        self.archive.write_verdicts(self.run_after, self._told(entry, judged, {}))

    def _told(self, entry: OpenJob, judged: Sequence[Judgement], words: Mapping[int, str]) -> tuple[RowVerdict, ...]:
        calls = entry.calls + self.zendesk.calls
        return told(self.batch, entry, judged, words, at=self.now(), try_number=self.try_number, calls=calls)


def _seen(judgement: Judgement, raw: Raw | None) -> Judgement:
    """With the id of the organization that was looked at: of a create, nobody knew it before."""
    return judgement if raw is None else replace(judgement, organization_id=raw["id"])

"""The steps of a process that may write: decisions, re-read, announce, take, the last look, submit."""

from __future__ import annotations

from dataclasses import replace

from tests.protocol.attempt import Attempt
from tests.protocol.records import Job
from tests.protocol.rules import DEADLINE, SUBMITS, TIMEOUTS


class Submission(Attempt):
    """Every step of a batch that may write, up to its job."""

    def read_decisions(self) -> None:
        """Drops rows whose decisions are no longer in force, and takes every approval of the others."""
        plan, decisions = self.plan, self.decisions
        self.write, self.verdicts, self.takes = {}, {}, set()
        for row in self.batch.rows:
            if self.rules.first_decisions and not decisions.stand(plan, row):
                self.verdicts[row] = "superseded"
                continue
            self.write[row] = plan.changes[row]
            if row in plan.allowed:
                self.takes |= decisions.approvals(plan.changes[row]) | plan.allowed[row]
        self.step = "reread"

    def reread(self) -> None:
        """Judges each field on its own: as desired, as before (only these are written), or changed by others."""
        self.read_at = self.time
        for row, change in list(self.write.items()) * self.rules.rereads:
            left = self._as_before(change)
            if left:
                self.write[row] = replace(change, fields=left) if self.rules.field_by_field else change
            else:
                del self.write[row]
                self.verdicts[row] = "confirmed" if self._shows(row, change) else "superseded"
        if self.write and self.claimed.submits >= SUBMITS:
            self.verdicts |= dict.fromkeys(self.write, "unknown")
            self.write = {}
        self.takes = {one for one in self.takes if one.row in self.write}
        self.step = "compare_claims" if self.write else "report"

    def compare_claims(self) -> None:
        """Else the announcement could bring back a claim that was settled meanwhile."""
        if self.rules.first_claims and not self._claim_holds():
            self._send_nothing()
        else:
            self.step = "announce"

    def announce(self) -> None:
        """Writes *intended* into the claim."""
        self.announced = replace(
            self.claimed,
            intended=self.time,
            newest=self.newest_job,
            rows=tuple(self.write),
            sent=self.claimed.sent | self.write.keys(),
            submits=self.claimed.submits + 1,
        )
        self.register.write(self.announced)
        self.looked_at = self.time
        self.step = "take" if self.takes and self.rules.taken_before else "look_at_decisions"

    def take(self) -> None:
        """Takes every approval in force of the rows, by an object that names the claim."""
        self.archive.taken |= {(one, *self.own) for one in self.takes}
        self.step = "look_at_decisions"

    def look_at_decisions(self) -> None:
        """The last look, first part."""
        self.step = "look_at_latest"
        if self.rules.last_decisions:
            self.looked_at = self.time
            if not all(self.decisions.stand(self.plan, row, self.own) for row in self.write):
                self._send_nothing()

    def look_at_latest(self) -> None:
        """The last look, second part."""
        if not self.rules.last_decisions:
            self.looked_at = self.time
        self.saw_plan = self.rules.last_latest and self.plan in self.archive.latest
        match self._see_latest() if self.rules.last_latest else "own":
            case "own":
                self.step = "look_at_claims"
            case "newer":
                self._take_back()
                self._release()
                self.step = "give_way"
            case "wrong":
                self._take_back()
                self._raise_snapshot_error()

    def look_at_claims(self) -> None:
        """The last look, third part."""
        if self.rules.last_claims and not self._claim_holds():
            self._send_nothing()
        else:
            self.step = "submit"

    def submit(self) -> None:
        """Sends one job, if the announcement is young enough."""
        if self.rules.deadline and self.time - self.announced.intended > DEADLINE:
            self._send_nothing()
            return
        job = Job(self.batch, dict(self.write), read=self.read_at, todo=list(self.write))
        job.by = {row: frozenset(one for one in self.takes if one.row == row) for row in self.write}
        answer = self.world.submit(self, job)
        if answer == "refused":
            self._send_nothing()
        elif answer == "lost":
            self.step, self.wake = "response_lost", self.time + TIMEOUTS
        else:
            self.job, self.step = job, "register_job"

    def response_lost(self) -> None:
        """The job may exist: approvals stay taken, and a later visit follows the announcement."""
        if not self.rules.taken_kept:
            self._untake()
        self._come_back()

    def register_job(self) -> None:
        """Writes the job id into the claim."""
        self.register.write(replace(self.announced, job=self.job))
        self._come_back()

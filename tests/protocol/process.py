"""A process of a batch, with its last steps: follow what was announced, read back, report, close."""

from __future__ import annotations

from dataclasses import replace

from tests.protocol.admission import Admission
from tests.protocol.records import Verdicts
from tests.protocol.submission import Submission


class Process(Admission, Submission):
    """Begins at `start`. A later visit of the same task is a process of its own."""

    def follow(self) -> None:
        """Follows what an earlier visit, or another process of the batch, announced."""
        announced = self.register.announced()
        claim = next((claim for claim in announced if self.register.nothing_runs(claim)), None)
        if not announced:
            self.step = "start"
        elif claim is None:
            self._come_back()
        elif self.register.ended(claim):
            self.claimed, self.step = claim, "read_back"
        else:
            self.register.write(replace(claim, settled=True))
            self.step = "start"

    def read_back(self) -> None:
        """Zendesk drops nothing silently in the model: a row that shows its old values was refused, or set back."""
        for row in self.batch.rows:
            change = self.plan.changes[row]
            refused = row in self.claimed.rows and row in self.claimed.job.refused and self._as_before(change)
            shown = self._shows(row, change)
            self.verdicts[row] = "confirmed" if shown else "rejected" if refused else "superseded"
        if not self.rules.taken_before:
            taken = (one for row in self.claimed.rows for one in self.claimed.job.by[row])
            self.archive.taken |= {(one, *self.own) for one in taken}
        self.step = "report"

    def report(self) -> None:
        """A row counts as sent if any claim of the batch sent it."""
        claims = self.archive.of(self.batch) if self.rules.own_claims else []
        self.claimed = replace(self.claimed, sent=self.claimed.sent.union(*(claim.sent for claim in claims)))
        rows = {row: (self.verdicts.get(row, "unknown"), row in self.claimed.sent) for row in self.batch.rows}
        self.world.report(self.batch, Verdicts(self.time, "owner", rows))
        self.step = "close"

    def close(self) -> None:
        """Removes the own claim, and others that were reported and that no process has announced."""
        for claim in self.archive.of(self.batch):
            reported = claim.sent <= self.claimed.sent and not claim.announced
            if claim.token == self.claimed.token or reported or not self.rules.own_claims:
                self.register.remove(claim)
        if self.rules.settles_own and self.register.announced():
            self._come_back()
        else:
            self.world.end(self)


class Settler(Process):
    """What `compare` does after it named a plan without batches: no batch would settle what is abandoned."""

    def find(self) -> None:
        abandoned = (claim for claim in self.register.others() if self.register.abandoned(claim))
        self.settling, self.step = next(abandoned, None), "settle_read"
        if self.settling is None:
            self.world.end(self)

    def settle(self) -> None:
        super().settle()
        self.step = "find"

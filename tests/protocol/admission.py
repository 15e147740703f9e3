"""The steps of a process up to the permission to write: claim, look, count, and settle what others abandoned."""

from __future__ import annotations

from dataclasses import replace

from tests.protocol.attempt import Attempt
from tests.protocol.records import Claim, Verdicts


class Admission(Attempt):
    """Every step before the batch may write."""

    def start(self) -> None:
        """Reads the batch's claims: follows an announced one, else makes one that knows what they sent."""
        self.began = self.time
        if self.register.announced() and self.rules.settles_own:
            self.step = "follow"
            return
        claims = self.archive.of(self.batch)
        sent = frozenset(row for claim in claims for row in claim.sent)
        self.claimed = Claim(self.batch, sent=sent, submits=max((claim.submits for claim in claims), default=0))
        self.counted = self.register.others()
        self.step = "claim"

    def claim(self) -> None:
        """Writes an object with a token of its own."""
        self.claimed = replace(self.claimed, token=self.world.next_id(), time=self.time)
        self.register.write(self.claimed)
        self.step = "look"

    def look(self) -> None:
        """Looks at the latest plan."""
        match self._see_latest():
            case "own":
                self.step = "count"
            case "newer":
                self.step = "give_way"
            case "wrong":
                self._raise_snapshot_error()

    def give_way(self) -> None:
        """Leaves the batch to a newer plan. Rows that an earlier visit wrote keep the verdict "confirmed"."""
        for row in self.batch.rows:
            shown = self._shows(row, self.plan.changes[row])
            self.verdicts[row] = "confirmed" if shown and self.claimed.sent else "superseded"
        self.step = "report"

    def count(self) -> None:
        """Waits for claims of older plans and for a free slot; settles those among them that are abandoned.

        The newest job now is the last one that a search for the job of a lost submit has to read.
        """
        register, stored = self.register, self.register.stored(self.claimed)
        self.newest_job = self.zendesk.newest_job()
        if stored is None or stored.settled:
            self._come_back()
            return
        blocking = register.blocking(register.others() if self.rules.claims_first else self.counted)
        self.settling = next((claim for claim in blocking if register.abandoned(claim)), None)
        if self.settling is not None:
            self.step = "settle_read"
        elif blocking:
            self._release()
            self._come_back(4)
        else:
            self.step = "read_decisions"

    def settle_read(self) -> None:
        """Reads the rows of an abandoned claim back and reports them."""
        claim, self.step = self.settling, "settle"
        if not self.rules.settler_reports or not claim.sent:
            return
        rows = {}
        for row in claim.batch.rows:
            verdict = "unknown" if row in claim.sent else "superseded"
            shown = self._shows(row, claim.batch.plan.changes[row])
            rows[row] = ("confirmed" if shown else verdict, row in claim.sent)
        self.world.report(claim.batch, Verdicts(self.time, "settler", rows))

    def settle(self) -> None:
        """It stays if rows were sent, since its batch may resume and must know them."""
        claim, self.step = self.settling, "count"
        if self.register.stored(claim) is not claim:
            return
        if claim.sent:
            self.register.write(replace(claim, settled=True))
            claim.batch.settled_silently |= not self.rules.settler_reports
        else:
            self.register.remove(claim)

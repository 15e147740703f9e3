"""What one batch sees in the open-job register: which claims block it, and what may still run of a claim."""

from __future__ import annotations

from dataclasses import dataclass

from tests.protocol.records import Archive, Batch, Claim
from tests.protocol.rules import DEADLINE, GONE, LAG, TIMEOUTS, Rules
from tests.protocol.zendesk import Zendesk


@dataclass(frozen=True)
class Register:
    archive: Archive
    batch: Batch
    zendesk: Zendesk
    rules: Rules
    limit: int

    def key(self, claim: Claim) -> tuple[Batch, int]:
        """The name of a claim's object."""
        return claim.batch, claim.token if self.rules.own_claims else 0

    def write(self, claim: Claim) -> None:
        self.archive.claims[self.key(claim)] = claim

    def remove(self, claim: Claim) -> None:
        self.archive.claims.pop(self.key(claim), None)

    def stored(self, claim: Claim) -> Claim | None:
        """The claim as it is now."""
        return self.archive.claims.get(self.key(claim))

    def announced(self) -> list[Claim]:
        return [claim for claim in self.archive.of(self.batch) if claim.announced]

    def others(self) -> list[Claim]:
        """Open claims of other batches."""
        return [claim for claim in self.archive.claims.values() if claim.batch is not self.batch and not claim.settled]

    def blocking(self, counted: list[Claim]) -> list[Claim]:
        """Open claims of older plans; else those counted that may have a job that runs, if of `limit` batches."""
        if self.rules.waits_for_older:
            older = [claim for claim in self.others() if claim.batch.plan.rank < self.batch.plan.rank]
            if older:
                return older
        may_run = [claim for claim in counted if not self.ended(claim)]
        if self.rules.jobs_limit and len({claim.batch for claim in may_run}) >= self.limit:
            return may_run
        return []

    def ended(self, claim: Claim) -> bool:
        """Whether Zendesk shows that the job of a claim has ended. A job it does not know counts as running."""
        job = self.zendesk.job(claim.job) if claim.job else None
        return job is not None and not job.runs

    def nothing_runs(self, claim: Claim) -> bool:
        """Whether nothing of an announced claim can run any more.

        Without a job that Zendesk knows, this takes the time in which its submit may begin and arrive, and its job
        appear in the list. Then only a job that ran at the first look and that no other claim names can be it.
        """
        rules, zendesk = self.rules, self.zendesk
        if claim.job is not None:
            if zendesk.job(claim.job) is not None:
                return self.ended(claim)
            if not rules.job_404:
                return True
        wait = 1 + TIMEOUTS * rules.waits_for_timeouts + DEADLINE * rules.deadline + LAG * rules.waits_for_lag
        if zendesk.time < claim.intended + wait:
            return False
        named = {other.job for key, other in self.archive.claims.items() if key != self.key(claim)}
        known = claim.newest if rules.known_before else zendesk.newest_job()
        running = set(zendesk.running_jobs(known)) - named
        if rules.first_look:
            running &= self.archive.candidates.setdefault((claim.batch, claim.intended), running)
        return not running

    def abandoned(self, claim: Claim) -> bool:
        """Whether the owner of another batch's claim can no longer submit, and nothing of it runs."""
        if self.zendesk.time - claim.time <= GONE:
            return False
        return claim.intended is None or self.nothing_runs(claim)

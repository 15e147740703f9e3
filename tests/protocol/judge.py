"""Judges a schedule by what really happened, whatever the archive remembers.

A finding marked "[lost]" has its cause in what the archive lost, or in a process that wrote to a wrong one. "[window]":
what the process saw in its last look changed before its submit. Findings in parentheses are counted only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from tests.protocol.records import Archive, Batch, Claim, Decision, Job, Plan, Verdicts
from tests.protocol.rules import DEADLINE, MAX_AGE, Rules

LOST, WINDOW = " [lost]", " [window]"


def enough(approvals: Iterable[Decision], people: int, *, different_users: bool = True) -> bool:
    """Whether so many people approve."""
    approvals = list(approvals)
    return len({one.user for one in approvals} if different_users else approvals) >= people


class Judge:
    """`found` counts what went wrong, by description."""

    def __init__(self, rules: Rules, people: int, limit: int, say: Callable[..., None]) -> None:
        self.rules, self.people, self.limit, self.say = rules, people, limit, say
        self.time = 0
        self.found: Counter[str] = Counter()
        self.written_from: dict[int, Plan] = {}
        self.lost_plans: set[Plan] = set()
        self.lost_batches: set[Batch] = set()

    def bad(self, what: str, mark: str = "") -> None:
        self.found[what + mark] += 1
        self.say("!!!!", what + mark)

    def broken(self) -> Counter[str]:
        """Findings that nothing but the rules explains."""
        return Counter({what: times for what, times in self.found.items() if what[0] != "(" and what[-1] != "]"})

    def _lost(self, *batches: object) -> str:
        return LOST if self.lost_batches & set(batches) else ""

    # -- what the archive loses -------------------------------------------------------------------------------

    def lost(self, old: Archive, new: Archive, decisions: list[Decision]) -> None:
        """The folder is replaced: notes which plans, claims and decisions this forgets."""
        self.lost_plans |= old.latest - new.latest
        self.lost_batches |= {key[0] for key, claim in old.claims.items() if new.claims.get(key) != claim}
        for one in decisions:
            taken = {entry for entry in old.taken if entry[0] is one} - new.taken
            ended = one in (old.withdrawn | old.ended) - (new.withdrawn | new.ended)
            if taken or ended or (one.kind != "allow" and one in old.decisions - new.decisions):
                self.lost_row(decisions, {one.row})

    def lost_row(self, decisions: list[Decision], rows: set[int]) -> None:
        for one in decisions:
            one.lost |= one.row in rows

    def restore_ended(self, one: Decision) -> None:
        one.ended = self.time if one.ended is None else one.ended
        if not one.wanted_otherwise:
            self.bad("restore ended although the mapping never wanted anything else")

    # -- a submit -----------------------------------------------------------------------------------------------

    def submitted(self, job: Job, claim: Claim, archive: Archive, real: Archive, looked: int, saw_plan: bool) -> None:
        """`archive` is what the process took for the archive, `looked` when its last look began."""
        plan, own = job.batch.plan, archive.claims.get((job.batch, claim.token if self.rules.own_claims else 0))
        if archive is not real or plan not in real.latest:
            job.late = LOST
        elif own is None or own.settled or own.token != claim.token or real.newest() is not plan:
            job.late = WINDOW
        if archive is not real or plan not in archive.latest:
            mark = LOST if plan in archive.latest else WINDOW * saw_plan
            self.bad("sent without its plan in the archive", mark)
        if self.time - plan.begun > MAX_AGE + DEADLINE:
            self.bad("sent from a plan that is too old")
        for row, change in job.rows.items():
            unapproved = {field for field, _, after in change.fields if field == 0 and after == 2}
            unapproved -= {field for one in plan.restores.get(row, ()) for field, _, _ in one.change.fields}
            if unapproved and row not in plan.allowed:
                self.bad("held row sent without an approval")
            if row in plan.allowed:
                self._approved(job, row, archive is not real, looked)
            self._restored(plan, row, archive is not real, looked)
        for one in (one for row in job.by.values() for one in row):
            one.sends += 1

    def _approved(self, job: Job, row: int, wrong_archive: bool, looked: int) -> None:
        plan = job.batch.plan
        change, known = plan.changes[row], plan.allowed[row]
        if not set(job.rows[row].fields) <= set(change.fields) or any(one.change != change for one in known):
            self.bad("sent by an approval of another row")
        unexpired = {one for one in known if one.at <= plan.made and one.until >= looked}
        if enough((one for one in unexpired if not one.ended_by(looked)), self.people):
            return
        lost = any(one.lost for one in known) or wrong_archive
        if not enough(known, self.people):
            why = "too few approvals"
        else:
            why = "an ended approval" if enough(unexpired, self.people) else "an expired approval"
        self.bad(f"sent by {why}", LOST * lost)

    def _restored(self, plan: Plan, row: int, wrong_archive: bool, looked: int) -> None:
        for one in plan.restores.get(row, ()):
            if one.ended_by(looked):
                self.bad("sent by an ended restore", LOST * (one.lost or wrong_archive))

    # -- what Zendesk does ----------------------------------------------------------------------------------------

    def accepted(self, jobs: list[Job]) -> None:
        running = [job for job in jobs if job.batch is not None and job.state in ("queued", "working")]
        if len(running) > self.limit:
            late = LOST if self.lost_batches & {job.batch for job in running} else max(job.late for job in running)
            self.bad("more jobs than the limit", late)

    def created_twice(self, job: Job, maker: Job | None) -> None:
        self.bad("created twice", self._lost(job.batch, maker.batch if maker else None) or job.late)

    def executed(self, job: Job, row: int, now: list[int] | None, edited: list[tuple[int, object]]) -> None:
        batch, change = job.batch, job.rows[row]
        batch.executed.add(row)
        newest = self.written_from.get(row, batch.plan)
        if batch.plan.begun < newest.begun:
            lost = LOST if newest in self.lost_plans else self._lost(batch)
            self.bad("stale write", lost or job.late)
        else:
            self.written_from[row] = batch.plan
        for field, before, after in change.fields:
            at, who = edited[field]
            if now is not None and now[field] == after and isinstance(who, Batch):
                self.bad("written twice for nothing", self._lost(batch, who) or job.late)
            if now is not None and who == "person" and now[field] not in (before, after):
                early = at < job.read
                self.bad("person's edit overwritten" if early else "(person's edit after the last read overwritten)")
        for one in job.by.get(row, ()):
            one.writes += 1
        for one in batch.plan.restores.get(row, ()):
            ((restored, *known),) = one.change.fields
            if any(field == restored and before not in known for field, before, _ in change.fields):
                self.bad("restored over a value that is neither the run's nor the one before it")
        self.found["(written by approval)"] += row in batch.plan.allowed
        self.found["(restored)"] += row in batch.plan.restores

    # -- the end ----------------------------------------------------------------------------------------------------

    def ended(self, decisions: list[Decision], batches: list[Batch]) -> None:
        for one in decisions:
            if one.kind == "allow" and one.writes > 1:
                self.bad("two writes by one approval", LOST * one.lost)
        for batch in batches:
            if batch.verdicts:
                self._verdicts_true(batch)
            elif batch.executed and batch.settled_silently:
                self.bad("settled without a verdict")

    def _verdicts_true(self, batch: Batch) -> None:
        """A row that Zendesk executed was sent, and not rejected, unless another job of its batch refused it."""
        newest = max(batch.verdicts, key=lambda report: report.at)
        counted = newest
        if not self.rules.newest_verdict:
            counted = max(batch.verdicts, key=lambda report: (report.by == "settler", report.at))
        tries: list[Verdicts] = batch.verdicts if self.rules.any_try else [counted]
        for row in batch.executed:
            verdict = counted.rows[row][0]
            if verdict == "unknown" and newest.rows[row][0] == "confirmed":
                self.bad("verdict hidden by an older one")
            sent = any(report.rows[row][1] for report in tries)
            if (verdict == "rejected" and row not in batch.refused) or (not sent and verdict != "unknown"):
                self.bad(f"false verdict ({verdict}, {'sent' if sent else 'not sent'})", self._lost(batch))

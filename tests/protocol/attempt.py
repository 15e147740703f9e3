"""The writing protocol: one process of a batch, from its claim until every row has a verdict.

`step` names the next method to run. Each step reads or writes the archive once, or calls Zendesk once, so that anything
may happen between two of them. How they map to `partner_sync/sync/`:

| steps | here | there |
|---|---|---|
| claim, look, give way | `admission.py` | `batch.py` |
| count, settle, and what may still run of a claim | `admission.py`, `register.py` | `register.py` |
| decisions, announce, take, last look, submit, register the job | `submission.py` | `batch.py` |
| follow, report, close | `process.py` | `batch.py` |
| re-read, read back | `submission.py`, `process.py` | `batch_rows.py`, `verdicts.py` |
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.protocol.judge import LOST
from tests.protocol.records import Archive, Batch, Change, Claim, Decision, Job, Verdicts
from tests.protocol.register import Register
from tests.protocol.rules import LOOKS, MAX_AGE
from tests.protocol.runs import Decisions

if TYPE_CHECKING:
    from tests.protocol.world import World


@dataclass(eq=False)
class Attempt:
    """What all steps share. What a process remembers dies with it.

    `cut_off`: Airflow takes it for dead, and has started another one.
    """

    world: World
    batch: Batch
    archive: Archive
    number: int
    began: int
    step: str = "start"
    wake: int = 0
    cut_off: bool = False
    looks: int = 0
    counted: list[Claim] = field(default_factory=list)
    claimed: Claim | None = None
    announced: Claim | None = None
    settling: Claim | None = None
    newest_job: Job | None = None
    verdicts: dict[int, str] = field(default_factory=dict)
    write: dict[int, Change] = field(default_factory=dict)
    takes: set[Decision] = field(default_factory=set)
    read_at: int = 0
    looked_at: int = 0
    saw_plan: bool = False
    job: Job | None = None

    def __post_init__(self) -> None:
        self.rules, self.plan, self.zendesk = self.world.rules, self.batch.plan, self.world.zendesk
        self.register = Register(self.archive, self.batch, self.zendesk, self.rules, self.world.limit)

    def __str__(self) -> str:
        kind = "cut off" if self.cut_off else "process"
        wrong = " with a wrong archive" if self.archive is not self.world.archive else ""
        return f"  {kind} {self.number} of plan {self.plan.id} {self.batch.kind} {self.batch.rows}{wrong}:"

    @property
    def time(self) -> int:
        return self.world.time

    @property
    def decisions(self) -> Decisions:
        return Decisions(self.archive, self.rules, self.world.people, self.time)

    @property
    def own(self) -> tuple[Batch, int]:
        return self.batch, self.claimed.token

    # -- what it sees --------------------------------------------------------------------------------------

    def _shows(self, row: int, change: Change) -> bool:
        now = self.zendesk.organizations[row]
        return now is not None and all(now[at] == after for at, _, after in change.fields)

    def _as_before(self, change: Change) -> tuple[tuple[int, int | None, int], ...]:
        """Fields that Zendesk shows as the plan read them; of a create, all or none."""
        now = self.zendesk.organizations[change.row]
        if change.create or now is None:
            return change.fields if change.create and now is None else ()
        return tuple(one for one in change.fields if now[one[0]] == one[1])

    def _see_latest(self) -> str:
        """Returns "own", "newer" (so is any plan than one that is too old), "wrong" or, to look once more, "again"."""
        newest = self.world.list_latest(self.archive, self.looks)
        if newest == "foreign" or (self.rules.max_plan_age and self.time - self.plan.begun > MAX_AGE):
            return "newer"
        if newest is not None and newest.rank >= self.plan.rank:
            self.looks = 0
            return "newer" if newest.rank > self.plan.rank else "own"
        if not (self.rules.refuses_none if newest is None else self.rules.refuses_older):
            return "own"
        self.looks += 1
        if self.looks < LOOKS - 1 + self.rules.three_looks:
            self.wake = self.time + 2
            return "again"
        if self.archive is self.world.archive and self.plan not in self.world.judge.lost_plans:
            self.world.judge.bad("refused although the archive is the one that compare wrote to")
        return "wrong"

    def _claim_holds(self) -> bool:
        """The claim exists and is not settled; no process of the batch claimed since, announced or reported."""
        own = self.register.stored(self.claimed)
        if own is None or own.settled:
            return False
        if self.rules.verdicts_since and any(report.at > own.time for report in self.batch.verdicts):
            return False
        others = [claim for claim in self.archive.of(self.batch) if claim.token != own.token and not claim.settled]
        return not self.rules.others_yield or not any(
            claim.intended is not None or claim.time > self.claimed.time for claim in others
        )

    # -- ways out ------------------------------------------------------------------------------------------

    def _take_back(self) -> None:
        """Nothing was sent: removes what its own claim took, and nothing that another one took."""
        archive, judge = self.archive, self.world.judge
        for one in self.takes & archive.moved - archive.withdrawn if self.own in archive.claims else ():
            by = [claim for other, *claim in archive.taken if other is one]
            if by == [[*self.own]] and one.until >= self.time:
                judge.bad("approval moved, nothing sent", LOST * one.lost)
        if self.rules.taken_back:
            self._untake()
        elif self.takes:
            self.world.judge.bad("approval spent, nothing sent")

    def _untake(self) -> None:
        for one in self.takes:
            self.archive.taken = {entry for entry in self.archive.taken if entry[0] is not one or entry[1:] != self.own}

    def _release(self) -> None:
        """Withdraws the claim. What earlier ones sent stays known; it blocks nobody."""
        if self.claimed.sent:
            self.register.write(replace(self.claimed, settled=self.rules.released_is_settled))
        else:
            self.register.remove(self.claimed)

    def _send_nothing(self) -> None:
        """Starts over; a process that was cut off leaves the batch to the other one."""
        self._take_back()
        self._release()
        if self.cut_off:
            self.world.end(self)
        else:
            self._come_back()

    def _raise_snapshot_error(self) -> None:
        """Nothing of this visit was sent; what an earlier one sent stays registered, and is reported as unknown."""
        if self.claimed.sent:
            rows = {row: ("unknown", row in self.claimed.sent) for row in self.batch.rows}
            self.world.report(self.batch, Verdicts(self.time, "owner", rows))
        self._release()
        self.world.end(self)

    def _come_back(self, after: int = 2) -> None:
        """A later visit is a process of its own: only the archive remembers."""
        self.step, self.looks, self.claimed, self.announced, self.job = "start", 0, None, None, None
        self.write, self.takes = {}, set()
        self.wake = self.began = self.time + after

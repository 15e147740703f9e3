"""Runs up to `compare`: two reads, a plan made from them and from decisions, and its name in `latest/`."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.protocol.judge import Judge, enough
from tests.protocol.records import Archive, Batch, Change, Decision, Plan
from tests.protocol.rules import Rules


@dataclass(frozen=True)
class Decisions:
    """The decisions of an archive at one moment, for two people where `people` is 2."""

    archive: Archive
    rules: Rules
    people: int
    time: int

    def approvals(self, change: Change, own: tuple[Batch, int] | None = None) -> frozenset[Decision]:
        """Approvals in force for a change; what the claim `own` (batch, token) took does not count as taken."""
        archive, exact = self.archive, self.rules.exact_row
        known = [one for one in archive.decisions if one.kind != "restore"]
        known = [one for one in known if (one.change == change if exact else one.row == change.row)]
        leaves = [one for one in known if one.kind == "leave"]
        if not self.rules.leave_is_final:
            leaves = [one for one in leaves if one not in archive.withdrawn]
        left = max((one.at for one in leaves), default=-1)
        taken = {one for one, *claim in archive.taken if tuple(claim) != own}
        return frozenset(
            one
            for one in known
            if one.kind == "allow" and one.at > left and one.until >= self.time
            if one not in archive.withdrawn and one not in taken
        )

    def enough(self, approvals: frozenset[Decision]) -> bool:
        return enough(approvals, self.people, different_users=self.rules.different_users)

    def restores(self) -> list[Decision]:
        """Restores in force, oldest first."""
        over = self.archive.withdrawn | self.archive.ended
        return sorted(
            (one for one in self.archive.decisions if one.kind == "restore" and one not in over), key=lambda one: one.id
        )

    def stand(self, plan: Plan, row: int, own: tuple[Batch, int] | None = None) -> bool:
        """Whether the decisions that a plan was made with for a row are still in force."""
        if row in plan.allowed and not self.enough(plan.allowed[row] & self.approvals(plan.changes[row], own)):
            return False
        return plan.restores.get(row, frozenset()) <= set(self.restores())


@dataclass(eq=False)
class Run:
    """One run, or `compare` cleared on the snapshots of an earlier one."""

    dry: bool = False
    step: str = "read_accounts"
    wake: int = 0
    begun: int = 0
    accounts: list[list[int]] = field(default_factory=list)
    organizations: list[list[int] | None] = field(default_factory=list)
    plan: Plan | None = None
    held: list[Change] = field(default_factory=list)
    over: list[Decision] = field(default_factory=list)
    """Restores that this plan shows to have ended."""
    seen: Plan | None = None
    """The latest plan as `compare` read it, where one object names it."""

    def compare(self, number: int, decisions: Decisions) -> Plan:
        """Plans every row. A value of 2 in the first field is over a limit: held, unless approved or restored."""
        rules, time = decisions.rules, decisions.time
        plan = Plan(number, self.begun, time, (self.begun, time) if rules.snapshot_order else (time, number))
        self.held = []
        self.over = [one for one in decisions.restores() if self._shows_end(one, rules)]
        restores = [one for one in decisions.restores() if one not in self.over]
        for row in range(len(self.accounts)):
            self._plan_row(row, plan, decisions, [one for one in restores if one.row == row])
        self.plan = plan
        return plan

    def _shows_end(self, restore: Decision, rules: Rules) -> bool:
        ((at, wrote, _),) = restore.change.fields
        since = self.begun > restore.at or not rules.restore_since
        return since and self.accounts[restore.row][at] != wrote

    def _plan_row(self, row: int, plan: Plan, decisions: Decisions, restores: list[Decision]) -> None:
        wanted, now = self.accounts[row], self.organizations[row]
        if now is None:
            change, used = Change(row, True, tuple((at, None, value) for at, value in enumerate(wanted))), {}
        else:
            change, used = difference(row, wanted, now, restores, spares=decisions.rules.restore_spares)
        if not change.fields:
            return
        if any(at == 0 and after == 2 and at not in used for at, _, after in change.fields):
            approvals = decisions.approvals(change)
            if not decisions.enough(approvals):
                self.held.append(change)
                return
            plan.allowed[row] = approvals
        plan.changes[row] = change
        if used:
            plan.restores[row] = frozenset(used.values())

    def name(self, archive: Archive, rules: Rules, judge: Judge) -> None:
        """The last act of `compare`: its batches start only now."""
        if rules.name_per_plan:
            archive.latest.add(self.plan)
        elif self.seen is None or self.plan.rank > self.seen.rank:
            archive.latest = {self.plan}
        for one in self.over:
            judge.restore_ended(one)
            if rules.restore_ends:
                archive.ended.add(one)
        move_ended(archive, rules, judge.time)


def move_ended(archive: Archive, rules: Rules, time: int) -> None:
    """Takes decisions that are over out of the sight of the last looks; what is said about them stays."""
    used = {one for one, *claim in archive.taken if not rules.moves_unclaimed or tuple(claim) not in archive.claims}
    expired = {one for one in archive.decisions if one.kind == "allow" and one.until < time}
    going = archive.decisions & (archive.withdrawn | archive.ended | used | expired)
    if rules.leave_outlives:
        staying = [one for one in archive.decisions - going if one.kind == "allow"]
        going -= {
            one
            for one in going
            if one.kind == "leave" and any(other.change == one.change and other.at <= one.at for other in staying)
        }
    archive.decisions -= going
    archive.moved |= going


def difference(
    row: int, wanted: list[int], now: list[int], restores: list[Decision], *, spares: bool = True
) -> tuple[Change, dict[int, Decision]]:
    """What makes an organization as desired, and the restores that decide over a changed field, by field.

    A restore counts as long as the mapping wants what its run wrote. Of several, the newest counts.
    """
    fields, used = [], {}
    for at, (want, shown) in enumerate(zip(wanted, now, strict=True)):
        restore = next((one for one in reversed(restores) if one.change.fields[0][:2] == (at, want)), None)
        if restore is not None:
            old = restore.change.fields[0][2]
            if spares and shown not in (want, old):
                continue
            want = old
        if shown != want:
            fields.append((at, shown, want))
            if restore is not None:
                used[at] = restore
    return Change(row, False, tuple(fields)), used

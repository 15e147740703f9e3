"""What must be true over many runs: marks have evidence, held rows an approval, and nothing repeats.

The rules are written down here again, over what a witness saw: nothing of this is our product's code. Functions return
violations, each with the name of its rule, and an empty list if there is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

WEEK, HOUR = timedelta(days=7), timedelta(hours=1)
COUNTED = {"limit", "budget", "emptied"}
"""Reasons of holds that stay until they are decided, and that every approval lifts."""
OFTEN = 3

State = Literal["listed", "filtered", "deleted", "merged", "unseen"]


class Key(NamedTuple):
    """One value that a row writes. A create has no organization."""

    organization: int | None
    account: str
    field: str
    before: object
    after: object


RowKeys = frozenset[Key]


@dataclass(frozen=True)
class PlanSeen:
    """A plan that was the newest when it was made, and what was true then.

    `accounts` is what Salesforce shows of every account, `marked` and `unmarked` are the partner organizations as the
    plan read them, `tickets` the organizations with open tickets. `wanted` has the planned rows, `held` the reasons of
    those on hold, `left` the values that people left.
    """

    id: str
    made: datetime
    accounts: Mapping[str, State] = field(default_factory=dict)
    marked: frozenset[int] = frozenset()
    unmarked: frozenset[int] = frozenset()
    tickets: frozenset[int] = frozenset()
    wanted: frozenset[RowKeys] = frozenset()
    held: Mapping[RowKeys, str] = field(default_factory=dict)
    left: frozenset[Key] = frozenset()


@dataclass
class Left:
    """Values that a person left as they are, from `at` until somebody withdraws that."""

    at: datetime
    keys: frozenset[Key]
    withdrawn: datetime | None = None


@dataclass
class Undone:
    """Values that a run wrote and that a person undid: (organization, account, field) to the value that it wrote.

    `since` is when that run read the accounts.
    """

    at: datetime
    since: datetime
    fields: Mapping[tuple[int, str, str], object]
    withdrawn: datetime | None = None


@dataclass(frozen=True)
class Approved:
    """What a person approved: whole rows of a hold, from `at` until `until`."""

    at: datetime
    until: datetime
    reason: str
    rows: frozenset[RowKeys]


@dataclass(frozen=True)
class Sent:
    """A row of a job of a plan, and when the job was submitted. `fields` were sent; refused rows are not `applied`."""

    plan: str
    at: datetime
    row: RowKeys
    fields: frozenset[str]
    is_mark: bool = False
    applied: bool = True

    @property
    def key(self) -> Key:
        return next(iter(self.row))


Violation = tuple[str, Sent]


@dataclass
class Past:
    """What a witness saw of one deployment, each list in its order."""

    plans: list[PlanSeen] = field(default_factory=list)
    approved: list[Approved] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    undone: list[Undone] = field(default_factory=list)
    changed: dict[str, datetime] = field(default_factory=dict)
    """Account to when it changed last in Salesforce."""
    merged_marks: bool = False

    def unjustified(self) -> list[Violation]:
        """Rows that were written without the evidence or the approval that they needed, or twice for one approval."""
        return list(self._unjustified())

    def _unjustified(self) -> Iterator[Violation]:
        held = self._held()
        spent: set[tuple[int, RowKeys]] = set()
        for one in self._applied():
            needs = self._needs(one, held)
            valid = {number for number, each in enumerate(self.approved) if self._covers(each, one)}
            for rule, reasons in needs.items():
                lifting = {number for number in valid if self.approved[number].reason in reasons}
                if not lifting:
                    yield rule, one
                elif all((number, one.row) in spent for number in lifting):
                    yield "twice for one approval", one
            if needs:
                spent |= {(number, one.row) for number in valid}

    def _covers(self, approved: Approved, one: Sent) -> bool:
        return one.row in approved.rows and approved.at <= self._plan(one).made and one.at <= approved.until

    def _needs(self, one: Sent, held: Mapping[tuple[str, RowKeys], str]) -> dict[str, Collection[str]]:
        """The rules that ask for an approval of a row, each with the reasons of holds whose approval is one."""
        found: dict[str, Collection[str]] = {}
        plan = self._plan(one)
        own = plan.held.get(one.row)
        if own is not None:
            found["held"] = set()
        elif (plan.id, one.row) in held:
            found["held"] = {*COUNTED, "no_trace", "open_tickets"}
        if one.is_mark:
            account = one.key.account
            if not self._has_evidence(account, plan):
                unseen = plan.accounts.get(account, "unseen") == "unseen"
                found["no evidence"] = {"no_trace"} if unseen else set()
            if one.key.organization in plan.tickets:
                found["open tickets"] = {"open_tickets"}
        return found

    def _has_evidence(self, account: str, plan: PlanSeen) -> bool:
        """Whether Salesforce showed, when the plan asked, that an account is gone; or had shown it before."""
        gone = {"deleted", "merged"} if self.merged_marks else {"deleted"}
        state = plan.accounts.get(account, "unseen")
        if state != "unseen":
            return state in gone or state == "filtered"
        for earlier in reversed(self.plans[: self.plans.index(plan)]):
            before = earlier.accounts.get(account, "unseen")
            if before in gone:
                return True
            if before == "listed":
                return False
        return False

    def _held(self) -> dict[tuple[str, RowKeys], str]:
        """Plan and row to why the row is on hold since an earlier plan: until a plan does not want it any more."""
        found: dict[tuple[str, RowKeys], str] = {}
        still: dict[RowKeys, str] = {}
        for plan in self.plans:
            still = {row: reason for row, reason in still.items() if row in plan.wanted}
            found |= {(plan.id, row): reason for row, reason in still.items()}
            still |= {row: reason for row, reason in plan.held.items() if reason in COUNTED}
        return found

    def too_many_marks(self) -> list[Violation]:
        """Marks without an approval beyond 20 % in a plan, or beyond 30 % in seven days; floors are 10 and a half."""
        return list(self._too_many_marks())

    def _too_many_marks(self) -> Iterator[Violation]:
        marks = (one for one in self._applied() if one.is_mark)
        free = [one for one in marks if not any(self._covers(each, one) for each in self.approved)]
        of_plan: dict[str, list[Sent]] = defaultdict(list)
        for one in free:
            of_plan[one.plan].append(one)
        for several in of_plan.values():
            plan = self._plan(several[0])
            now = {one.key.organization for one in several}
            if len(now) > _most(20, len(plan.unmarked)):
                yield "limit", several[-1]
            before = {one.key.organization for one in free if plan.made - WEEK < one.at < plan.made}
            still = before & plan.marked
            if len(still | now) > _most(30, len(plan.unmarked) + len(still)):
                yield "budget", several[-1]

    def too_often(self) -> list[Violation]:
        """Values that were written more than three times within an hour over the same other value."""
        times: dict[Key, list[datetime]] = defaultdict(list)
        found: list[Violation] = []
        for one in sorted(self.sent, key=lambda sent: sent.at):
            for key in (each for each in one.row if each.field in one.fields):
                times[key].append(one.at)
                if len([at for at in times[key] if one.at - at < HOUR]) > OFTEN:
                    found.append(("too often", one))
        return found

    def approved_rows(self) -> int:
        """How many rows were written under an approval."""
        return sum(any(self._covers(each, one) for each in self.approved) for one in self._applied())

    def violations(self) -> list[Violation]:
        return [*self.unjustified(), *self.too_many_marks(), *self.too_often(), *self.decided_otherwise()]

    def decided_otherwise(self) -> list[Violation]:
        """Values that were written although a person left them, or that a person undid and a later plan wrote again."""
        found: list[Violation] = []
        for one in self._applied():
            made = self._plan(one).made
            for key in (each for each in one.row if each.field in one.fields):
                if any(self._is_left(each, key, made) for each in self.left):
                    found.append(("left", one))
                if any(self.keeps(each, key, made) for each in self.undone):
                    found.append(("undone", one))
        return found

    def _is_left(self, left: Left, key: Key, made: datetime) -> bool:
        """Whether a value was left when a plan was made: nobody decided otherwise, and every plan since wanted it."""
        if key not in left.keys or not left.at < made or (left.withdrawn is not None and left.withdrawn <= made):
            return False
        if any(left.at < one.at <= made and any(key in row for row in one.rows) for one in self.approved):
            return False
        since = [plan for plan in self.plans if left.at < plan.made <= made]
        return all(key in plan.left or any(key in row for row in plan.wanted) for plan in since)

    def keeps(self, undone: Undone, key: Key, made: datetime) -> bool:
        """Whether a plan must not write a value, since it was undone and its account has not changed since that run."""
        place = key.organization or 0, key.account, key.field
        if place not in undone.fields or undone.fields[place] != key.after or undone.at >= made:
            return False
        if undone.withdrawn is not None and undone.withdrawn <= made:
            return False
        changed = self.changed.get(key.account)
        return changed is None or changed < undone.since

    def _applied(self) -> list[Sent]:
        return [one for one in self.sent if one.applied]

    def _plan(self, one: Sent) -> PlanSeen:
        return next(plan for plan in self.plans if plan.id == one.plan)


def _most(percent: int, of: int) -> int:
    return max(percent * of // 100, min(10, of // 2))


def row_keys(organization: int | None, account: str, fields: Sequence[tuple[str, object, object]]) -> RowKeys:
    return frozenset(Key(organization, account, *one) for one in fields)

"""Runs of one instance, one after the other: each knows what the one before it remembered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from partner_sync.archive.decision_store import DecisionsInForce
from partner_sync.archive.memory_records import Decision, EndedKeys, HoldRow, Memory
from partner_sync.archive.records import RowVerdict
from partner_sync.compare.change_keys import change_keys
from partner_sync.compare.earlier_runs import EarlierRuns
from partner_sync.compare.plan import LookUp
from partner_sync.compare.tickets import CountTickets
from partner_sync.compare.written_fields import WrittenFields
from partner_sync.config.limits import Limit, LimitName
from partner_sync.config.load import Config
from partner_sync.config.params import Options
from partner_sync.config.rules import rules_text
from partner_sync.model import Change, Does, Hold, Organization, Plan, Problem
from tests.compare.builders import (
    BYSTANDER,
    CONFIG,
    MADE,
    Row,
    accounts,
    all_deleted,
    an_account,
    an_instance,
    an_organization,
    applied,
    compared,
    no_tickets,
    snapshot,
)

HERE = 1
"""The number of the account that is always there."""


def limited(**limits: Limit) -> Config:
    """The shipped config with these limits and no other."""
    named: dict[LimitName, Limit] = {**limits}  # type: ignore[typeddict-item]
    return replace(CONFIG, limits=named)


@dataclass
class Runs:
    """`missing` are the numbers of organizations whose account is missing. Runs are an hour apart, and read a minute
    before they compare, unless `begun` says when."""

    missing: Collection[int] = ()
    config: Config = CONFIG
    rows: list[Row] = field(default_factory=lambda: [an_account(HERE)])
    organizations: list[Organization] = field(default_factory=list)
    look_up: LookUp = all_deleted
    count_tickets: CountTickets = no_tickets
    memory: Memory | None = None
    decisions: list[Decision] = field(default_factory=list)
    withdrawn: frozenset[str] = frozenset()
    ended: list[EndedKeys] = field(default_factory=list)
    released: dict[str, datetime] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    marked: frozenset[int] = frozenset()
    written: frozenset[str] = frozenset()
    armed: bool = True
    begun: datetime | None = None
    now: datetime = MADE - timedelta(hours=1)
    number: int = 0
    rules: dict[str, str] = field(default_factory=dict)
    """Digest to text of the rules of all runs."""

    def __post_init__(self) -> None:
        self.organizations += [an_organization(number) for number in (HERE, *self.missing)]

    def run(self, *, hours: float = 1, run_id: str | None = None, options: Options | None = None) -> Plan:
        """The plan of the next run."""
        self.now += timedelta(hours=hours)
        self.number += 1
        earlier = EarlierRuns(
            self.memory,
            self.marked,
            self.written,
            DecisionsInForce(tuple(self.decisions), self.withdrawn, (), tuple(self.ended)),
            self.armed,
            self.released,
        )
        instance = replace(an_instance(*self.organizations, BYSTANDER), definitions=self.definitions)
        begun = self.begun or self.now - timedelta(minutes=1)
        found = compared(
            self.config,
            replace(accounts(*self.rows), begun=begun),
            replace(snapshot(instance), begun=begun),
            options,
            self.now,
            earlier={"global": earlier},
            look_up=self.look_up,
            count_tickets=self.count_tickets,
            run_id=run_id or f"run {self.number}",
            rules=self.rules.get,
        )
        self.rules[found.rules] = rules_text(self.config)
        if not options:
            [self.memory] = found.memories
            ended = found.ended["global"].items()
            self.ended += [EndedKeys(one, found.plan.id, self.now, tuple(keys)) for one, keys in ended]
        return found.plan

    def apply(self, plan: Plan) -> None:
        """Writes the changes of a plan; the marks count as not approved, unless they were."""
        self.organizations = applied(plan.changes, self.organizations)
        unapproved = (one for at, one in enumerate(plan.changes) if at not in plan.approvals)
        self.marked |= {one.organization_id for one in unapproved if one.kind == "mark"}

    def approve(self, hold: Hold, accounts: Sequence[str] = (), *, by: str = "ada", hours: float = 24) -> Decision:
        """An approval of a hold, or of some accounts of it."""
        return self._of_hold("allow", hold, accounts, by, self.now + timedelta(hours=hours))

    def leave(self, hold: Hold, accounts: Sequence[str] = ()) -> Decision:
        """The rows of a hold, or some accounts of it, stay as they are."""
        return self._of_hold("leave", hold, accounts, "ada", None)

    def acknowledge(self, problem: Problem) -> Decision:
        return self._decide(does="leave", rows=(), problem=problem.id)

    def undo(self, plan: Plan) -> Decision:
        """Every field that a run wrote goes back."""
        verdicts = [verdict(plan, change) for change in plan.changes]
        fields = tuple(WrittenFields.of([(plan, verdicts)]).fields.get("global", ()))
        rows = tuple(HoldRow(one.account_id, one.organization_id, (one.key,)) for one in fields)
        until = self.now + timedelta(days=30)
        return self._decide(does="restore", rows=rows, until=until, undoes=plan.run_id, fields=fields)

    def withdraw(self, decision: Decision) -> None:
        self.withdrawn |= {decision.id}

    def _of_hold(self, does: Does, hold: Hold, accounts: Sequence[str], by: str, until: datetime | None) -> Decision:
        rows = [one for one in hold.changes if not accounts or one.account_id in accounts]
        return self._decide(
            does=does,
            rows=tuple(HoldRow(one.account_id, one.organization_id, change_keys(one)) for one in rows),
            by=by,
            until=until,
            hold=hold.id,
            kind=hold.kind,
            reason=hold.reason,
        )

    def _decide(self, *, by: str = "ada", **what: Any) -> Decision:
        """A decision at the time of the last run, or a minute after the decision before."""
        at = max([self.now, *(one.at + timedelta(minutes=1) for one in self.decisions)])
        decision = Decision(id=f"d{len(self.decisions)}", instance="global", by=by, run_id="", note="", at=at, **what)
        self.decisions.append(decision)
        return decision


def verdict(plan: Plan, change: Change) -> RowVerdict:
    """A confirmed write of a change."""
    return RowVerdict(
        run_id=plan.run_id,
        plan_id=plan.id,
        batch="batch",
        try_number=1,
        at=plan.order.made,
        instance=change.instance,
        kind=change.kind,
        account_id=change.account_id,
        organization_id=change.organization_id,
        name=change.name,
        verdict="confirmed",
        reason="",
        vendor_words="",
        written=True,
        job_id="job",
        calls=3,
    )


def held(plan: Plan) -> list[tuple[str, str, int]]:
    """Kind, reason and rows of every hold."""
    return [(one.kind, one.reason, one.rows) for one in plan.holds]


def written(plan: Plan) -> list[tuple[str, int | None]]:
    """Kind and organization of every row that is written."""
    return [(one.kind, one.organization_id) for one in plan.changes]

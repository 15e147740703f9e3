"""Runs of one instance, one after the other: each knows what the one before it remembered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from partner_sync.archive.decisions import DecisionsInForce
from partner_sync.archive.memory_records import Decision, Memory
from partner_sync.compare.change_keys import change_keys
from partner_sync.compare.earlier_runs import EarlierRuns
from partner_sync.compare.plan import LookUp
from partner_sync.compare.tickets import CountTickets
from partner_sync.config.limits import Limit, LimitName
from partner_sync.config.load import Config
from partner_sync.config.params import Options
from partner_sync.config.rules import rules_text
from partner_sync.model import Hold, Organization, Plan
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
    """`missing` are the numbers of organizations whose account is missing. Runs are an hour apart."""

    missing: Collection[int] = ()
    config: Config = CONFIG
    rows: list[Row] = field(default_factory=lambda: [an_account(HERE)])
    organizations: list[Organization] = field(default_factory=list)
    look_up: LookUp = all_deleted
    count_tickets: CountTickets = no_tickets
    memory: Memory | None = None
    decisions: list[Decision] = field(default_factory=list)
    withdrawn: frozenset[str] = frozenset()
    marked: frozenset[int] = frozenset()
    written: frozenset[str] = frozenset()
    armed: bool = True
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
            DecisionsInForce(tuple(self.decisions), self.withdrawn),
            self.armed,
        )
        found = compared(
            self.config,
            accounts(*self.rows),
            snapshot(an_instance(*self.organizations, BYSTANDER)),
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
        return found.plan

    def apply(self, plan: Plan) -> None:
        """Writes the changes of a plan; the marks count as not approved, unless they were."""
        self.organizations = applied(plan.changes, self.organizations)
        unapproved = (one for at, one in enumerate(plan.changes) if at not in plan.approvals)
        self.marked |= {one.organization_id for one in unapproved if one.kind == "mark"}

    def approve(self, hold: Hold, accounts: Sequence[str] = (), *, by: str = "ada", hours: float = 24) -> Decision:
        """A decision about a hold, or some accounts of it."""
        rows = [one for one in hold.changes if not accounts or one.account_id in accounts]
        keys = tuple(sorted(key for one in rows for key in change_keys(one)))
        decision = Decision(
            id=f"d{len(self.decisions)}",
            does="allow",
            instance="global",
            hold=hold.id,
            reason=hold.reason,
            keys=keys,
            by=by,
            run_id="",
            note="",
            at=self.now,
            until=self.now + timedelta(hours=hours),
        )
        self.decisions.append(decision)
        return decision


def held(plan: Plan) -> list[tuple[str, str, int]]:
    """Kind, reason and rows of every hold."""
    return [(one.kind, one.reason, one.rows) for one in plan.holds]


def written(plan: Plan) -> list[tuple[str, int | None]]:
    """Kind and organization of every row that is written."""
    return [(one.kind, one.organization_id) for one in plan.changes]

"""Sees what one deployment plans and writes, and what was true in both systems then, by the sandbox's own record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from partner_sync.archive.decision_store import Decisions
from partner_sync.config.params import HoldPart, Options, RunPart
from partner_sync.model import Change, Mark, Plan
from partner_sync.sandbox import Sandbox
from tests.oracle_of_runs import Approved, Left, Past, PlanSeen, RowKeys, Sent, State, Undone, row_keys
from tests.sync.stage import Stage
from tests.walks.accounts import is_partner

Row = dict[str, Any]
UNDONE = {
    "name",
    "account_owner",
    "technical_account_manager",
    "solutions_architect",
    "restricted_account",
    "org_in_escalated_state",
    "support_hold",
    "account_type",
    "mark_for_deletion",
}
"""Fields that an undo covers: all that we write except the ids of the account."""
PARTNERS = {"alliance_partner", "open_partner", "select_partner"}


@dataclass
class Unrecorded:
    """What people did that the sandbox does not show: hidden accounts, and organizations with open tickets."""

    hidden: set[str] = field(default_factory=set)
    tickets: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class OrganizationsSeen:
    """The partner organizations at one moment."""

    marked: frozenset[int]
    unmarked: frozenset[int]


class Witness:
    """Collects the past of one stage for the oracle."""

    def __init__(self, stage: Stage, unrecorded: Unrecorded) -> None:
        self.stage, self.unrecorded = stage, unrecorded
        self.past = Past(merged_marks=stage.config.marks.merged == "mark")
        self.jobs: set[str] = set()
        self.plans: dict[str, Plan] = {}
        self.known: set[str] = set()
        self.decided: dict[str, Left | Undone] = {}

    @property
    def sandbox(self) -> Sandbox:
        return self.stage.sandbox

    def organizations(self) -> OrganizationsSeen:
        rows = {row["id"]: row["organization_fields"] for row in self.sandbox.organizations()}
        partners = {number: bool(row["mark_for_deletion"]) for number, row in rows.items() if _is_partner_type(row)}
        marked = frozenset(number for number, is_marked in partners.items() if is_marked)
        return OrganizationsSeen(marked, frozenset(partners) - marked)

    def accounts(self) -> dict[str, State]:
        states: dict[str, State] = {}
        for row in self.sandbox.deleted_accounts():
            states[row["Id"]] = "merged" if row["MasterRecordId"] else "deleted"
        for row in self.sandbox.accounts():
            states[row["Id"]] = "listed" if is_partner(row) else "filtered"
        return states | dict.fromkeys(self.unrecorded.hidden, "unseen")

    def sees(self, plan: Plan, read: OrganizationsSeen) -> None:
        """A plan that was made just now, from organizations that were read then. Only the newest plan writes."""
        latest = self.stage.archive.latest("global")
        if latest is None or latest != plan.order:
            return
        held = {_keys(change): hold.reason for hold in plan.holds for change in hold.changes}
        self.plans[plan.id] = plan
        self.past.plans.append(
            PlanSeen(
                id=plan.id,
                made=plan.order.made,
                accounts=self.accounts(),
                marked=read.marked,
                unmarked=read.unmarked,
                tickets=frozenset(self.unrecorded.tickets),
                wanted=frozenset({*map(_keys, plan.changes), *held}),
                held=held,
                left=frozenset(key for one in plan.left for key in _keys(one.change)),
            )
        )

    def approves(self, plan: Plan, hold_id: str, account: str | None = None) -> None:
        """A person approves a hold of a plan, or its row of one account."""
        at = self.stage.clock.time
        self.stage.approve(hold_id, account)
        (hold,) = (one for one in plan.holds if one.id == hold_id)
        rows = frozenset(_keys(one) for one in hold.changes if account in (None, one.account_id))
        until = self.stage.clock.time + timedelta(hours=self.stage.config.approvals.hours)
        self.past.approved.append(Approved(at, until, hold.reason, rows))

    def leaves(self, plan: Plan, hold_id: str, account: str | None = None) -> None:
        """A person leaves the rows of a hold, or its row of one account, as they are."""
        at = self.stage.clock.time
        self.stage.decide(Options(leave=(HoldPart(hold_id, account),)))
        (hold,) = (one for one in plan.holds if one.id == hold_id)
        rows = [one for one in hold.changes if account in (None, one.account_id)]
        self.past.left.append(Left(at, frozenset(key for one in rows for key in _keys(one))))
        self._decisions(self.past.left)

    def undoes(self, plan: Plan) -> None:
        """A person undoes a run. What it wrote is what the sandbox recorded, where the run confirmed it."""
        at = self.stage.clock.time
        confirmed = {
            row.organization_id: row.account_id
            for row in self.stage.verdicts(plan)
            if row.written and row.verdict == "confirmed" and row.kind != "create"
        }
        back = {
            (change.organization_id, field)
            for position, change in enumerate(plan.changes)
            for field in plan.restores.get(position, {})
        }
        wrote: dict[tuple[int, str, str], object] = {}
        for write in self.stage.writes():
            number = write["organization_id"]
            if self.stage.plan_of_job.get(write["job_id"]) is plan and number in confirmed:
                for name, value in write["after"].items():
                    field = name.removeprefix("organization_fields.")
                    unmarks = field == "mark_for_deletion" and not value  # a mark needs evidence, so undo never marks
                    if field in UNDONE and (number, field) not in back and not unmarks:
                        wrote[number, confirmed[number], field] = value
        self.stage.decide(Options(undo=(RunPart(plan.run_id),)))
        self.past.undone.append(Undone(at, plan.order.snapshot_begun, wrote))
        self._decisions(self.past.undone)

    def withdraws(self, decision: str) -> None:
        """A person withdraws a decision."""
        self.stage.decide(Options(withdraw=(decision,)))
        if (known := self.decided.get(decision)) is not None:
            known.withdrawn = self.stage.clock.time

    def _decisions(self, said: Sequence[Left | Undone]) -> None:
        """Notes which decision is the newest of what a person said."""
        for one in Decisions(self.stage.archive.root, "global").read().decisions:
            if one.id not in self.known:
                self.known.add(one.id)
                if one.does != "allow":
                    self.decided[one.id] = said[-1]

    def look(self) -> bool:
        """Takes in the jobs that have ended. Returns whether there are any."""
        new = [
            job
            for job in self.sandbox.jobs()
            if job["id"] in self.stage.plan_of_job and job["id"] not in self.jobs and job["ended_at"] is not None
        ]
        if new:
            wrote = {(write["job_id"], write["organization_id"]) for write in self.stage.writes()}
            made = {
                (write["job_id"], write["external_id"]) for write in self.stage.writes() if write["action"] == "create"
            }
            for job in new:
                self.jobs.add(job["id"])
                self.past.sent += self._rows(job, wrote | made)
        return bool(new)

    def _rows(self, job: Row, wrote: set[tuple[str, Any]]) -> Iterator[Sent]:
        plan = self.stage.plan_of_job[job["id"]]
        by_id = {one.organization_id or one.account_id: one for one in plan.changes}
        for item in job["items"]:
            number = item.get("id") or item["external_id"]
            applied = (job["id"], number) in wrote
            if not applied and (job["status"] != "completed" or job["fault"] == "lost"):
                continue  # the job failed as a whole, which is no result of the row
            change, body = by_id[number], item.get("attributes", item)
            fields = frozenset({*body, *body.get("organization_fields", {})})
            at = self.stage.submitted[job["id"]]
            yield Sent(plan.id, at, _keys(change), fields, isinstance(change, Mark), applied)


def _keys(change: Change) -> RowKeys:
    fields = [(one.field, one.before, one.after) for one in change.fields]
    return row_keys(change.organization_id, change.account_id, fields)


def _is_partner_type(fields: Row) -> bool:
    return fields["account_type"] in PARTNERS

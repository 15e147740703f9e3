"""Sees what one deployment plans and writes, and what was true in both systems then, by the sandbox's own record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from partner_sync.model import Change, Mark, Plan
from partner_sync.sandbox import Sandbox
from tests.oracle_of_runs import Approved, Past, PlanSeen, RowKeys, Sent, State, row_keys
from tests.sync.stage import Stage
from tests.walks.accounts import is_partner

Row = dict[str, Any]
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

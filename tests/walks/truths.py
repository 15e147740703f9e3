"""What has to be true after every step of a random walk, and what it comes to, by the record of the sandbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from partner_sync.model import Plan
from partner_sync.sandbox import Sandbox
from tests import oracle
from tests.sync.stage import Task
from tests.walks.accounts import is_partner
from tests.walks.witness import PARTNERS, UNDONE, Witness

Row = dict[str, Any]

OWNED = UNDONE - {"name"} | {"salesforce_id", "sfdc_short_id"}
NEEDS_NO_ARCHIVE = {"no evidence", "open tickets", "limit"}
"""Rules over many runs that hold whatever becomes of the archive."""
CHANGES_ROWS = {"drop_fields", "normalize"}
"""Faults of jobs after which a row may write what was there."""
SENT = {"create": {"name", "external_id", "organization_fields"}, "update": {"name", "organization_fields"}}


class Record:
    """Follows the sandbox's journal from step to step, and knows which plan submitted which job, and when."""

    def __init__(self, witness: Witness, most_jobs: int, most_rows: int) -> None:
        self.stage, self.most_jobs, self.most_rows = witness.stage, most_jobs, most_rows
        self.witness = witness
        self.seen = self.last()
        self.submitted: dict[str, int] = {}
        """Job to how many changes the journal had before the visit that submitted it."""
        self.touched: dict[int, int] = {}
        """Organization to the number of the last change by a person, or by another deployment."""
        self.newest: dict[int, Plan] = {}
        """Organization to the newest plan that wrote it, or told what became of it."""
        self.jobs: set[str] = set()
        self.writes = 0
        self.lost = False
        """Whether the archive was emptied or replaced by an older copy: rules that it keeps may be broken then."""
        self.broken: Counter[str] = Counter()
        """Rules that were broken after the archive was lost."""
        self._known: set[tuple[str, Any]] = set()

    def last(self) -> int:
        return int(self.stage.sandbox.overview()["counts"]["writes"])

    def submits_since(self, number: int) -> None:
        """Jobs that are new were submitted by a visit that began when the journal had so many changes."""
        for job in self.stage.plan_of_job:
            self.submitted.setdefault(job, number)

    def check(self) -> None:
        """Everything that was written since the last look was rightly written."""
        for write in self.stage.sandbox.writes(self.seen):
            self.seen = write["n"]
            if write["by"] == "person" or write["job_id"] not in self.stage.plan_of_job:
                self.touched[write["organization_id"]] = write["n"]
            else:
                self.writes += 1
                self._rightly_written(write)
        self._rightly_submitted()
        nobody_twice(self.stage.sandbox)
        if self.witness.look():
            self._right_over_time()

    def _right_over_time(self) -> None:
        for rule, one in self.witness.past.violations():
            if (rule, one) not in self._known:
                self._known.add((rule, one))
                self._kept(False, rule, one)

    def _kept(self, holds: Any, rule: str, *about: Any) -> None:
        """Asserts a rule, or counts that it is broken if the archive, which keeps it, was lost."""
        if not holds and self.lost and rule not in NEEDS_NO_ARCHIVE:
            self.broken[rule] += 1
        else:
            assert holds, (rule, *about)

    def _rightly_written(self, write: Row) -> None:
        number, plan = write["organization_id"], self.stage.plan_of_job[write["job_id"]]
        if write["no_op"] and not emptied(self.stage.sandbox, write):
            # Only who changes an organization between the last read and the job makes us write what is there already.
            self._kept(self.touched.get(number, 0) > self.submitted[write["job_id"]], "written twice", write)
        newer = self.newest.get(number)
        self._kept(newer is None or not newer.order.newer_than(plan.order), "stale", write)
        self.newest[number] = plan
        self._as_the_plan_saw_it(write, plan)
        only_ours(write)

    def _as_the_plan_saw_it(self, write: Row, plan: Plan) -> None:
        """What was written over is what the plan shows, unless a person came after the last read."""
        if self.touched.get(write["organization_id"], 0) > self.submitted[write["job_id"]]:
            return
        planned = next((one for one in plan.changes if one.organization_id == write["organization_id"]), None)
        for field in planned.fields if planned else ():
            key = field.field if field.field == "name" else f"organization_fields.{field.field}"
            if key in write["after"]:
                was = write["before"][key] or None
                self._kept(was == (field.before or None), "written over", key, was, field, write)

    def _rightly_submitted(self) -> None:
        jobs = self.stage.sandbox.jobs()
        ours = [job for job in jobs if job["id"] in self.stage.plan_of_job]
        running = [job["id"] for job in ours if job["status"] in ("queued", "working")]
        self._kept(len(running) <= self.most_jobs, "jobs in flight", running)
        for job in ours:
            if job["id"] not in self.jobs:
                self.jobs.add(job["id"])
                well_formed(job, self.most_rows)

    def reported(self, task: Task, before: int) -> None:
        """The verdicts of a batch that ended are what the journal and the organizations show.

        `before` is the number of the journal's last change when the last attempt began.
        """
        plan, sandbox = task.plan, self.stage.sandbox
        rows = {row["external_id"]: row["id"] for row in sandbox.organizations() if row["external_id"]}
        still = self.last() == before  # else another wrote after the batch was read back
        untrue = oracle.untrue(sandbox, task.done.verdicts)
        assert [] == untrue, ("untrue", untrue)
        broken = {job["id"] for job in sandbox.jobs() if job["status"] in ("failed", "killed")}
        for line in task.done.verdicts:
            number = line.organization_id or rows.get(line.account_id)
            if line.verdict == "confirmed" and still:
                change = next(one for one in task.batch.changes if one.account_id == line.account_id)
                self._shows(sandbox.organization(number), change, line)
            if (line.kind, line.verdict) == ("create", "confirmed") and line.vendor_words and line.job_id not in broken:
                others = self.touched.get(number)  # else Zendesk refused what we had made
                self._kept(others is not None, "written twice", line)
            newer = self.newest.get(number)
            if line.verdict != "superseded" and number and (newer is None or plan.order.newer_than(newer.order)):
                self.newest[number] = plan
        mine = {change.organization_id or rows.get(change.account_id) for change in task.batch.changes}
        ours = (write for write in self.stage.writes() if self.stage.plan_of_job.get(write["job_id"]) is plan)
        tries = [line for line in self.stage.lines(plan) if line.batch == task.batch.name]
        unreported = oracle.unreported(sandbox, tries, mine & {write["organization_id"] for write in ours})
        self._kept(not unreported, "unreported", unreported)

    def _shows(self, organization: Row, change: Any, line: Any) -> None:
        for field in change.fields:
            now = organization.get(field.field, organization["organization_fields"].get(field.field))
            assert (now or None) == (field.after or None), ("confirmed, does not show", field, now, line)


def emptied(sandbox: Sandbox, write: Row) -> bool:
    """Whether a write changed nothing since the fault of its job changed its row."""
    return any(job["id"] == write["job_id"] and job["fault"] in CHANGES_ROWS for job in sandbox.jobs())


def only_ours(write: Row) -> None:
    """A job wrote owned fields, the name, and external_id where it made the organization; tags follow drop-downs."""
    before, after, made = write["before"], write["after"], write["action"] == "create"
    changed = {name.removeprefix("organization_fields.") for name, value in after.items() if value or not made}
    allowed = OWNED | {"name", "tags"} | ({"external_id"} if made else set())
    assert changed <= allowed, ("not ours", changed - allowed)
    tags = set(before.get("tags") or ()) ^ set(after.get("tags") or ())
    assert tags <= PARTNERS | {"customer", "former_customer"}, ("tags", tags)


def well_formed(job: Row, most_rows: int) -> None:
    """A job of ours has rows, not too many, and sends nothing but what is owned."""
    assert 0 < len(job["items"]) <= min(most_rows, 100), ("rows", job)
    for item in job["items"]:
        body = item.get("attributes", item)
        assert set(body) <= SENT[job["action"]], ("sent", body)
        assert set(body.get("organization_fields", {})) <= OWNED, ("sent", body)


def nobody_twice(sandbox: Sandbox) -> None:
    assert [] == oracle.accounts_with_two_organizations(sandbox)


def about(plan: Plan) -> set[int]:
    """The organizations of which a plan says that something waits, is left, rests, or is a problem."""
    found = {change.organization_id for hold in plan.holds for change in hold.changes}
    found |= {one.change.organization_id for one in plan.left}
    found |= {number for one in plan.problems for number in one.organization_ids}
    found |= {one.organization_id for one in plan.not_restored}
    return {number for number in found if number is not None}


def untouched(now: Sequence[Row], then: Mapping[int, Row], touched: Mapping[int, int]) -> None:
    """What is not ours is as it was, on every organization that no person touched."""
    for row in now:
        if row["id"] in then and row["id"] not in touched:
            assert _not_ours(row) == _not_ours(then[row["id"]])


def _not_ours(row: Row) -> Row:
    fields = {key: value for key, value in row["organization_fields"].items() if key not in OWNED}
    kept = {key: value for key, value in row.items() if key not in ("name", "organization_fields", "updated_at")}
    return {**kept, "tags": sorted(set(row["tags"]) - PARTNERS - {"customer"}), "organization_fields": fields}


def as_desired(sandbox: Sandbox, plan: Plan, hidden: Collection[str] = ()) -> None:
    """Every organization is what its account wants, by the rules and not by our mapping, but for what names forbid."""
    found = [row for row in sandbox.accounts() if is_partner(row) and row["Id"] not in hidden]
    accounts = {row["Id"]: row for row in found}
    organizations = sandbox.organizations()
    own: dict[str, Row] = {}
    for row in organizations:
        for account in {row["external_id"], row["organization_fields"].get("salesforce_id")} & accounts.keys():
            own[account] = row
    for account, row in accounts.items():
        want, have = oracle.desired(row), oracle.actual(own[account]) if account in own else None
        others = [one["name"] for one in organizations if one is not own.get(account)]
        others += [one["Name"] for one in found if one is not row]
        taken = row["Name"].strip().casefold() in {name.strip().casefold() for name in others}
        if have is None:
            assert taken, ("no organization", row)
            continue
        if taken:
            want["name"] = have["name"] if want["name"].casefold() != have["name"].casefold() else want["name"]
        assert (want["name"] == have["name"] or taken) and {**want, "name": ""} == {**have, "name": ""}, (want, have)
        assert not own[account]["organization_fields"]["mark_for_deletion"], ("alive and marked", own[account])
    looked_at = {number for one in plan.problems for number in one.organization_ids}
    named = {account for one in plan.problems for account in one.account_ids}
    for row in organizations:
        ids = {row["external_id"], row["organization_fields"].get("salesforce_id")} - {None}
        if row["organization_fields"]["account_type"] in PARTNERS and ids and not ids & accounts.keys():
            marked = bool(row["organization_fields"]["mark_for_deletion"])
            assert marked or row["id"] in looked_at or ids & named, ("gone and not marked", row)

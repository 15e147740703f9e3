"""A random walk: accounts change, people edit, runs start and overlap, tasks are cleared, faults strike, workers die.

The real gather, compare and sync visits work on a real archive and, over HTTP, on the sandbox; only the clock is ours.
Batches are of two rows and at most three jobs are in flight, so that a small world is a crowd.
"""

from __future__ import annotations

import itertools
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from partner_sync.errors import PartnerSyncError, PermanentError
from partner_sync.ids import id_18
from partner_sync.sandbox import Sandbox
from partner_sync.sandbox.control import ControlError
from tests.sync.stage import NEVER, SETTINGS, START, Stage, Task, Watch, die, finish, tasks
from tests.walks.truths import Record, as_desired, nobody_twice, untouched

SIZE, IN_FLIGHT = 2, 3
FEW = replace(SETTINGS, jobs_in_flight=IN_FLIGHT)
NAMES = ["Acme", "ACME ", "Nimbus", "Kestrel", "Zephyr"]
RENAMED, SWAPPED, NEW = {"name": "another"}, {"name": "swapped"}, {"name": "new"}
CHANGES: list[dict[str, Any]] = [
    {"Account_Owner_Calc__c": "Ann Onder", "Support_Hold__c": True},
    {"Account_Owner_Calc__c": "Bo Lind", "Support_Hold__c": False},
    {"Account_Owner_Calc__c": None, "Account_Risk_Level__c": "At Risk - Escalated"},
    {"Partner_Track__c": "Open"},
    {"Partner_Track__c": "select"},
    {"Partner_Track__c": "Technology"},
    {"Partners_Partner_Status__c": "Former"},
    {"Partners_Partner_Status__c": "Authorized"},
    RENAMED,
    SWAPPED,
    NEW,
]
EDITS: list[dict[str, Any]] = [
    {"organization_fields": {"account_owner": "A Person"}},
    {"organization_fields": {"account_owner": "Ann Onder", "support_hold": True}},
    {"organization_fields": {"mark_for_deletion": True}},
    {"organization_fields": {"account_type": "customer"}},
    {"organization_fields": {"ignore_deletion": True, "support_level": "gold"}, "notes": "Called"},
    RENAMED,
]
PICK, CALL = st.integers(0, 23), st.integers(1, 16)
FAULTS: dict[str, dict[str, Any]] = {
    "broken before it arrives": {"do": "reset_before"},
    "broken after it was carried out": {"do": "reset_after"},
    "answered 503": {"do": "status", "status": 503},
    "answered 500": {"do": "status", "status": 500, "effect": True},
    "answered 429": {"do": "status", "status": 429, "headers": {"Retry-After": "1"}},
    "answered 401": {"do": "status", "status": 401},
    "answered 409": {"do": "status", "status": 409, "body": '{"error": "DatabaseConflict"}'},
    "a web page": {"do": "html", "status": 502, "effect": True},
    "cut": {"do": "truncated", "how": "json"},
}
JOB_FAULTS: dict[str, dict[str, Any]] = {
    "broken after it was carried out": {"do": "reset_after"},
    "lost": {"do": "lost", "applied": False},
    "lost with one row": {"do": "lost", "applied": 1},
    "lost with all rows": {"do": "lost", "applied": True},
    "failed": {"do": "failed"},
    "failed with one row": {"do": "failed", "applied": 1},
    "killed": {"do": "failed", "status": "killed", "applied": 1},
    "a row refused": {"do": "fail_rows", "rows": [0]},
    "a field dropped": {"do": "drop_fields", "keys": ["account_owner"]},
    "results missing": {"do": "drop_results"},
    "known late": {"do": "first_polls_404", "polls": 1},
    "never ends": {"do": "never_ends", "applied": 1},
    "too many jobs": {"do": "too_many_jobs"},
}
PLACES = ["*", "*_many", "*/show_many*", "*/job_statuses*"]


class Walk(RuleBasedStateMachine):
    """One walk through one world, which begins with a create, two updates and a mark to do."""

    sandbox: ClassVar[Sandbox]
    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.counts["walks"] += 1
        self.sandbox.reset(world="large", accounts=5, organizations=8, creates=1, updates=2, marks=1)
        self.sandbox.settings(job_seconds=NEVER)
        self.folder = Path(tempfile.mkdtemp(prefix="partner-sync-walk-"))
        self.stage = Stage(self.sandbox, self.folder, FEW)
        self.record = Record(self.stage, IN_FLIGHT, SIZE)
        self.tasks: list[Task] = []
        self.snapshots: list[Any] = []
        self.ids = (id_18(f"0014M00007New{number:02d}") for number in itertools.count())
        self.altered()

    def altered(self) -> None:
        """Where a variant of the protocol that is known to be wrong gets in."""

    # -- accounts

    def account(self, pick: int) -> dict[str, Any]:
        rows = self.sandbox.accounts()
        return rows[pick % len(rows)]

    @rule(pick=PICK, other=PICK, change=st.sampled_from(CHANGES))
    def account_changes(self, pick: int, other: int, change: dict[str, Any]) -> None:
        """Its fields, or its name for a new one or that of another account; or it is new altogether."""
        self.counts["changes of accounts"] += 1
        account, name = self.account(pick), NAMES[other % len(NAMES)]
        if change == SWAPPED:
            two = self.account(other)
            self.sandbox.put_accounts(
                [{"Id": account["Id"], "Name": two["Name"]}, {"Id": two["Id"], "Name": account["Name"]}]
            )
        elif change == RENAMED:
            self.sandbox.put_account(Id=account["Id"], Name=name)
        elif change == NEW and len(self.sandbox.accounts()) < 9:
            made = next(self.ids)
            self.sandbox.put_account(**{**account, "Id": made, "Account_ID_18__c": made, "Name": name})
        elif change != NEW:
            self.sandbox.put_account(Id=account["Id"], **change)

    # -- people

    def organization(self, pick: int) -> dict[str, Any]:
        rows = self.sandbox.organizations()
        return rows[pick % len(rows)]

    @rule(pick=PICK, other=PICK, edit=st.sampled_from(EDITS))
    def person_edits(self, pick: int, other: int, edit: dict[str, Any]) -> None:
        """What is ours, what is theirs, or the name."""
        self.counts["edits by people"] += 1
        attributes = {"name": NAMES[other % len(NAMES)]} if edit == RENAMED else edit
        try:
            self.sandbox.edit(self.organization(pick)["id"], **attributes)
        except ControlError as refused:
            assert refused.status == 422

    @rule(pick=PICK, other=PICK, act=st.sampled_from(["deletes", "merges", "makes", "makes an account's"]))
    def person_changes_what_there_is(self, pick: int, other: int, act: str) -> None:
        rows = self.sandbox.organizations()
        gone, stays, name = self.organization(pick), self.organization(other), NAMES[other % len(NAMES)].strip()
        if act in ("deletes", "merges") and gone["id"] != stays["id"] and len(rows) > 4:
            if act == "merges":
                self.sandbox.edit(stays["id"], tags=[*stays["tags"], "merged"])
            self.sandbox.delete_organization(gone["id"])
        elif act.startswith("makes") and name.casefold() not in {row["name"].casefold() for row in rows}:
            account = self.account(pick)["Id"]
            free = account not in {row["organization_fields"].get("salesforce_id") for row in rows}
            free = free and account not in {row["external_id"] for row in rows}
            made = {"name": name, "external_id": account if free and act != "makes" else None}
            self.sandbox.add_organizations([made])
        self.counts["edits by people"] += 1

    # -- runs

    def plan(self, *snapshots: Any) -> None:
        try:
            plan = self.stage.plan(*snapshots)
        except PartnerSyncError:
            self.counts["runs that failed before a plan"] += 1
            return
        self.counts["runs"] += 1
        self.tasks += tasks(self.stage, plan, SIZE)

    @initialize()
    def first_run_starts(self) -> None:
        self.plan()

    @rule(visited=st.booleans())
    def run_starts(self, visited: bool) -> None:
        self.plan()
        if visited:
            self.every_batch_is_visited()

    @rule()
    def run_reads_and_its_compare_is_late(self) -> None:
        try:
            self.snapshots.append((self.stage.accounts(), self.stage.organizations()))
        except PartnerSyncError:
            self.counts["reads that failed"] += 1

    @precondition(lambda self: self.snapshots)
    @rule(pick=PICK)
    def compare_runs_late_or_again(self, pick: int) -> None:
        self.plan(*self.snapshots[pick % len(self.snapshots)])

    # -- batches

    def open_task(self, pick: int) -> Task:
        waiting = [one for one in self.tasks if one.done is None]
        return waiting[pick % len(waiting)]

    def visit(self, task: Task, watch: Watch | None = None) -> None:
        """One visit, when it is due; a task that fails for good is not visited again."""
        self.counts["visits"] += 1
        task.watch = watch or Watch()
        self.stage.clock.time = max(self.stage.clock.time, task.due)
        before = self.record.last()
        try:
            task.visit()
        except PermanentError:
            self.counts["batches that failed for good"] += 1
            self.tasks.remove(task)
        finally:
            self.record.submits_since(before)
        self.record.check()
        if task.done is not None:
            self.counts["batches done"] += 1
            self.record.reported(task, before)

    waiting = precondition(lambda self: any(one.done is None for one in self.tasks))

    @waiting
    @rule(pick=PICK)
    def batch_is_visited(self, pick: int) -> None:
        self.visit(self.open_task(pick))

    @waiting
    @rule()
    def batches_are_visited(self) -> None:
        self.every_batch_is_visited()

    def every_batch_is_visited(self) -> None:
        for task in [one for one in self.tasks if one.done is None]:
            self.visit(task)

    @waiting
    @rule(pick=PICK, call=CALL)
    def worker_dies_before_a_call(self, pick: int, call: int) -> None:
        watch = Watch(call, die)
        self.visit(self.open_task(pick), watch)
        self.counts["workers killed"] += watch.hit

    @waiting
    @rule(pick=PICK, other=PICK, call=CALL)
    def two_visits_interleave(self, pick: int, other: int, call: int) -> None:
        one, two = self.open_task(pick), self.open_task(other)
        if one is not two:
            self.counts["visits interleaved"] += 1
            self.visit(one, Watch(call, lambda: self.visit(two)))

    @precondition(lambda self: self.tasks)
    @rule(pick=PICK)
    def task_is_cleared(self, pick: int) -> None:
        self.counts["tasks cleared"] += 1
        at = pick % len(self.tasks)
        old = self.tasks[at]
        self.tasks[at] = Task(self.stage, old.plan, old.batch, tried=old.tries)

    @waiting
    @rule(pick=PICK)
    def worker_is_gone_for_good(self, pick: int) -> None:
        self.counts["tasks given up"] += 1
        self.tasks.remove(self.open_task(pick))

    # -- Zendesk and time

    def running(self) -> list[str]:
        return [job["id"] for job in self.sandbox.jobs() if job["status"] in ("queued", "working")]

    @precondition(lambda self: self.running())
    @rule(pick=PICK, all_of_them=st.booleans())
    def jobs_end(self, pick: int, all_of_them: bool) -> None:
        running = self.running()
        for job in running if all_of_them else [running[pick % len(running)]]:
            self.sandbox.end_job(job)

    @rule(minutes=st.sampled_from([1, 1, 3, 11, 30, 400]))
    def time_passes(self, minutes: int) -> None:
        self.stage.clock.sleep(60 * minutes)

    @rule(fault=st.sampled_from(sorted(FAULTS)), place=st.sampled_from(PLACES), skip=st.integers(0, 3))
    def fault_strikes_a_call(self, fault: str, place: str, skip: int) -> None:
        self.sandbox.fault(system="zendesk", path=place, skip=skip, **FAULTS[fault])

    @rule(fault=st.sampled_from(sorted(JOB_FAULTS)))
    def fault_strikes_a_job(self, fault: str) -> None:
        self.sandbox.fault(system="zendesk", method="P*", path="*_many", **JOB_FAULTS[fault])

    def lift(self) -> None:
        self.counts["faults"] += sum(fault["hits"] for fault in self.sandbox.faults())
        self.sandbox.remove_faults()

    # -- what has to be true

    @invariant()
    def everything_was_rightly_written(self) -> None:
        self.counts["steps"] += 1
        self.record.check()

    def teardown(self) -> None:
        """The faults are over, what ran has ended or is given up: a quiet run makes everything right."""
        try:
            if sys.exc_info()[0] is None:
                self.comes_right()
        finally:
            self.counts["writes"] += self.record.writes
            self.counts["jobs"] += len(self.record.jobs)
            shutil.rmtree(self.folder, ignore_errors=True)

    def comes_right(self) -> None:
        self.lift()
        self.stage.end_jobs()
        self.stage.clock.sleep(15 * 60)
        plan = self.stage.plan()
        for _ in range(12):
            if not plan.changes:
                break
            waited = [problem for problem in plan.problems if problem.kind == "name_waits"]
            before = self.record.last()
            batches = tasks(self.stage, plan, SIZE)
            finish(self.stage, *batches)
            self.record.submits_since(before)
            self.record.check()
            verdicts = [row for one in batches for row in one.done.verdicts]
            assert [] == [row for row in verdicts if row.verdict != "confirmed"]
            plan = self.stage.plan()
            assert waited or not plan.changes, plan.changes
        assert () == plan.changes
        before = self.record.last()
        finish(self.stage, *tasks(self.stage, self.stage.plan(), SIZE))
        assert before == self.record.last()
        nobody_twice(self.sandbox)
        as_desired(self.sandbox, plan)
        untouched(self.sandbox.organizations(), self.stage.before, self.record.touched)
        late = [entry for entry in self.stage.archive.open_jobs("global") if entry.order.snapshot_begun > START]
        assert not [entry for entry in late if entry.order.plan_id == plan.id]

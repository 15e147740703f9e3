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

from partner_sync.archive.in_force import in_force
from partner_sync.config.load import load
from partner_sync.errors import ConfigError, PartnerSyncError, PermanentError
from partner_sync.ids import id_18
from partner_sync.model import Plan
from partner_sync.sandbox import Sandbox
from partner_sync.sandbox.control import ControlError
from tests.oracle_of_runs import Key
from tests.replays import replayed
from tests.sync.stage import NEVER, SETTINGS, SHIPPED, START, TOML, Stage, Task, Watch, die, finish, tasks
from tests.walks.truths import Record, about, as_desired, nobody_twice, untouched
from tests.walks.witness import Unrecorded, Witness

SIZE, IN_FLIGHT = 2, 3
FEW = replace(SETTINGS, jobs_in_flight=IN_FLIGHT)
OTHER = load(
    TOML.replace('from = "Account_Owner_Calc__c"', 'from = "Technical_Account_Manager_Name__c"').replace(
        'merged = "problem"', 'merged = "mark"'
    ),
    "other.toml",
)
"""The config of another deployment: it fills a field from elsewhere, and marks merged accounts."""
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
    {"Account_Owner_Calc__c": "Bo  Lind"},
    {"Technical_Account_Manager_Name__c": "Zoe\u0308  Lind"},
    RENAMED,
    SWAPPED,
    NEW,
]
EDITS: list[dict[str, Any]] = [
    {"organization_fields": {"account_owner": "A Person"}},
    {"organization_fields": {"account_owner": "Ann Onder", "support_hold": True}},
    {"organization_fields": {"mark_for_deletion": True}},
    {"organization_fields": {"mark_for_deletion": False}},
    {"organization_fields": {"account_type": "customer"}},
    {"organization_fields": {"ignore_deletion": True, "support_level": "gold"}, "notes": "Called"},
    RENAMED,
]
VANISHED = ["deleted", "deleted", "merged", "purged", "hidden"]
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
    "values normalized": {"do": "normalize", "times": 6},
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
        self.stage, self.unrecorded = Stage(self.sandbox, self.folder / "one", FEW, SHIPPED), Unrecorded()
        self.record = Record(Witness(self.stage, self.unrecorded), IN_FLIGHT, SIZE)
        self.other: Record | None = None
        self.plans: list[Plan] = []
        self.tasks: list[Task] = []
        self.snapshots: list[Any] = []
        self.may_lose = self.quiet = False
        self.ids = (id_18(f"0014M00007New{number:02d}") for number in itertools.count())
        self.altered()

    def altered(self) -> None:
        """Where a variant of the protocol that is known to be wrong gets in."""

    # -- accounts

    def account(self, pick: int) -> dict[str, Any]:
        rows = self.sandbox.accounts()
        return rows[pick % len(rows)]

    def changed(self, account: str) -> None:
        self.record.witness.past.changed[account] = self.stage.clock.time

    @rule(pick=PICK, other=PICK, change=st.sampled_from(CHANGES))
    def account_changes(self, pick: int, other: int, change: dict[str, Any]) -> None:
        """Its fields, or its name for a new one or that of another account; or it is new altogether."""
        self.counts["changes of accounts"] += 1
        account, name = self.account(pick), NAMES[other % len(NAMES)]
        self.changed(account["Id"])
        if change == SWAPPED:
            two = self.account(other)
            self.changed(two["Id"])
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

    @rule(pick=PICK, other=PICK, several=st.integers(1, 3), act=st.sampled_from(VANISHED))
    def accounts_vanish(self, pick: int, other: int, several: int, act: str) -> None:
        for number in range(several):
            self.account_vanishes(pick + number, other, act)

    def account_vanishes(self, pick: int, other: int, act: str) -> None:
        rows = [*self.sandbox.accounts(), *(self.sandbox.deleted_accounts() if act == "purged" else [])]
        gone, stays = rows[pick % len(rows)]["Id"], self.account(other)["Id"]
        if gone == stays or len(self.sandbox.accounts()) < 3:
            return
        self.counts[f"accounts {act}"] += 1
        self.changed(gone)
        if act == "deleted":
            self.sandbox.delete_account(gone)
        elif act == "merged":
            self.sandbox.merge_accounts(gone, stays)
        elif act == "purged":
            self.sandbox.purge_account(gone)
            self.unrecorded.hidden.discard(gone)
        else:
            self.sandbox.hide_account(gone)
            self.unrecorded.hidden.add(gone)

    @rule(pick=PICK)
    def account_returns(self, pick: int) -> None:
        whole = [row["Id"] for row in self.sandbox.deleted_accounts() if "Account_Owner_Calc__c" in row]
        gone = [*whole, *sorted(self.unrecorded.hidden)]
        if not gone:
            return
        self.counts["accounts that returned"] += 1
        account = gone[pick % len(gone)]
        self.changed(account)
        if account in self.unrecorded.hidden:
            self.sandbox.unhide_account(account)
            self.unrecorded.hidden.discard(account)
        else:
            self.sandbox.undelete_account(account)

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

    @rule(pick=PICK, open_tickets=st.integers(0, 1))
    def tickets_change(self, pick: int, open_tickets: int) -> None:
        self.counts["tickets opened" if open_tickets else "tickets solved"] += 1
        self.put_tickets(self.organization(pick)["id"], open_tickets)

    def put_tickets(self, organization: int, open_tickets: int) -> None:
        self.sandbox.put_tickets(organization, open=open_tickets, solved=1, users=2)
        (self.unrecorded.tickets.add if open_tickets else self.unrecorded.tickets.discard)(organization)

    @precondition(lambda self: any(one.holds for one in self.plans))
    @rule(pick=PICK, row=PICK, whole=st.booleans(), newest=st.booleans())
    def person_approves(self, pick: int, row: int, whole: bool, newest: bool) -> None:
        """A hold of the newest plan that has one, or of any; all of it, or one row."""
        plans = [one for one in self.plans if one.holds]
        plan = plans[-1 if newest else pick % len(plans)]
        hold = plan.holds[pick % len(plan.holds)]
        account = None if whole else hold.changes[row % len(hold.changes)].account_id
        try:
            self.record.witness.approves(plan, hold.id, account)
        except PermanentError:
            assert self.record.lost
            return
        self.counts["approvals"] += 1

    @precondition(lambda self: any(one.holds for one in self.plans))
    @rule(pick=PICK, row=PICK, whole=st.booleans())
    def person_leaves(self, pick: int, row: int, whole: bool) -> None:
        """A hold of any plan as it is, or one row of it."""
        plans = [one for one in self.plans if one.holds]
        plan = plans[pick % len(plans)]
        hold = plan.holds[pick % len(plan.holds)]
        account = None if whole else hold.changes[row % len(hold.changes)].account_id
        try:
            self.record.witness.leaves(plan, hold.id, account)
        except PermanentError:
            assert self.record.lost
            return
        self.counts["leaves"] += 1

    @precondition(lambda self: any(one.changes for one in self.plans))
    @rule(pick=PICK, newest=st.booleans())
    def person_undoes(self, pick: int, newest: bool) -> None:
        """The newest run that changes anything, or any. One that wrote nothing, or still writes, is refused."""
        plans = [one for one in self.plans if one.changes]
        self.person_undoes_plan(plans[-1 if newest else pick % len(plans)])

    @rule(undone=st.booleans())
    def whole_run_is_made(self, undone: bool) -> None:
        """A run whose jobs all end, unless a fault strikes, and that a person may undo."""
        self.plan()
        for _ in range(3):
            self.every_batch_is_visited()
            for job in self.running():
                self.sandbox.end_job(job)
        if undone and self.plans[-1].changes:
            self.person_undoes_plan(self.plans[-1])

    def person_undoes_plan(self, plan: Plan) -> None:
        try:
            self.record.witness.undoes(plan)
        except ConfigError:
            self.counts["undos refused"] += 1
            return
        self.counts["undos"] += 1

    def in_force(self) -> list[str]:
        return [one.id for one in in_force(self.stage.archive, self.stage.clock.time)]

    @precondition(lambda self: self.in_force())
    @rule(pick=PICK)
    def person_withdraws(self, pick: int) -> None:
        """An approval, a leave, an undo, or a row that rests."""
        ids = self.in_force()
        self.record.witness.withdraws(ids[pick % len(ids)])
        self.counts["withdrawals"] += 1

    # -- runs

    def plan(self, *snapshots: Any) -> None:
        self.plan_of(self.record, *snapshots)

    def plan_of(self, record: Record, *snapshots: Any) -> Plan | None:
        accounts, organizations, read = snapshots or (None, None, record.witness.organizations())
        try:
            plan = record.stage.plan(accounts, organizations)
        except PartnerSyncError:
            if self.quiet:
                raise
            self.counts["runs that failed before a plan"] += 1
            return None
        record.witness.sees(plan, read)
        self.counts["runs"] += 1
        self.counts["rows held"] += sum(hold.rows for hold in plan.holds)
        self.tasks += tasks(record.stage, plan, SIZE)
        if record is self.record:
            self.plans.append(plan)
        return plan

    @initialize(may_lose=st.sampled_from([False, False, False, True]))
    def first_run_starts(self, may_lose: bool) -> None:
        self.may_lose = may_lose
        self.plan()

    @rule(visited=st.booleans())
    def run_starts(self, visited: bool) -> None:
        self.plan()
        if visited:
            self.every_batch_is_visited()

    @rule()
    def run_reads_and_its_compare_is_late(self) -> None:
        try:
            accounts, read = self.stage.accounts(), self.record.witness.organizations()
            self.snapshots.append((accounts, self.stage.organizations(), read))
        except PartnerSyncError:
            self.counts["reads that failed"] += 1

    @precondition(lambda self: self.snapshots)
    @rule(pick=PICK)
    def compare_runs_late_or_again(self, pick: int) -> None:
        self.plan(*self.snapshots[pick % len(self.snapshots)])

    @rule(visited=st.booleans())
    def another_deployment_runs(self, visited: bool) -> None:
        """It has an archive and a config of its own, and writes to the same Zendesk."""
        if self.other is None:
            stage = Stage(self.sandbox, self.folder / "other", FEW, OTHER)
            stage.clock = self.stage.clock
            self.other = Record(Witness(stage, self.unrecorded), IN_FLIGHT, SIZE)
        self.counts["runs of another deployment"] += 1
        self.plan_of(self.other)
        if visited:
            self.every_batch_is_visited()

    # -- the archive

    @precondition(lambda self: self.may_lose)
    @rule()
    def archive_is_copied(self) -> None:
        shutil.rmtree(self.folder / "copy", ignore_errors=True)
        shutil.copytree(self.folder / "one", self.folder / "copy")

    @precondition(lambda self: self.may_lose and not self.record.lost)
    @rule()
    def archive_is_lost(self) -> None:
        """An older copy takes its place, if there is one; else it is empty, and armed anew."""
        copy = self.folder / "copy"
        self.counts["archives replaced" if copy.exists() else "archives emptied"] += 1
        shutil.rmtree(self.folder / "one")
        if copy.exists():
            shutil.copytree(copy, self.folder / "one")
        self.stage.arm()
        self.record.lost = True

    # -- batches

    def open_task(self, pick: int) -> Task:
        waiting = [one for one in self.tasks if one.done is None]
        return waiting[pick % len(waiting)]

    def visit(self, task: Task, watch: Watch | None = None) -> None:
        """One visit, when it is due; a task that fails for good is not visited again."""
        self.counts["visits"] += 1
        record = self.record if task.stage is self.stage else self.other
        assert record is not None
        task.watch = watch or Watch()
        self.stage.clock.time = max(self.stage.clock.time, task.due)
        before = record.last()
        try:
            task.visit()
        except PermanentError:
            self.counts["batches that failed for good"] += 1
            self.tasks.remove(task)
        finally:
            record.submits_since(before)
        self.check()
        if task.done is not None:
            self.counts["batches done"] += 1
            record.reported(task, before)

    def check(self) -> None:
        self.record.check()
        if self.other is not None:
            self.other.check()

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
        self.tasks[at] = Task(old.stage, old.plan, old.batch, tried=old.tries)

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
        self.check()

    def teardown(self) -> None:
        """The faults are over, what ran has ended or is given up: quiet runs make everything right."""
        try:
            if sys.exc_info()[0] is None:
                self.comes_right()
        finally:
            self.counts["writes"] += self.record.writes
            self.counts["jobs"] += len(self.record.jobs)
            past = self.record.witness.past
            self.counts["marks written"] += sum(one.is_mark for one in past.sent)
            self.counts["approved rows written"] += past.approved_rows()
            if self.record.lost:
                self.counts["walks with a lost archive"] += 1
                for rule_name, times in self.record.broken.items():
                    self.counts[f"broken with a lost archive: {rule_name}"] += times
            shutil.rmtree(self.folder, ignore_errors=True)

    def comes_right(self) -> None:
        """All tickets are solved, a day passes before each run, and people approve what is on hold."""
        self.lift()
        self.quiet = True
        self.stage.end_jobs()
        for number in sorted(self.unrecorded.tickets & {row["id"] for row in self.sandbox.organizations()}):
            self.put_tickets(number, 0)
        if "listed" not in self.record.witness.accounts().values():
            self.one_account_is_a_partner()  # a read without any account is refused
        plan = self.quiet_plan()
        self.everything_is_confirmed(plan)
        if plan.changes:
            self.person_undoes_plan(plan)
        self.decisions_are_kept(self.quiet_plan())
        plan = self.quiet_plan()
        for _ in range(20):
            if not plan.changes and not plan.holds:
                break
            waited = [problem for problem in plan.problems if problem.kind == "name_waits"]
            self.everything_is_confirmed(plan)
            self.check()
            for hold in plan.holds:
                self.record.witness.approves(plan, hold.id)
            again = self.quiet_plan(hours=0.25 if plan.holds else 25)
            assert waited or plan.holds or not again.changes, again.changes
            plan = again
        assert ((), ()) == (plan.changes, plan.holds)
        before = self.record.last()
        self.everything_is_confirmed(self.quiet_plan())
        assert before == self.record.last()
        self.every_plan_follows_again()
        nobody_twice(self.sandbox)
        as_desired(self.sandbox, plan, self.unrecorded.hidden)
        untouched(self.sandbox.organizations(), self.stage.before, self.record.touched)
        late = [entry for entry in self.stage.archive.open_jobs("global") if entry.order.snapshot_begun > START]
        assert not [entry for entry in late if entry.order.plan_id == plan.id]

    def every_plan_follows_again(self) -> None:
        """Replays all runs, unless the archive lost them."""
        for one in self.plans if not self.record.lost else ():
            replayed(self.stage.archive, one.run_id)
            self.counts["runs replayed"] += 1

    def decisions_are_kept(self, plan: Plan) -> None:
        """What was undone does not show what was undone, unless the plan says why. Then people withdraw everything."""
        self.everything_is_confirmed(plan)
        past, explained = self.record.witness.past, about(plan)
        rows = {row["id"]: {**row["organization_fields"], "name": row["name"]} for row in self.sandbox.organizations()}
        for undone in past.undone if not self.record.lost else ():
            for (number, account, field), wrote in undone.fields.items():
                key = Key(number, account, field, None, wrote)
                if number in rows and number not in explained and past.keeps(undone, key, plan.order.made):
                    assert rows[number][field] != wrote, ("undone, and still there", key)
        for decision in self.in_force():
            self.record.witness.withdraws(decision)

    def one_account_is_a_partner(self) -> None:
        account = self.account(0)["Id"]
        self.changed(account)
        partner = {"Type": "Partner", "Partners_Partner_Status__c": "Authorized", "Partner_Track__c": "Open"}
        self.sandbox.put_account(Id=account, **partner)
        self.sandbox.unhide_account(account)
        self.unrecorded.hidden.discard(account)

    def quiet_plan(self, hours: float = 25) -> Plan:
        self.stage.clock.sleep(hours * 3600)
        plan = self.plan_of(self.record)
        assert plan is not None
        return plan

    def everything_is_confirmed(self, plan: Plan) -> None:
        before = self.record.last()
        batches = tasks(self.stage, plan, SIZE)
        finish(self.stage, *batches)
        self.record.submits_since(before)
        verdicts = [row for one in batches for row in one.done.verdicts]
        assert [] == [row for row in verdicts if row.verdict != "confirmed"]

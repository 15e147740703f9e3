"""A smaller walk over the real DAG: accounts change, people edit, faults strike, it runs, its tasks are cleared."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from partner_sync.errors import WithheldError
from partner_sync.sandbox import large_world
from partner_sync.sandbox.control import ControlError
from tests.dag.stage import Run, staged
from tests.replays import replayed
from tests.walks.truths import as_desired, emptied, nobody_twice, only_ours, well_formed
from tests.walks.walk import CHANGES, EDITS, JOB_FAULTS, NAMES, NEW, PICK, RENAMED, SWAPPED

FAULTS = {name: fault for name, fault in JOB_FAULTS.items() if name not in ("never ends", "too many jobs")}
TASKS = ["gather_accounts", "gather_organizations", "compare", "sync"]


class DagWalk(RuleBasedStateMachine):
    """One walk; each run is a whole `dag.test()`, each clearing runs the tasks again as a scheduler would."""

    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        folder = Path(self.opened.enter_context(tempfile.TemporaryDirectory(prefix="partner-sync-walk-")))
        world = large_world(accounts=5, organizations=8, creates=1, updates=2, marks=1)
        self.stage = self.opened.enter_context(staged(folder, world))
        self.sandbox, self.seen, self.runs = self.stage.sandbox, 0, list[Run]()
        self.counts["walks of the DAG"] += 1

    @rule(pick=PICK, other=PICK, change=st.sampled_from([one for one in CHANGES if one not in (NEW, SWAPPED)]))
    def account_changes(self, pick: int, other: int, change: dict[str, Any]) -> None:
        rows = self.sandbox.accounts()
        fields = {"Name": NAMES[other % len(NAMES)]} if change == RENAMED else change
        self.sandbox.put_account(Id=rows[pick % len(rows)]["Id"], **fields)

    @rule(pick=PICK, edit=st.sampled_from([one for one in EDITS if one != RENAMED]))
    def person_edits(self, pick: int, edit: dict[str, Any]) -> None:
        rows = self.sandbox.organizations()
        try:
            self.sandbox.edit(rows[pick % len(rows)]["id"], **edit)
        except ControlError as refused:
            assert refused.status == 422

    @rule(fault=st.sampled_from(sorted(FAULTS)))
    def fault_strikes(self, fault: str) -> None:
        self.sandbox.fault(system="zendesk", method="P*", path="*_many", **FAULTS[fault])

    @rule(dry_run=st.sampled_from([False, False, True]))
    def dag_runs(self, dry_run: bool) -> None:
        before = len(self.stage.writes())
        run = self.stage.run(dry_run=dry_run)
        self.looked_at(run)
        assert not dry_run or before == len(self.stage.writes())

    @precondition(lambda self: self.runs)
    @rule(pick=PICK, task=st.sampled_from(TASKS))
    def task_is_cleared(self, pick: int, task: str) -> None:
        self.counts["tasks of the DAG cleared"] += 1
        following = TASKS[TASKS.index(task) :] if task in ("compare", "sync") else [task, "compare", "sync"]
        self.looked_at(self.stage.clear(self.runs.pop(pick % len(self.runs)), *following))

    def looked_at(self, run: Run) -> None:
        """A run is green and all is confirmed or left to a newer plan, or it is red and says why."""
        self.counts["runs of the DAG"] += 1
        self.runs.append(run)
        assert run.state == "success" or run.failures
        if run.state == "success":
            assert {row.verdict for row in run.verdicts} <= {"confirmed", "superseded"}
        written = {write["job_id"] for write in self.stage.writes()}
        assert {row.job_id for row in run.verdicts if row.verdict == "confirmed" and row.job_id} <= written

    @invariant()
    def everything_was_rightly_written(self) -> None:
        self.counts["steps of the DAG's walks"] += 1
        for write in self.sandbox.writes(self.seen):
            self.seen = write["n"]
            if write["by"] == "job":
                self.counts["writes"] += 1
                assert not write["no_op"] or emptied(self.sandbox, write), ("written twice", write)
                only_ours(write)
        for job in self.sandbox.jobs():
            well_formed(job, 100)
        nobody_twice(self.sandbox)

    def teardown(self) -> None:
        with self.opened:
            self.stage.calm()
            for _ in range(5):
                run = self.stage.run()
                assert run.state == "success" or {type(one) for _, one in run.failures} == {WithheldError}, run.failures
                if run.tasks.get("sync") == "skipped" and not run.record.plan.holds:
                    break
                for hold in run.record.plan.holds:
                    self.stage.run(approve=[hold.id])
            self.everything_was_rightly_written()
            before = len(self.stage.writes())
            assert self.stage.run().tasks.get("sync") == "skipped"
            assert before == len(self.stage.writes())
            as_desired(self.sandbox, run.record.plan)
            for one in [one for one in self.runs if one.record is not None]:
                replayed(self.stage.archive, one.dag_run.run_id)
                self.counts["runs of the DAG replayed"] += 1

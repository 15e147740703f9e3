"""The writing protocol of `sync/batch.py` and `sync/register.py` as a small model, run through random schedules.

Kills, lost responses, clears, re-compared snapshots and slow `compare` tasks strike at any step. Held: writes of
an organization never go back to an older account snapshot ("stale"), open jobs stay near the limit ("limit", with two
of slack for the moment between entry and count), and once nothing fails any more every task ends ("unfinished"). Not
modeled: people's edits, creates, the time-outs of abandoned entries.

`Variant` turns single rules off, so that the tests can show that each of them is needed.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

ORGANIZATIONS, LIMIT, SUBMITS = 4, 3, 3


@dataclass(frozen=True)
class Variant:
    """What the protocol does; each default is what the code does."""

    order: str = "snapshot"
    """Plans are ordered by the begin of their account snapshot ("snapshot") or by the end of `compare` ("compare")."""
    naming: str = "object"
    """The latest plan is an object of its own name ("object"), or one object, read and overwritten ("overwrite")."""
    settles_own: bool = True
    """What an earlier try sent is settled before the batch goes on."""
    waits_for_older: bool = True
    """A batch does not write while entries of older plans are open."""
    suspects: str = "first look"
    """Of a lost submit, only jobs that ran at the first look can be it ("first look"), or any that runs ("all")."""


@dataclass
class Plan:
    id: int
    snapshot: int
    made: int
    desired: dict[int, int]
    before: dict[int, int]


@dataclass
class Job:
    plan: Plan | None
    """None: of another integration, which always keeps a job running."""
    rows: dict[int, int]
    state: str = "queued"


@dataclass
class Entry:
    plan: Plan
    job: Job | None = None
    intended: bool = False
    sent: bool = False
    submits: int = 0
    suspects: list[int] | None = None


@dataclass
class Task:
    plan: Plan
    rows: list[int]
    key: tuple[int, int]
    step: str = "start"
    write: dict[int, int] = field(default_factory=dict)


class World:
    """Salesforce, Zendesk, the archive and the tasks, advanced one step of one of them at a time."""

    def __init__(self, seed: int, variant: Variant) -> None:
        self.random, self.variant = random.Random(seed), variant
        self.time, self.calm = 0, False
        self.accounts = dict.fromkeys(range(ORGANIZATIONS), 0)
        self.organizations = dict.fromkeys(range(ORGANIZATIONS), 0)
        self.written_from = dict.fromkeys(range(ORGANIZATIONS), -1)
        self.runs: list[dict] = []
        self.past_runs: list[dict] = []
        self.tasks: list[Task] = []
        self.jobs: list[Job] = [Job(None, {})]
        self.named: list[Plan] = []
        self.register: dict[tuple[int, int], Entry] = {}
        self.found: Counter[str] = Counter()

    def run(self, steps: int = 400, calm_steps: int = 4000) -> Counter[str]:
        acts = [self.change] * 2 + [self.run_start] + [self.run_step] * 3 + [self.task_step] * 8 + [self.job_step] * 3
        acts += [self.clear, self.compare_again]
        for _ in range(steps):
            self.time += 1
            self.random.choice(acts)()
            if sum(job.state != "done" for job in self.jobs if job.plan) > LIMIT + 2:
                self.found["limit"] += 1
        self.calm = True
        for _ in range(calm_steps):
            self.time += 1
            self.random.choice([self.run_step, self.task_step, self.job_step])()
        self.found["unfinished"] += sum(task.step != "done" for task in self.tasks)
        return self.found

    # -- Salesforce, gather, compare ------------------------------------------------------------------------

    def change(self) -> None:
        self.accounts[self.random.randrange(ORGANIZATIONS)] = self.random.randrange(3)

    def run_start(self) -> None:
        if len(self.runs) < 2:
            self.runs.append({"step": 0})

    def run_step(self) -> None:
        if not self.runs:
            return
        run = self.random.choice(self.runs)
        if run["step"] == 0:
            run["accounts"], run["snapshot"] = dict(self.accounts), self.time
        elif run["step"] == 1:
            run["organizations"] = dict(self.organizations)
        elif run["step"] == 2:
            self.compare(run)
        elif run["step"] == 3:
            self.look_at_latest(run)
        else:
            self.name_latest(run)
            self.runs.remove(run)
            self.past_runs = [*self.past_runs, run][-3:]
        run["step"] += 1

    def compare(self, run: dict) -> None:
        desired = {row: value for row, value in run["accounts"].items() if value != run["organizations"][row]}
        before = {row: run["organizations"][row] for row in desired}
        run["plan"] = Plan(self.time, run["snapshot"], self.time, desired, before)

    def look_at_latest(self, run: dict) -> None:
        run["seen"] = self.latest()

    def name_latest(self, run: dict) -> None:
        """The last act of `compare`; its batches may start only now."""
        plan = run["plan"]
        if self.variant.naming == "object":
            self.named.append(plan)
        elif run["seen"] is None or self.newer(plan, run["seen"]):
            self.named = [plan]
        rows = list(plan.desired)
        self.tasks += [Task(plan, rows[start : start + 2], (plan.id, start)) for start in range(0, len(rows), 2)]

    def compare_again(self) -> None:
        """`compare` cleared on its old snapshots."""
        if self.past_runs and self.random.random() < 0.3 and len(self.runs) < 3:
            self.runs.append({**self.random.choice(self.past_runs), "step": 2})

    def latest(self) -> Plan | None:
        return max(self.named, key=self.key, default=None)

    def key(self, plan: Plan) -> tuple[int, int]:
        return (plan.snapshot if self.variant.order == "snapshot" else plan.made, plan.made)

    def newer(self, one: Plan, other: Plan) -> bool:
        return self.key(one) > self.key(other)

    # -- sync -----------------------------------------------------------------------------------------------

    def clear(self) -> None:
        done = [task for task in self.tasks if task.step == "done"]
        if done and self.random.random() < 0.3:
            self.random.choice(done).step = "start"

    def task_step(self) -> None:
        live = [task for task in self.tasks if task.step != "done"]
        if not live:
            return
        task = self.random.choice(live)
        if not self.calm and self.random.random() < 0.08:
            task.step = "start"  # killed at this point; a retry starts again
            return
        getattr(self, task.step)(task)

    def start(self, task: Task) -> None:
        entry = self.register.get(task.key)
        if entry is not None and entry.intended and self.variant.settles_own:
            task.step = "follow"
            return
        task.step = "claim"

    def follow(self, task: Task) -> None:
        entry = self.register.get(task.key)
        if entry is None:
            task.step = "start"
        elif entry.job is not None:
            if entry.job.state == "done":
                task.step = "finish"
        elif self.nothing_runs_of(task.key):
            task.step = "claim"

    def nothing_runs_of(self, key: tuple[int, int]) -> bool:
        known = [id(entry.job) for other, entry in self.register.items() if other != key and entry.job is not None]
        running = [id(job) for job in self.jobs if job.state != "done" and id(job) not in known]
        entry = self.register[key]
        if entry.suspects is None and self.variant.suspects == "first look":
            entry.suspects = running
        return not [job for job in running if entry.suspects is None or job in entry.suspects]

    def claim(self, task: Task) -> None:
        earlier = self.register.get(task.key) or Entry(task.plan)
        self.register[task.key] = Entry(task.plan, sent=earlier.sent, submits=earlier.submits)
        task.step = "look"

    def look(self, task: Task) -> None:
        latest = self.latest()
        task.step = "finish" if latest is not None and self.newer(latest, task.plan) else "count"

    def count(self, task: Task) -> None:
        older = [entry for key, entry in self.register.items() if key != task.key and self.newer(task.plan, entry.plan)]
        ended = [entry for entry in self.register.values() if entry.job is not None and entry.job.state == "done"]
        if (older and self.variant.waits_for_older) or len(self.register) - len(ended) > LIMIT:
            if not self.register[task.key].sent:
                del self.register[task.key]
            task.step = "start"
            return
        task.step = "read"

    def read(self, task: Task) -> None:
        plan, now = task.plan, self.organizations
        task.write = {
            row: plan.desired[row]
            for row in task.rows
            if now[row] != plan.desired[row] and now[row] == plan.before[row]
        }
        task.step = "intend" if task.write and self.register[task.key].submits < SUBMITS else "finish"

    def intend(self, task: Task) -> None:
        submits = self.register[task.key].submits + 1
        self.register[task.key] = Entry(task.plan, intended=True, sent=True, submits=submits)
        task.step = "submit"

    def submit(self, task: Task) -> None:
        job = Job(task.plan, dict(task.write))
        self.jobs.append(job)
        if not self.calm and self.random.random() < 0.15:
            task.step = "start"  # the response is lost, or the worker dies here
            return
        self.register[task.key].job = job
        task.step = "follow"

    def finish(self, task: Task) -> None:
        self.register.pop(task.key, None)
        task.step = "done"

    # -- Zendesk --------------------------------------------------------------------------------------------

    def job_step(self) -> None:
        waiting = [job for job in self.jobs if job.state != "done"]
        if not waiting:
            return
        job = self.random.choice(waiting)
        if job.state == "queued":
            job.state = "working"
            return
        for row, value in job.rows.items():
            if job.plan.snapshot < self.written_from[row]:
                self.found["stale"] += 1
            self.written_from[row] = max(self.written_from[row], job.plan.snapshot)
            self.organizations[row] = value
        job.state = "done"
        if job.plan is None:
            self.jobs.append(Job(None, {}))

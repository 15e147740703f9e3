"""Zendesk in the model: organizations of two fields, jobs that run item by item, submits that arrive late."""

from __future__ import annotations

import random

from tests.protocol.judge import Judge
from tests.protocol.records import Job
from tests.protocol.rules import LAG, TIMEOUTS

ROWS = 3
"""Rows 0 and 1 are organizations from the start, row 2 is an account without one."""
FIELDS = 2
"""The first has the values 0 to 2, the second 0 and 1."""
FORGOTTEN = 60
"""Ticks after its end in which Zendesk still shows a job."""

LOST_JOBS = 0.02


class Zendesk:
    """`busy` is how often a submit has no effect for certain: 429, TooManyJobs, no connection.

    `loses` is how often the response to a submit is lost.
    """

    def __init__(self, chance: random.Random, judge: Judge, busy: float, loses: float) -> None:
        self.random, self.judge, self.busy, self.loses = chance, judge, busy, loses
        self.time, self.calm = 0, False
        self.organizations: list[list[int] | None] = [[0] * FIELDS for _ in range(ROWS - 1)] + [None]
        self.edited: list[list[tuple[int, object]]] = [[(-1, "start")] * FIELDS for _ in range(ROWS)]
        """By field: when it changed last, and which batch or person did it."""
        self.maker: list[Job | None] = [None] * ROWS
        self.jobs: list[Job] = [Job(None)]
        """In the order of their birth. Another integration always keeps one running."""
        self.on_the_way: list[tuple[int, Job]] = []

    def tick(self, time: int) -> None:
        self.time = time
        for post in [post for post in self.on_the_way if post[0] <= time]:
            self.on_the_way.remove(post)
            self.accept(post[1])

    def edit(self, row: int, values: list[int] | None) -> None:
        """A person edits, creates or deletes an organization."""
        before = self.organizations[row]
        if before is None or values is None:
            self.maker[row] = None
        for field in range(FIELDS):
            if before is None or values is None or before[field] != values[field]:
                self.edited[row][field] = (self.time, "person")
        self.organizations[row] = values

    # -- what its API offers --------------------------------------------------------------------------------

    def refuses(self) -> bool:
        """Whether a submit has no effect for certain."""
        return self.random.random() + self.calm < self.busy

    def submit(self, job: Job) -> str:
        """Returns "accepted", or "lost": it may arrive later, or never."""
        if self.random.random() + self.calm < self.loses:
            if self.random.random() < 0.6:
                delay = self.random.choice([TIMEOUTS, self.random.randrange(TIMEOUTS + 1)])
                self.on_the_way.append((self.time + delay, job))
            return "lost"
        self.accept(job)
        return "accepted"

    def job(self, job: Job) -> Job | None:
        """A job by its id; None: 404."""
        return job if self._shows(job) else None

    def newest_job(self) -> Job | None:
        return next((job for job in reversed(self.jobs) if self._shows(job)), None)

    def running_jobs(self, back_to: Job | None) -> list[Job]:
        """Jobs that run, of any client, from the newest back to a known one, or all that Zendesk still lists."""
        found = []
        for job in reversed(self.jobs):
            if job is back_to:
                break
            if self._shows(job) and job.runs:
                found.append(job)
        return found

    def _shows(self, job: Job) -> bool:
        return job.state != "lost" and job.shown <= self.time < job.ended + FORGOTTEN

    # -- what it does -----------------------------------------------------------------------------------------

    def accept(self, job: Job) -> None:
        job.came = self.time
        job.shown = self.time + self.random.choice([0, LAG, self.random.randrange(LAG + 1)])
        if self.random.random() + self.calm < LOST_JOBS:
            job.state = "lost"
        self.jobs.append(job)
        self.judge.accepted(self.jobs)

    def work(self) -> None:
        job = self.random.choice([job for job in self.jobs if job.runs and job.state != "lost"])
        if job.state == "queued":
            job.state = "working"
        elif job.todo:
            self._execute(job, job.todo.pop(self.random.randrange(len(job.todo))))
        else:
            job.state, job.ended = "done", self.time
            if job.batch is None:
                self.jobs.append(Job(None, shown=self.time))
            self.jobs = [job for job in self.jobs if self.time < job.ended + FORGOTTEN]

    def busy_with_ours(self) -> bool:
        return bool(self.on_the_way) or any(job.batch and job.state in ("queued", "working") for job in self.jobs)

    def _execute(self, job: Job, row: int) -> None:
        change, now = job.rows[row], self.organizations[row]
        if change.create is (now is not None):
            if change.create and self._slips_through(job, row):
                self.judge.created_twice(job, self.maker[row])
            job.refused.add(row)
            job.batch.refused.add(row)
            return
        if change.create:
            self.maker[row] = job
        self.judge.executed(job, row, now, self.edited[row])
        values = [0] * FIELDS if now is None else list(now)
        for field, _, after in change.fields:
            values[field] = after
            self.edited[row][field] = (self.time, job.batch)
        self.organizations[row] = values

    def _slips_through(self, job: Job, row: int) -> bool:
        """The documented race of two jobs that run at once and create the same organization."""
        maker = self.maker[row]
        return maker is not None and maker.ended >= job.came and self.random.random() < 0.5

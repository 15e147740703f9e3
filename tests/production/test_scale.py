"""20 and 200 batches through the stack: how fast, with how much memory, and what they leave behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import pytest

from partner_sync.archive.expiry import stored
from tests.production import verdicts, world
from tests.production.airflow_api import ENDED, moment
from tests.production.kept import keep_scale, scale_table
from tests.production.stack import Stack
from tests.production.trial import Outcome, Trial

pytestmark = pytest.mark.scale

JOB_SECONDS = 5
RUN_SECONDS = 1800


@dataclass(frozen=True)
class Size:
    """What a run of so many batches took and left."""

    batches: int
    state: str
    seconds: float
    worker_mb: float
    rows: int
    objects: int
    object_mb: float
    calls: int
    most_jobs: int
    wrong: list[str]
    written_twice: int
    untrue: list[str]

    @property
    def confirmed_a_minute(self) -> float:
        return self.batches * 100 / self.seconds * 60


NUMBERS: dict[str, Callable[[Size], str]] = {
    "seconds from the plan to the last verdict": lambda size: f"{size.seconds:.0f}",
    "rows confirmed a minute": lambda size: f"{size.confirmed_a_minute:,.0f}",
    "memory of a worker, at most": lambda size: f"{size.worker_mb:.0f} MB",
    "jobs in flight, at most": lambda size: str(size.most_jobs),
    "API calls": lambda size: f"{size.calls:,}",
    "rows in the database": lambda size: f"{size.rows:,}",
    "objects in S3": lambda size: f"{size.objects:,}",
    "bytes in S3": lambda size: f"{size.object_mb:.1f} MB",
}


def numbers(size: Size) -> dict[str, str]:
    """The column of a size in the table."""
    return {name: of(size) for name, of in NUMBERS.items()}


def rows(stack: Stack) -> int:
    """Rows of all tables of the database."""
    inside, total = False, 0
    for line in stack.dump().splitlines():
        if inside and line != rb"\.":
            total += 1
        inside = line.startswith(b"COPY ") or (inside and line != rb"\.")
    return total


def sizes(stack: Stack) -> tuple[int, int]:
    """Objects in the bucket, and their bytes."""
    found = [one.size for one in stored(stack.archive().root.parent)]
    return len(found), sum(found)


def memory(stack: Stack, name: str) -> float:
    """Megabytes of all processes of a service, shared pages divided among those who share them."""
    total = 0
    for pid in stack.processes[name].pids():
        try:
            total += psutil.Process(pid).memory_full_info().pss
        except psutil.Error:
            continue
    return total / 1e6


def measured(stack: Stack, batches: int) -> Size:
    """A run over so many batches, three of ten of them creates, beside five times as many partners: no limit holds."""
    creates = batches * 30
    updates = batches * 100 - creates
    numbers = {"accounts": creates * 6 + 100, "organizations": creates * 5 + 1000}
    stack.new_world(world="large", seed=batches, creates=creates, updates=updates, **numbers)
    stack.control.settings(job_seconds=JOB_SECONDS)
    rows_before, (objects_before, bytes_before) = rows(stack), sizes(stack)
    run_id, most, until = stack.api.trigger(), 0.0, time.monotonic() + RUN_SECONDS
    while stack.api.run(run_id)["state"] not in ENDED:
        assert time.monotonic() < until, f"{run_id} has not ended"
        most = max(most, memory(stack, "worker-1"), memory(stack, "worker-2"))
        time.sleep(2)
    tasks = stack.api.tasks(run_id)
    compared = next(moment(task["end_date"]) for task in tasks if task["task_id"] == "compare")
    (objects, size), counts = sizes(stack), stack.control.overview()["counts"]
    return Size(
        batches,
        stack.api.run(run_id)["state"],
        (max(moment(task["end_date"]) for task in tasks) - compared).total_seconds(),
        most,
        rows(stack) - rows_before,
        objects - objects_before,
        (size - bytes_before) / 1e6,
        counts["calls"],
        counts["most_jobs_in_flight"],
        world.wrong(stack.control),
        world.written_twice(stack.control),
        verdicts.untrue(stack, run_id),
    )


@pytest.fixture(scope="module")
def small(stack: Stack, undisturbed: Outcome) -> Size:
    return measured(stack, 20)


@pytest.fixture(scope="module")
def large(stack: Stack, small: Size, report: list[str], request: pytest.FixtureRequest) -> Size:
    size = measured(stack, 200)
    scale = {str(each.batches): numbers(each) for each in (small, size)}
    report.append(scale_table(scale))
    if request.config.getoption("--keep"):
        keep_scale(scale)
    return size


@pytest.mark.parametrize("name", ["small", "large"])
def test_every_row_is_written_once_and_confirmed(name, request):
    size = request.getfixturevalue(name)
    assert ("success", [], 0, []) == (size.state, size.wrong, size.written_twice, size.untrue)


def test_no_more_jobs_are_in_flight_than_the_config_allows(small, large):
    assert max(small.most_jobs, large.most_jobs) <= 20


def test_workers_take_no_more_memory_for_ten_times_the_batches(small, large):
    assert large.worker_mb < 1.3 * small.worker_mb


def test_rows_objects_and_calls_grow_with_the_batches_and_not_faster(small, large):
    for name in ("rows", "objects", "object_mb", "calls"):
        assert getattr(large, name) < 11 * getattr(small, name), name


def test_rows_sent_by_killed_tasks_hold_a_newer_plan_back_for_ten_minutes_at_most(stack, undisturbed, report):
    """The trial of a cleared `compare`, with the ten minutes that it does not wait for."""

    def cleared(trial: Trial) -> list[str]:
        trial.stack.api.clear(trial.run_id, "compare", downstream=True)
        return []

    outcome = Trial(stack, seed=60).of("`compare` cleared, the ten minutes waited for", cleared, all_reported=False)
    report.append(f"{outcome.fault}: {outcome.seconds:.0f} s")
    assert (("success",), [], 0, []) == (outcome.states, outcome.wrong, outcome.written_twice, outcome.untrue)
    assert 540 < outcome.seconds < 900

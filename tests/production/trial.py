"""One trial: a world with 1,005 changes, a run in full flight over them, something that breaks, and the outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import pytest

from tests import oracle
from tests.production import verdicts, world
from tests.production.airflow_api import moment, wait_until
from tests.production.kept import FaultResult
from tests.production.stack import Stack

WORLD = {"world": "large", "accounts": 1300, "organizations": 1500, "creates": 200, "updates": 800, "marks": 5}
"""Within the limits of the shipped config: nothing is on hold."""
CHANGES, BATCHES = 1005, 11
JOB_SECONDS = 6
UNDISTURBED = "nothing, to compare with"
IN_FLIGHT = 5
"""Jobs that Zendesk works on when something breaks: two workers of three slots have begun most batches by then."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run to which something happened."""

    fault: str
    states: tuple[str, ...]
    writes: int
    written_twice: int
    created_twice: int
    seconds: float
    wrong: list[str]
    untrue: list[str]
    restarts: dict[str, int]

    def result(self) -> FaultResult:
        """What the documentation shows of it."""
        return FaultResult(
            self.fault, self.states, self.writes, self.written_twice, self.created_twice, round(self.seconds, 1)
        )


OUTCOMES = pytest.StashKey[list[Outcome]]()


class Trial:
    """A world made anew, in which nothing of an earlier trial is left."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.stack = stack
        stack.new_world(seed=seed, **WORLD)
        stack.control.settings(job_seconds=JOB_SECONDS)

    def of(
        self,
        fault: str,
        happens: Callable[[Trial], Sequence[str]],
        run_id: str | None = None,
        *,
        all_reported: bool = True,
    ) -> Outcome:
        """Starts a run, unless one is there, lets something happen in full flight, and waits for the end of all runs.

        `happens` returns the ids of further runs. The seconds are from then until the last run has ended.
        """
        stack = self.stack
        self.run_id = run_id or stack.api.trigger()
        wait_until(self._in_full_flight, 120, "jobs are in flight")
        restarts, began = dict(stack.restarts.counts), datetime.now(timezone.utc)
        run_ids = [self.run_id, *happens(self)]
        states = tuple(stack.api.wait(each) for each in run_ids)
        ended = max(moment(stack.api.run(each)["end_date"]) for each in run_ids)
        return Outcome(
            fault,
            states,
            len(stack.control.writes()),
            world.written_twice(stack.control),
            len(oracle.created_twice(stack.control.writes())),
            (ended - began).total_seconds(),
            world.wrong(stack.control),
            verdicts.untrue(stack, *run_ids, all_reported=all_reported),
            {name: number - restarts.get(name, 0) for name, number in stack.restarts.counts.items()},
        )

    def _in_full_flight(self) -> bool:
        return bool(self.stack.control.overview()["counts"]["jobs_in_flight"] >= IN_FLIGHT)

    def processes(self) -> dict[str, int]:
        """The processes that execute tasks of the run now, by the ids of the task instances."""
        ids = {task["id"] for task in self.stack.api.tasks(self.run_id)}
        return {ti: pid for ti, pid in self.stack.executing().items() if ti in ids}


def sleep_until(begun: float, seconds: float) -> None:
    """Waits until so many seconds have gone by since `begun`, a moment of time.monotonic()."""
    time.sleep(max(0.0, begun + seconds - time.monotonic()))

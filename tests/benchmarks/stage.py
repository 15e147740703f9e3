"""Where the numbers are measured: a sandbox in a process of its own, and a full Airflow with four slots on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from partner_sync.local.children import Child
from partner_sync.sandbox import Control
from tests.forgetting import forget
from tests.scheduler.running import FINISHED, Airflow
from tests.scheduler.starting import REPOSITORY, started

CONFIG = REPOSITORY / "dags" / "partner_sync.toml"
NO_RATE_LIMIT = ("--zendesk-calls-per-minute", "0", "--salesforce-calls-per-day", "0")
TOKENS = ("/oauth/tokens", "/services/oauth2/token")
RUN_SECONDS = 1200


class Outside(Control):
    """The sandbox in its own process, and the Connections that lead to it."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        super().__init__(ready["zendesk"]["url"])
        self.connections = {system: ready[system]["connection"] for system in ("salesforce", "zendesk")}


@contextmanager
def sandbox(folder: Path, **numbers: Any) -> Iterator[Outside]:
    """A sandbox with a large world; the keywords are options of its command."""
    options = [text for name, value in numbers.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    with ExitStack() as stack:
        child = Child(
            stack,
            "partner_sync.sandbox",
            *("--world", "large", *NO_RATE_LIMIT, *options, "--exit-with-parent"),
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            log=folder / "sandbox.log",
            piped=True,
        )
        yield Outside(json.loads(child.output.readline()))


def fresh(module: str, *arguments: str) -> dict[str, Any]:
    """What a module of this folder prints as JSON when it is run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return dict(json.loads(done.stdout))


@dataclass(frozen=True)
class Measured:
    """One DAG run: how long from the end of `compare` to the last verdict, and what it took.

    `calls` are those to Zendesk after `compare`; `vendor_calls` are all of the run to both systems, tokens apart.
    """

    state: str
    seconds: float
    run_seconds: float
    vendor_calls: int
    planned: int
    confirmed: int
    batches: int
    calls: int
    gather_calls: int
    writes: int

    @property
    def rows_a_minute(self) -> float:
        return 60 * self.confirmed / self.seconds if self.seconds else 0.0

    @property
    def calls_a_row(self) -> float:
        return self.calls / self.confirmed if self.confirmed else 0.0

    @property
    def complete(self) -> bool:
        """Whether the run is green and every planned row is confirmed."""
        return self.state == "success" and self.confirmed == self.planned


@dataclass(frozen=True)
class Stage:
    """A running Airflow and the sandbox that it works on."""

    airflow: Airflow
    sandbox: Outside

    def world(self, **numbers: int) -> None:
        """Another world in the sandbox, that no run remembers."""
        self.sandbox.reset(world="large", seed=1, **numbers)
        forget(self.airflow.archive.root)

    def measure(self) -> Measured:
        """Starts a run and measures it once it is over."""
        calls, writes = len(self.sandbox.calls()), len(self.sandbox.writes())
        return self.measured(self.airflow.trigger(), calls, writes)

    def measured(self, run_id: str, calls: int = 0, writes: int = 0) -> Measured:
        """A run, once it is over; of the sandbox's record, what came after `calls` and `writes`."""
        self.ended(run_id)
        found = self.airflow.finished(run_id)
        compared = moment(found.tasks["compare"]["end_date"])
        gathered = moment(found.tasks["gather_organizations"]["end_date"]).timestamp()
        asked = [each for each in self.sandbox.calls(calls) if each["path"] not in TOKENS]
        made = [each for each in asked if each["system"] == "zendesk"]
        last = max((row.at for row in found.verdicts), default=compared)
        return Measured(
            state=found.state,
            seconds=(last - compared).total_seconds(),
            run_seconds=(moment(found.row["end_date"]) - moment(found.row["start_date"])).total_seconds(),
            vendor_calls=len(asked),
            planned=len(found.plan.changes) if found.plan else 0,
            confirmed=sum(row.verdict == "confirmed" for row in found.verdicts),
            batches=len({row.batch for row in found.verdicts}),
            calls=sum(each["at"] > compared.timestamp() for each in made),
            gather_calls=sum(each["at"] <= gathered for each in made),
            writes=len(self.sandbox.writes(writes)),
        )

    def ended(self, run_id: str) -> None:
        """Waits for the end of a run, looking seldom: whoever looks takes time from what is measured."""
        until = time.monotonic() + RUN_SECONDS
        while self.airflow.get(f"/dags/partner_sync/dagRuns/{run_id}")["state"] not in FINISHED:
            if time.monotonic() > until:
                raise TimeoutError(f"{run_id} is not over after {RUN_SECONDS} s")
            time.sleep(1)


@contextmanager
def stage(folder: Path, **settings: Any) -> Iterator[Stage]:
    """A sandbox and an Airflow with the shipped config, which has done one run that had nothing to do."""
    with (
        sandbox(folder, accounts=10, organizations=20, **settings) as control,
        started(folder, control, control.connections, CONFIG) as airflow,
    ):
        made = Stage(airflow, control)
        newest = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
        for hours in (0, 1):  # the scheduler adds no run of its own
            airflow.occupy(newest + timedelta(hours=hours))
        airflow.unpause()
        made.ended(airflow.trigger())
        yield made


def moment(text: str) -> datetime:
    """A time of the REST API."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))

"""What `schedule = "*/5 * * * *"` does on a real scheduler: three runs by the clock, in a quarter of an hour."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.measurements import Measurement, not_measured
from tests.benchmarks.stage import CONFIG, TOKENS, moment, sandbox
from tests.scheduler.running import FINISHED, Airflow
from tests.scheduler.starting import started

EVERY = "*/5 * * * *"
RUNS, MOST_CALLS = 3, 10
SECONDS = 20 * 60
LOUD = re.compile(r"\[(warning|error|critical) *\]|^Traceback", re.MULTILINE)


def every_five_minutes(folder: Path, quick: bool) -> Iterator[Measurement]:
    """A person arms the instance with a first run, then nothing changes."""
    what = f"scheduled runs of `{EVERY}`"
    if quick:
        yield not_measured(what, f"{RUNS}, one after the other, green", "the quick slice leaves it out")
        return
    config = folder / "every-five-minutes.toml"
    config.write_text(CONFIG.read_text().replace('schedule = "@hourly"', f'schedule = "{EVERY}"'))
    with (
        sandbox(folder, accounts=300, organizations=10_000) as control,
        started(folder, control, control.connections, config) as airflow,
    ):
        airflow.unpause()
        airflow.finished(airflow.trigger())
        calls, logs = len(control.calls()), _loud(airflow)
        begun, worked = time.monotonic(), _core_seconds(airflow)
        runs = _scheduled(airflow)
        hours = (time.monotonic() - begun) / 3600
        busy = (_core_seconds(airflow) - worked) / hours
        loud = _loud(airflow) - logs
        asked = sum(each["path"] not in TOKENS for each in control.calls(calls)) / max(1, len(runs))
    overlaps = sum(_seconds(one["end_date"], after["start_date"]) < 0 for one, after in pairwise(runs))
    # The first run is for the interval that was over when the DAG was unpaused.
    late = max(_seconds(run["run_after"], run["start_date"]) for run in runs[1:])
    took = max(_seconds(run["start_date"], run["end_date"]) for run in runs)
    states = {run["state"] for run in runs}
    shown = (
        f"{len(runs)}, {overlaps} overlap, {', '.join(sorted(states))}; begun within {late:.0f} s, over in {took:.0f} s"
    )
    met = len(runs) == RUNS and not overlaps and states == {"success"}
    yield Measurement(what, f"{RUNS}, one after the other, green", shown, met)
    quiet = "calls of each, 10,000 organizations, nothing changed"
    yield Measurement(quiet, f"at most {MOST_CALLS}", f"{asked:.0f}", asked <= MOST_CALLS)
    yield Measurement("warnings and errors that Airflow's components log meanwhile", "0", f"{loud}", loud == 0)
    yield Measurement("the work of all processes of this Airflow", "", f"{busy / 36:.0f} % of a core")


def _scheduled(airflow: Airflow) -> list[dict[str, Any]]:
    """The first scheduled runs, once they are over, the oldest first."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        rows = airflow.get("/dags/partner_sync/dagRuns", run_type="scheduled", order_by="run_after")["dag_runs"]
        over = [row for row in rows if row["state"] in FINISHED]
        if len(over) >= RUNS:
            return over[:RUNS]
        time.sleep(5)  # whoever looks takes time from what is measured
    raise TimeoutError(f"{RUNS} scheduled runs are not over after {SECONDS} s")


def _loud(airflow: Airflow) -> int:
    return sum(len(LOUD.findall(log.read_text(errors="replace"))) for log in airflow.home.logs.glob("*.log"))


def _core_seconds(airflow: Airflow) -> float:
    """Of the processes that live, and of those that ended and were waited for."""
    total = 0.0
    for process in airflow.processes():
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total


def _seconds(first: str, then: str) -> float:
    return (moment(then) - moment(first)).total_seconds()

"""The numbers of the real scheduler with four slots: against the old procedure, rows a minute, two runs at once."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from tests.benchmarks.measurements import Measurement, not_measured
from tests.benchmarks.small_runs import small_runs
from tests.benchmarks.stage import TOKENS, Measured, Stage, fresh, stage

OLD = "against the old procedure: 150 ms a call, jobs of 5 s, 300 creates and 2,700 updates"
OLD_WORLD = {"accounts": 3_001, "organizations": 3_000, "creates": 300, "updates": 2_700}
TIMES, CALLS_A_ROW, ROWS_A_MINUTE, IN_FLIGHT = 3.0, 0.06, 10_000, 20
RATE = "confirmed rows a minute, 20,000 changes, jobs of 5 s"
NOTHING = "writes when nothing differs"
TWO = "jobs in flight, two runs at once"
QUICKLY = "the quick slice leaves it out"
TWO_INTERVALS = (datetime(2026, 1, 1, 0, tzinfo=timezone.utc), datetime(2026, 1, 1, 1, tzinfo=timezone.utc))


def writing(folder: Path, quick: bool) -> Iterator[Measurement]:
    """All of it on one Airflow, one world after the other."""
    with stage(folder, job_seconds=5) as on:
        for batches in (10,) if quick else (1, 10, 50):
            yield _rate(
                f"confirmed rows a minute, {batches} {'batch' if batches == 1 else 'batches'}",
                "",
                _updates(on, batches),
            )
        yield _nothing(on)
        yield from small_runs(on, quick)
        yield _calls(on)
        if quick:
            yield not_measured(RATE, f"at least {ROWS_A_MINUTE:,}", QUICKLY)
            yield not_measured(OLD, f"{TIMES:g} times faster", QUICKLY)
        else:
            yield _rate(RATE, f"at least {ROWS_A_MINUTE:,}", _updates(on, 200))
            yield _against_the_old(on)
        yield _two_at_once(on, 12 if quick else 40)


def _updates(on: Stage, batches: int) -> Measured:
    """A run that fills so many batches with updates."""
    rows = batches * 100
    on.world(accounts=rows + 1, organizations=rows + 100, updates=rows)
    return on.measure()


def _rate(what: str, target: str, run: Measured) -> Measurement:
    measured = f"{run.rows_a_minute:,.0f}: {run.confirmed:,} in {run.seconds:.1f} s, {run.calls_a_row:.3f} calls a row"
    if not run.complete:
        measured += f"; {run.planned - run.confirmed} not confirmed, {run.state}"
    met = run.complete and (not target or run.rows_a_minute >= ROWS_A_MINUTE)
    return Measurement(what, target, measured, met, timed=run.complete)


def _nothing(on: Stage) -> Measurement:
    run = on.measure()
    pages = math.ceil(on.sandbox.overview()["counts"]["organizations"] / 100)
    measured = f"{run.writes} writes, {run.calls} calls after compare, {run.gather_calls} to gather {pages} pages"
    return Measurement(NOTHING, "0", measured, run.state == "success" and run.writes == run.calls == 0)


def _calls(on: Stage) -> Measurement:
    """Of the sizes in between: with few batches a visit polls, with many it comes back."""
    worst = max((_updates(on, batches) for batches in (1, 5)), key=lambda run: run.calls_a_row)
    measured = f"{worst.calls_a_row:.3f}, the worse of 1 and 5 batches"
    what = "Zendesk calls a changed organization, full batches, tokens apart"
    met = worst.complete and worst.calls_a_row <= CALLS_A_ROW
    # On a busy machine a poll comes late, and then there is one more of them.
    return Measurement(what, f"at most {CALLS_A_ROW}", measured, met, timed=worst.complete)


def _against_the_old(on: Stage) -> Measurement:
    on.sandbox.settings(latency=0.15)
    runs = []
    for _ in range(3):
        on.world(**OLD_WORLD)
        runs.append(on.measure())
    on.world(**OLD_WORLD)
    before = len(on.sandbox.calls())
    old = fresh("old_procedure", json.dumps(on.sandbox.connections))
    old_calls = sum(each["path"] not in TOKENS for each in on.sandbox.calls(before))
    on.sandbox.settings(latency=0.0)
    seconds = median(run.seconds for run in runs)
    times = old["seconds"] / seconds
    calls = median(run.vendor_calls for run in runs)
    measured = (
        f"{times:.1f} times: {seconds:.1f} s against {old['seconds']:.1f} s; {calls:.0f} calls against {old_calls}"
    )
    whole = all(run.complete for run in runs) and (old["creates"], old["updates"]) == (300, 2_700)
    target = f"at least {TIMES:g} times faster, every row confirmed"
    return Measurement(OLD, target, measured, whole and times >= TIMES, timed=whole)


def _two_at_once(on: Stage, batches: int) -> Measurement:
    """Two runs of a backfill, which Airflow's limit on active runs does not hold back; jobs slow enough to pile up."""
    rows = batches * 100
    on.world(accounts=rows + 1, organizations=rows + 100, updates=rows)
    on.sandbox.settings(job_seconds=15.0)
    for run_id in on.airflow.backfill(*TWO_INTERVALS, at_once=2):
        on.ended(run_id)
    on.sandbox.settings(job_seconds=5.0)
    counts = on.sandbox.overview()["counts"]
    most, writes = counts["most_jobs_in_flight"], counts["writes"]
    measured = f"{most} at most, {writes:,} writes of {rows:,} changes"
    return Measurement(TWO, f"never over {IN_FLIGHT}", measured, most <= IN_FLIGHT and writes == rows)

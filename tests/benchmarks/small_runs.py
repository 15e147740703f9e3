"""Whole runs that have little to do, at 150 ms a call: nothing changed, and 50 accounts changed."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.measurements import Measurement
from tests.benchmarks.stage import Measured, Stage

LATENCY = 0.15
MOST_CALLS = 10
CHANGES = 50


def small_runs(on: Stage, quick: bool) -> Iterator[Measurement]:
    """The run before lists everything, so these two read what changed."""
    for size in (1_000,) if quick else (1_000, 10_000, 100_000):
        on.world(accounts=size * 3 // 100 + CHANGES, organizations=size)
        on.measure()
        on.sandbox.settings(latency=LATENCY)
        nothing = on.measure()
        met = nothing.state == "success" and nothing.writes == 0 and nothing.vendor_calls <= MOST_CALLS
        what = f"calls of a run that finds nothing to do, {size:,} organizations"
        yield Measurement(what, f"at most {MOST_CALLS}, no write", _shown(nothing), met)
        on.airflow.new_owner(*(row["Id"] for row in on.sandbox.accounts()[:CHANGES]))
        some = on.measure()
        what = f"calls of a run with {CHANGES} changes, {size:,} organizations"
        yield Measurement(what, f"{CHANGES} confirmed", _shown(some), some.complete and some.confirmed == CHANGES)
        on.sandbox.settings(latency=0.0)


def _shown(run: Measured) -> str:
    return f"{run.vendor_calls}, {run.writes} writes, {run.run_seconds:.1f} s from start to end"

"""The numbers of one process at a time: compare and `make run`."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.measurements import Measurement
from tests.benchmarks.stage import REPOSITORY, fresh

COMPARE = "the whole task compare, 100,000 accounts against 100,000 organizations"
COMPARE_SECONDS, COMPARE_MEGABYTES = 4.0, 600
RULES_SECONDS, PREVIEW_SECONDS = 7.0, 10.0
LINEAR_FROM, LINEAR = 10_000, 1.05
"""Ten times the accounts may take ten times this many times as many function calls. Calls are counted, since they are
the same every time; seconds a row also grow with what the processor's caches no longer hold, and stand beside it."""
RUN_SECONDS = 15.0


def compare(folder: Path, quick: bool) -> Iterator[Measurement]:
    sizes = (10_000, 100_000) if quick else (1_000, 10_000, 30_000, 100_000)
    seconds: dict[int, float] = {}
    calls: dict[int, int] = {}
    for size in sizes:
        fresh("compare_once", "make", str(folder), str(size))
        if size >= LINEAR_FROM:
            calls[size] = fresh("compare_once", "count", str(folder))["calls"]
        runs = [fresh("compare_once", "run", str(folder)) for _ in range(1 if quick else 3)]
        took, held = (median(run[key] for run in runs) for key in ("seconds", "megabytes"))
        seconds[size] = took
        if size == 100_000:
            seconds_target, memory_target = f"under {COMPARE_SECONDS:g} s of a core", f"under {COMPARE_MEGABYTES} MB"
            yield Measurement(COMPARE, seconds_target, f"{took:.2f} s", took < COMPARE_SECONDS, timed=True)
            yield Measurement("its memory", memory_target, f"{held:.0f} MB", held < COMPARE_MEGABYTES)
            yield from _edits(folder)
        else:
            measured = f"{took:.2f} s of a core, {held:.0f} MB, {runs[0]['changes']:,} changes"
            yield Measurement(f"the whole task compare, {size:,} against {size:,}", "", measured)
    times, longer = calls[100_000] / calls[LINEAR_FROM], seconds[100_000] / seconds[LINEAR_FROM]
    measured = f"{times:.2f} times the function calls, {longer:.1f} times the seconds"
    yield Measurement("compare, ten times 10,000", "10 times the work", measured, times <= 10 * LINEAR)


def _edits(folder: Path) -> Iterator[Measurement]:
    """An edit of the config: `compare` plans twice, and a preview of another edit that changes most organizations."""
    for verb, what, most in (
        ("rules", "the same task where the rules changed", RULES_SECONDS),
        ("preview", "preview of an edit, 100,000 against 100,000", PREVIEW_SECONDS),
    ):
        took = fresh("compare_once", verb, str(folder))["seconds"]
        yield Measurement(what, f"under {most:g} s of a core", f"{took:.2f} s", took < most, timed=True)


def make_run(folder: Path, quick: bool) -> Iterator[Measurement]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PARTNER_SYNC"))}
    took = []
    for number in range(1 if quick else 3):
        env: dict[str, Any] = {**kept, "PARTNER_SYNC_HOME": str(folder / f"run-{number}")}
        begun = time.monotonic()
        subprocess.run(["make", "run"], cwd=REPOSITORY, env=env, check=True, stdout=subprocess.DEVNULL)
        took.append(time.monotonic() - begun)
    seconds = median(took)
    yield Measurement(
        "make run, installed", f"under {RUN_SECONDS:g} s", f"{seconds:.1f} s", seconds < RUN_SECONDS, timed=True
    )

"""What reads cost: everything listed, nothing changed, 50 changes; at 150 ms a call."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.measurements import Measurement
from tests.benchmarks.stage import fresh, sandbox

GATHER_MEGABYTES = 100
LATENCY = 0.15
CHANGES = 50
CHANGED_CALLS, CHANGED_SECONDS = 7, 5.0
FULL_EXTRA = 5
RUNS_OF_14_DAYS = 14 * 24 * 12


def gather(folder: Path, quick: bool) -> Iterator[Measurement]:
    """Each size in an archive of its own: the first read is a full listing, the next ones read what changed."""
    sizes = (1_000, 10_000) if quick else (1_000, 10_000, 100_000)
    options = {"latency": LATENCY, "zendesk_export_delay_seconds": 0, "zendesk_exports_per_minute": 0}
    with sandbox(folder, accounts=10, organizations=20, **options) as control:
        connection = json.dumps(control.connections)
        for size in sizes:
            control.reset(world="large", seed=1, accounts=size * 3 // 100, organizations=size)
            archive, big = str(folder / f"archive-{size}"), size == 100_000
            full = fresh("gather_once", connection, archive)
            pages = math.ceil(size / 100)
            yield Measurement(
                f"Zendesk calls to list {size:,} organizations",
                f"{pages:,} pages and at most {FULL_EXTRA}",
                f"{full['calls']:,}, in {full['seconds']:.1f} s",
                full["kind"] == "full" and full["calls"] <= pages + FULL_EXTRA,
            )
            yield _memory(f"listing {size:,} organizations, {full['partners']:,} partners", full, big)
            time.sleep(2)  # the export shows seconds, not what is less
            for what, changes in (("nothing changed", 0), (f"{CHANGES} changed", CHANGES)):
                for row in control.organizations()[:changes] if changes else ():
                    control.edit(row["id"], notes="changed")
                changed = fresh("gather_once", connection, archive)
                met = changed["kind"] == "changed" and changed["calls"] <= CHANGED_CALLS
                yield Measurement(
                    f"Zendesk calls to read {size:,} organizations, {what}",
                    f"at most {CHANGED_CALLS}",
                    f"{changed['calls']}",
                    met,
                )
                yield Measurement(
                    f"seconds to gather {size:,} organizations at 150 ms a call, {what}",
                    f"under {CHANGED_SECONDS:g} s" if big else "",
                    f"{changed['seconds']:.1f} s",
                    changed["seconds"] < CHANGED_SECONDS if big else None,
                    timed=True,
                )
            yield _memory(f"reading what changed of {size:,} organizations", changed, big)
            yield _sizes(size, changed["snapshot_bytes"])


def _memory(what: str, found: dict[str, float], big: bool) -> Measurement:
    held = f"{found['megabytes']:.0f} MB, {found['megabytes_with_xcom']:.0f} MB with its XCom"
    target = f"under {GATHER_MEGABYTES} MB" if big else ""
    return Measurement(
        f"memory above start, {what}", target, held, found["megabytes"] < GATHER_MEGABYTES if big else None
    )


def _sizes(size: int, snapshot: int) -> Measurement:
    """An unchanged snapshot is one object, so the two numbers are those of a quiet and of a restless Zendesk."""
    megabytes = snapshot / 1e6
    most = megabytes * RUNS_OF_14_DAYS
    measured = (
        f"{megabytes:.1f} MB; {megabytes:.1f} MB if nothing changes in 14 days, {most:,.0f} MB if every read differs"
    )
    return Measurement(
        f"size of a snapshot of {size:,} organizations, and of 14 days of runs every 5 minutes", "", measured
    )

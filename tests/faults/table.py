"""The matrix as a person reads it: what a run does down, faults across, one sign a cell, then the sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.faults.accesses import ACCESSES, CLOCKS
from tests.faults.calls import CALLS
from tests.faults.faults import FAULTS
from tests.faults.matrix import IMPOSSIBLE, Row

SIGNS = {
    "·": "green at once",
    "t": "green after Airflow's next try",
    "c": "red or killed; green when cleared",
    "n": "red or killed; green with the next run",
}
BROKEN = "!"
WIDTH = 31
PARTS: tuple[tuple[Row, ...], ...] = (CALLS, (*ACCESSES, *CLOCKS))


def table(outcomes: Sequence[dict[str, Any]]) -> str:
    """The tables of these outcomes; a cell that should have one and has none broke an invariant."""
    lines = [line for part in PARTS for line in _part(part, outcomes)]
    counts = [f"{sum(one['sign'] == sign for one in outcomes):5} {sign} {meaning}" for sign, meaning in SIGNS.items()]
    total = _sums(outcomes).split()
    words = f"{total[0]} cells, {total[1]} rows written, {total[2]} of them twice, {total[3]} s one after the other"
    return "\n".join(["", *lines, *counts, words, ""])


def _part(rows: Sequence[Row], outcomes: Sequence[dict[str, Any]]) -> list[str]:
    faults = [fault.name for fault in FAULTS if any((row.name, fault.name) not in IMPOSSIBLE for row in rows)]
    height = max(map(len, faults))
    lines = ["".ljust(WIDTH) + " ".join(name.rjust(height)[line] for name in faults) for line in range(height)]
    lines[-1] += " cells  writes  twice  seconds"
    signs = {(one["row"], one["fault"]): one["sign"] for one in outcomes}
    for row in rows:
        cells = " ".join(
            " " if (row.name, fault) in IMPOSSIBLE else signs.get((row.name, fault), BROKEN) for fault in faults
        )
        own = [one for one in outcomes if one["row"] == row.name]
        lines.append(f"{row.name:{WIDTH}}{cells}{_sums(own)}")
    return [*lines, ""]


def _sums(outcomes: Sequence[dict[str, Any]]) -> str:
    sums = (sum(one[name] for one in outcomes) for name in ("writes", "doubles", "seconds"))
    return "{:6}{:8}{:7}{:9.1f}".format(len(outcomes), *sums)

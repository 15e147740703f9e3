"""The table of the fault matrix, its kept results, and the results of a run of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.faults.accesses import ACCESSES, CLOCKS
from tests.faults.calls import CALLS
from tests.faults.faults import FAULTS
from tests.faults.matrix import CELLS, IMPOSSIBLE, ROWS, SLICE, Row

KEPT = Path(__file__).parent / "kept.json"
"""Results of the last run of the whole matrix that was kept, which the documentation shows."""

SIGNS = {
    "·": "green at once",
    "t": "green after Airflow's next try",
    "w": "green at once; marks wait for the next run",
    "c": "red or killed; green when cleared",
    "n": "red or killed; green with the next run",
}
BROKEN = "!"
WIDTH = 31
PARTS: tuple[tuple[Row, ...], ...] = (CALLS, (*ACCESSES, *CLOCKS))


@dataclass(frozen=True)
class RowResult:
    """Results of all cells of a row: a sign for each fault, and sums. A missing sign means that an invariant broke."""

    row: str
    signs: dict[str, str]
    writes: int
    doubles: int
    seconds: float


def results(outcomes: Iterable[dict[str, Any]]) -> list[RowResult]:
    """Sums up the outcomes of cells by row."""
    by_row: dict[str, list[dict[str, Any]]] = {row.name: [] for row in ROWS}
    for outcome in outcomes:
        by_row[outcome["row"]].append(outcome)
    return [
        RowResult(
            row,
            {cell["fault"]: cell["sign"] for cell in cells},
            sum(cell["writes"] for cell in cells),
            sum(cell["doubles"] for cell in cells),
            round(sum(cell["seconds"] for cell in cells), 1),
        )
        for row, cells in by_row.items()
        if cells
    ]


def keep(rows: Sequence[RowResult]) -> None:
    """Replaces the kept results."""
    KEPT.write_text(json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def kept() -> list[RowResult]:
    return [RowResult(**row) for row in json.loads(KEPT.read_text(encoding="utf-8"))]


def incomplete(rows: Sequence[RowResult]) -> list[str]:
    """Names of cells that have no result, or a result without a cell."""
    found = {f"{row.row} - {fault}" for row in rows for fault in row.signs}
    return sorted(found ^ {cell.name for cell in CELLS})


def changed(before: Sequence[RowResult], now: Sequence[RowResult]) -> list[str]:
    """Lines about cells of `now` whose sign, and rows whose duplicates, are not what they were."""
    known = {row.row: row for row in before}
    lines = []
    for row in now:
        was = known.get(row.row, RowResult(row.row, {}, 0, 0, 0))
        for fault, sign in row.signs.items():
            if sign != was.signs.get(fault):
                lines.append(f"{row.row} - {fault}: {sign}, kept as {was.signs.get(fault, BROKEN)}")
        if row.doubles != was.doubles:
            lines.append(f"{row.row}: {row.doubles} rows written twice, kept as {was.doubles}")
    return lines


def counts() -> str:
    """The size of the matrix, as the documentation states it."""
    return (
        f"{len(CALLS)} calls, {len(ACCESSES)} accesses and {len(CLOCKS)} clocks suffer {len(FAULTS)} faults: "
        f"{len(CELLS)} cells. `make test` runs {len(SLICE)} of them, `make faults` all."
    )


def table(rows: Sequence[RowResult]) -> str:
    """The tables of these results: rows of the matrix down, faults across, one sign per cell, then the sums."""
    lines = [line for part in PARTS for line in _part(part, rows)]
    signs = [sign for row in rows for sign in row.signs.values()]
    sums = [f"{signs.count(sign):5} {sign} {meaning}" for sign, meaning in SIGNS.items()]
    writes, doubles, seconds = _sums(rows)
    total = f"{len(signs)} cells, {writes} rows written, {doubles} of them twice, {seconds:.1f} s one after the other"
    return "\n".join([*lines, *sums, total, ""])


def _part(rows: Sequence[Row], every: Sequence[RowResult]) -> list[str]:
    faults = [fault.name for fault in FAULTS if any((row.name, fault.name) not in IMPOSSIBLE for row in rows)]
    height = max(map(len, faults))
    lines = ["".ljust(WIDTH) + " ".join(name.rjust(height)[line] for name in faults) for line in range(height)]
    lines[-1] += " cells  writes  twice  seconds"
    found = {result.row: result for result in every}
    for row in rows:
        result = found.get(row.name, RowResult(row.name, {}, 0, 0, 0))
        cells = " ".join(
            " " if (row.name, fault) in IMPOSSIBLE else result.signs.get(fault, BROKEN) for fault in faults
        )
        sums = "{:6}{:8}{:7}{:9.1f}".format(len(result.signs), *_sums([result]))
        lines.append(f"{row.name:{WIDTH}}{cells}{sums}")
    return [line.rstrip() for line in [*lines, ""]]


def _sums(rows: Iterable[RowResult]) -> tuple[int, int, float]:
    listed = list(rows)
    return sum(row.writes for row in listed), sum(row.doubles for row in listed), sum(row.seconds for row in listed)

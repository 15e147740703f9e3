"""Kept results of the production stack and their tables, which the documentation shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

KEPT = Path(__file__).parent / "kept.json"
FAULTS, SCALE = "faults", "scale"


@dataclass(frozen=True)
class FaultResult:
    """What a fault did to a run in full flight: states of all runs, writes, and seconds until the last run ended."""

    fault: str
    states: Sequence[str]
    writes: int
    written_twice: int
    created_twice: int
    seconds: float


Scale = Mapping[str, Mapping[str, str]]
"""Number of batches to numbers by name, as the table shows them."""


def kept_faults() -> list[FaultResult]:
    return [FaultResult(**row) for row in _kept()[FAULTS]]


def kept_scale() -> Scale:
    scale: Scale = _kept()[SCALE]
    return scale


def keep_faults(results: Sequence[FaultResult]) -> None:
    _keep(FAULTS, [asdict(result) for result in results])


def keep_scale(scale: Scale) -> None:
    _keep(SCALE, scale)


def fault_table(results: Sequence[FaultResult]) -> str:
    """A Markdown table: a row for each fault."""
    lines = [
        "| what happens in full flight | the run ends | writes | written twice | created twice | seconds |",
        "|---|---|---|---|---|---|",
    ]
    for row in results:
        ends = ", ".join("green" if state == "success" else "red" for state in row.states)
        lines.append(
            f"| {row.fault} | {ends} | {row.writes:,} | {row.written_twice} | {row.created_twice} | {row.seconds:.0f} |"
        )
    return "\n".join(lines)


def scale_table(scale: Scale) -> str:
    """A Markdown table: a column for each number of batches."""
    names = list(next(iter(scale.values())))
    head = f"| batches | {' | '.join(scale)} |\n|---|{'---|' * len(scale)}"
    rows = [f"| {name} | {' | '.join(numbers[name] for numbers in scale.values())} |" for name in names]
    return "\n".join([head, *rows])


def _kept() -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return kept


def _keep(part: str, results: object) -> None:
    KEPT.write_text(json.dumps({**_kept(), part: results}, indent=1) + "\n", encoding="utf-8")

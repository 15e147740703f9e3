"""The matrix as a person reads it: calls down, faults across, one sign a cell, and what the cells wrote and took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.faults.calls import CALLS
from tests.faults.faults import FAULTS
from tests.faults.matrix import IMPOSSIBLE

SIGNS = {
    "·": "green at once",
    "t": "green after Airflow's next try",
    "c": "red; cleared, and green",
    "n": "red; green with the next run",
}
BROKEN, NONE = "!", " "


def table(outcomes: Sequence[dict[str, Any]]) -> str:
    """The table of these outcomes; a cell that should have one and has none broke an invariant."""
    signs = {(one["call"], one["fault"]): one["sign"] for one in outcomes}
    lines = [*_heads(), ""]
    for call in CALLS:
        row = [_sign(signs, call.name, fault.name) for fault in FAULTS]
        own = [one for one in outcomes if one["call"] == call.name]
        sums = f"{len(own):5}{sum(one['writes'] for one in own):8}{sum(one['doubles'] for one in own):9}"
        lines.append(f"{call.name:26} {' '.join(row)} {sums}{sum(one['seconds'] for one in own):9.1f}")
    total = f"{len(outcomes):5}{sum(one['writes'] for one in outcomes):8}{sum(one['doubles'] for one in outcomes):9}"
    lines.append(f"{'':26} {' ' * (2 * len(FAULTS) - 1)} {total}{sum(one['seconds'] for one in outcomes):9.1f}")
    counts = [f"{sum(one['sign'] == sign for one in outcomes)} {meaning}  [{sign}]" for sign, meaning in SIGNS.items()]
    return "\n".join(["", *lines, "", *counts, ""])


def _sign(signs: dict[tuple[str, str], str], call: str, fault: str) -> str:
    return NONE if (call, fault) in IMPOSSIBLE else signs.get((call, fault), BROKEN)


def _heads() -> list[str]:
    """The names of the faults, one letter below the other."""
    height = max(len(fault.name) for fault in FAULTS)
    names = [fault.name.rjust(height) for fault in FAULTS]
    lines = [f"{'':26} {' '.join(name[line] for name in names)}" for line in range(height)]
    lines[-1] += " cells  writes  doubles  seconds"
    return lines

"""The matrix: which call suffers which fault, how a red run is mended, and the slice of it that `make test` runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.faults.calls import CALLS, Call
from tests.faults.faults import FAULTS, Fault

CLEARED, NEXT = "c", "n"
"""How a red run is mended: it is cleared, or left alone and the next one comes. Neighbours in the table differ."""


@dataclass(frozen=True)
class Cell:
    """A call, a fault, and how the run is mended should it end red."""

    call: Call
    fault: Fault
    mend: str

    @property
    def name(self) -> str:
        return f"{self.call.name} - {self.fault.name}"


IMPOSSIBLE = {
    (call.name, fault.name): reason
    for call in CALLS
    for fault in FAULTS
    if (reason := fault.impossible(call)) is not None
}
"""Pairs that cannot be, and why."""

CELLS = [
    Cell(call, fault, (CLEARED, NEXT)[(row + column) % 2])
    for row, call in enumerate(CALLS)
    for column, fault in enumerate(FAULTS)
    if (call.name, fault.name) not in IMPOSSIBLE
]


def _slice() -> list[Cell]:
    """Cells that have every call and every fault once: the rarest faults first, each on the call used least."""
    used: Counter[str] = Counter()
    chosen: list[Cell] = []
    by_fault = {fault.name: [cell for cell in CELLS if cell.fault is fault] for fault in FAULTS}
    for _, cells in sorted(by_fault.items(), key=lambda pair: len(pair[1])):
        chosen.append(min(cells, key=lambda cell: used[cell.call.name]))
        used[chosen[-1].call.name] += 1
    shown: Counter[str] = Counter(cell.fault.name for cell in chosen)
    for call in CALLS:
        if not used[call.name]:
            cells = [cell for cell in CELLS if cell.call is call]
            chosen.append(min(cells, key=lambda cell: shown[cell.fault.name]))
            shown[chosen[-1].fault.name] += 1
    return chosen


SLICE = _slice()

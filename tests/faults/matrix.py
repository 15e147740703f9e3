"""The matrix: what suffers which fault, how a red run is mended, and the slice of it that `make test` runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.faults.accesses import ACCESSES, CLOCKS, WRITING, Access, ClockOf
from tests.faults.calls import CALLS, Call
from tests.faults.faults import FAULTS, Fault

Row = Call | Access | ClockOf
ROWS: tuple[Row, ...] = (*CALLS, *ACCESSES, *CLOCKS)

CLEARED, NEXT = "c", "n"
"""How a red run is mended: it is cleared, or left alone and the next one comes. Neighbours in the table differ."""


@dataclass(frozen=True)
class Cell:
    """Something that a run does, a fault, and how the run is mended should it end red."""

    row: Row
    fault: Fault
    mend: str

    @property
    def name(self) -> str:
        return f"{self.row.name} - {self.fault.name}"


def why_not(row: Row, fault: Fault) -> str | None:
    """Why something cannot suffer a fault; None if it can."""
    if isinstance(row, ClockOf) or fault.how == "clock":
        return None if isinstance(row, ClockOf) and fault.how == "clock" else "a clock can be wrong, and nothing else"
    if fault.how == "killed for good" and row.task.startswith("gather"):
        return "a task that only reads leaves nothing behind for the next run"
    return _call_cannot(row, fault) if isinstance(row, Call) else _access_cannot(row, fault)


def _call_cannot(call: Call, fault: Fault) -> str | None:
    if fault.how in ("full", "gone", "cut"):
        return "it is no object"
    if fault.how == "killed after" and call.form != "submit":
        return "it has no effect that could outlive its caller"
    if fault.name == "foreign link" and not call.links:
        return "its answer names no further page"
    if fault.name == "foreign instance" and call.name != "Salesforce token":
        return "only Salesforce's login names the host of what follows"
    if fault.name == "clock skew" and call.asks_once:
        return "the marks of the run wait, and no call follows that such a clock could mislead"
    if fault.name == "clock skew" and call.name == "export of what changed":
        return "a listing takes its place, and no call follows that such a clock could mislead"
    if fault.name == "outage" and not call.outage:
        return "a system that stays away is met at the first call of a task"
    return None


def _access_cannot(access: Access, fault: Fault) -> str | None:
    if fault.how == "http":
        return "in a folder it is no call over HTTP; S3 is struck in tests/production/test_objects.py"
    if fault.how == "killed after":
        return "what follows is the next access, which has a row of its own"
    if fault.how == "full" and (access.does, access.events) != ("write", WRITING):
        return "it puts no content into a file"
    if fault.how == "gone" and access.gone is None:
        return "it is the one memory of what it says, or nothing reads it between two tasks of a run"
    if fault.how == "cut" and (access.gone is None or access.gone_path or access.name == "run"):
        return "its content is not read again in a run"
    return None


IMPOSSIBLE = {
    (row.name, fault.name): reason for row in ROWS for fault in FAULTS if (reason := why_not(row, fault)) is not None
}
"""Pairs that cannot be, and why."""

CELLS = [
    Cell(row, fault, (CLEARED, NEXT)[(number + column) % 2])
    for number, row in enumerate(ROWS)
    for column, fault in enumerate(FAULTS)
    if (row.name, fault.name) not in IMPOSSIBLE
]


QUICK = (
    *("reset after", "time-out", "foreign link"),
    *("killed", "killed after", "disk full", "vanished", "damaged", "clock ahead"),
)
"""Faults of the slice: each way in which one strikes. What else calls may suffer, `tests/edges` has one by one."""


def _slice() -> list[Cell]:
    """A cell for each of the quick faults, the rarest first, each on the row that was used least."""
    used: Counter[str] = Counter()
    chosen: list[Cell] = []
    by_fault = {name: [cell for cell in CELLS if cell.fault.name == name] for name in QUICK}
    for _, cells in sorted(by_fault.items(), key=lambda pair: len(pair[1])):
        chosen.append(min(cells, key=lambda cell: used[cell.row.name]))
        used[chosen[-1].row.name] += 1
    return chosen


SLICE = _slice()

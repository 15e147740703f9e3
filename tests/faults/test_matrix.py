"""The fault matrix: each call of a run suffers each fault that can hit it, and everything comes right.

`make test` runs a slice that has every call and every fault in it; `make faults` runs all cells and shows the table.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.faults.cells import perform
from tests.faults.faults import FAULTS
from tests.faults.matrix import CELLS, IMPOSSIBLE, QUICK, ROWS, SLICE, Cell
from tests.faults.processes import Processes


def test_after_a_fault_zendesk_matches_salesforce_and_every_red_run_names_the_next_step(
    database: None,
    cell: Cell,
    tmp_path: Path,
    processes: Processes,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("cell", perform(cell, tmp_path, processes).as_json())


def test_every_pair_of_call_and_fault_is_a_cell_or_has_a_reason_why_it_cannot_occur() -> None:
    pairs = {(row.name, fault.name) for row in ROWS for fault in FAULTS}
    cells = {(cell.row.name, cell.fault.name) for cell in CELLS}
    assert pairs == cells | IMPOSSIBLE.keys()
    assert not cells & IMPOSSIBLE.keys()
    assert all(IMPOSSIBLE.values())


def test_the_slice_has_every_kind_of_fault_and_no_row_twice() -> None:
    assert {cell.fault.how for cell in SLICE} | {"killed for good"} == {fault.how for fault in FAULTS}
    assert len(QUICK) == len({cell.fault.name for cell in SLICE}) == len({cell.row.name for cell in SLICE})

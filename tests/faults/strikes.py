"""Lets a run suffer its fault: over HTTP, in its files, in its process or in its clock."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.dag.stage import Run, Stage
from tests.faults.accesses import Access, ClockOf
from tests.faults.calls import Call
from tests.faults.matrix import Cell
from tests.faults.processes import Processes

KILLED, ENDED = -9, 0
HELD = 60
"""Seconds for which a call is held whose caller is to be killed: it never sees the end of them."""


def struck(cell: Cell, stage: Stage, processes: Processes) -> Run:
    """A run that suffers the fault of a cell, which is over when it ends."""
    row, fault = cell.row, cell.fault
    if isinstance(row, ClockOf):
        return wrong_clock(row, fault.ahead, stage, processes)
    if isinstance(row, Access):
        if fault.how in ("gone", "cut"):
            return spoilt(row, fault.how, stage)
        return in_its_files(row, fault.how, stage, processes)
    if fault.how == "http":
        return over_http(cell, row, stage)
    return killed_at(row, fault.how, stage, processes)


def over_http(cell: Cell, call: Call, stage: Stage) -> Run:
    lasts = cell.fault.submit_lasts if call.form == "submit" else cell.fault.lasts
    times = 1 if lasts == "once" else None
    orders = [{"times": times, **order} for order in cell.fault.orders(call)]
    for order in [*({"times": 1, **order} for order in call.also), *orders]:
        stage.sandbox.fault(**order)
    if orders[0]["do"] == "refuse" and call.before is None:
        url = stage.sandbox.salesforce_url if call.system == "salesforce" else stage.sandbox.zendesk_url
        with suppress(HTTPError):
            urlopen(f"{url}/knock", timeout=10)
    run = stage.run(after_failure=lambda: lift(stage) if lasts == "until a task fails" else None)
    lift(stage)
    return run


def lift(stage: Stage) -> None:
    """The faults are over; they have to have been some."""
    assert [] == [fault for fault in stage.sandbox.faults() if not fault["hits"]]
    stage.sandbox.remove_faults()


def killed_at(call: Call, how: str, stage: Stage, processes: Processes) -> Run:
    """The process is killed while it waits for the answer to a call, before or after that had its effect."""
    for order in call.also:
        stage.sandbox.fault(**order, times=1)
    after = how == "killed after"
    held = stage.sandbox.fault("hang", seconds=HELD, effect=after, first=after, **call.at)

    def waits() -> bool:
        return any(fault["id"] == held and fault["hits"] for fault in stage.sandbox.faults())

    run, code = processes.run(stage, kill_when=waits)
    assert KILLED == code
    lift(stage)
    return run


def in_its_files(access: Access, how: str, stage: Stage, processes: Processes) -> Run:
    """The process is killed right before an access, or the disk is full at it, until a task has failed."""
    strike = {
        "task": access.task,
        "events": access.events,
        "path": access.path,
        "writing": access.does == "write",
        "skip": access.skip,
        "do": "full" if how == "full" else "kill",
    }
    run, code = processes.run(stage, strike=strike)
    assert (ENDED if how == "full" else KILLED) == code
    assert how != "full" or run.failures
    return run


def spoilt(access: Access, how: str, stage: Stage) -> Run:
    """The object of an access is removed, or its second half is, before the task that would read it."""
    assert access.gone is not None
    return stage.run(before={access.gone: lambda: _spoil(access, stage, _remove if how == "gone" else _cut)})


def _spoil(access: Access, stage: Stage, spoil: Callable[[Path], Any]) -> None:
    xcoms = Path(os.environ["AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH"].removeprefix("file://"))
    pattern = access.gone_path or access.path
    everything = [path for root in (xcoms, stage.folder) for path in root.rglob("*") if path.is_file()]
    found = [path for path in everything if fnmatchcase(str(path), pattern)]
    if found and xcoms in found[0].parents:
        newest = max(path.relative_to(xcoms).parts[1] for path in found)
        found = [path for path in found if path.relative_to(xcoms).parts[1] == newest]
    assert found
    for path in found:
        spoil(path)


def _remove(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def wrong_clock(clock: ClockOf, ahead: float, stage: Stage, processes: Processes) -> Run:
    times = {clock.since: ahead, **({clock.until: 0.0} if clock.until else {})}
    run, code = processes.run(stage, clock=times)
    assert ENDED == code
    return run

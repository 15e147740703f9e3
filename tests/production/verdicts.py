"""Whether the verdicts in the archive of the stack are true, by the oracle."""

from __future__ import annotations

from collections.abc import Iterator

from partner_sync.archive.object_store import Root
from partner_sync.archive.records import RowVerdict
from partner_sync.model import Plan
from tests import oracle
from tests.production.airflow_api import moment
from tests.production.stack import Stack


def newest(stack: Stack, run_id: str) -> tuple[Plan | None, list[RowVerdict]]:
    """The newest plan of a run and its verdicts."""
    folder = _folder(stack, run_id)
    record = stack.archive().run(folder)
    assert record is not None, f"the archive has no run.json of {run_id}"
    return stack.archive().plan(folder, record.plan.id), stack.archive().verdicts(folder, record.plan.id)


def untrue(stack: Stack, *run_ids: str, all_reported: bool = True) -> list[str]:
    """Where the archive contradicts the sandbox's record. `all_reported`: a verdict has to report every write."""
    return list(_untrue(stack, run_ids, all_reported))


def _untrue(stack: Stack, run_ids: tuple[str, ...], all_reported: bool) -> Iterator[str]:
    for run_id in run_ids:
        plan, verdicts = newest(stack, run_id)
        changes = sorted((change.kind, change.account_id) for change in (plan.changes if plan else ()))
        if changes != sorted((row.kind, row.account_id) for row in verdicts):
            yield f"{run_id}: {len(verdicts)} verdicts do not match the plan's {len(changes)} changes"
        yield from (f"{run_id}: {row.account_id} is {row.verdict}" for row in verdicts if row.verdict not in _GOOD)
    every = [row for run_id in run_ids for row in oracle.lines_of_run(_folder(stack, run_id))]
    yield from oracle.untrue(stack.control, every)
    if all_reported:
        written = {write["organization_id"] for write in stack.control.writes()}
        unreported = oracle.unreported(stack.control, every, written)
        yield from (f"{number} was written, and no verdict reports it" for number in unreported)
    yield from (f"{entry.batch} is still in the register" for entry in oracle.still_open(stack.archive()))


def _folder(stack: Stack, run_id: str) -> Root:
    return stack.archive().run_folder(run_id, moment(stack.api.run(run_id)["run_after"]))


_GOOD = ("confirmed", "superseded")

"""What the archive says of runs, held against what the sandbox has seen."""

from __future__ import annotations

from collections.abc import Iterator

from partner_sync.archive import codec
from partner_sync.archive.object_store import children, read
from partner_sync.archive.records import RowVerdict
from partner_sync.model import Plan
from partner_sync.sandbox import Controls
from tests.production.airflow_api import moment
from tests.production.stack import Stack


def newest(stack: Stack, run_id: str) -> tuple[Plan | None, list[RowVerdict]]:
    """The newest plan of a run and its verdicts."""
    archive = stack.archive()
    folder = archive.run_folder(run_id, moment(stack.api.run(run_id)["run_after"]))
    record = archive.run(folder)
    assert record is not None, f"the archive has no run.json of {run_id}"
    return archive.plan(folder, record.plan.id), archive.verdicts(folder, record.plan.id)


def every_line(stack: Stack, run_id: str) -> Iterator[RowVerdict]:
    """The verdicts of all plans and tries of a run."""
    archive = stack.archive()
    folder = archive.run_folder(run_id, moment(stack.api.run(run_id)["run_after"]))
    for plan in children(folder):
        for path in children(plan / "verdicts") if plan.name != "run.json" else ():
            for line in read(path).removesuffix("\n").split("\n"):
                yield codec.from_json(RowVerdict, line, source=str(path), next_step="")


def lies(stack: Stack, *run_ids: str, all_told: bool = True) -> list[str]:
    """Where the archive and the sandbox disagree. `all_told`: every write must be told as one, by whoever sent it."""
    return list(_lies(stack, run_ids, all_told))


def _lies(stack: Stack, run_ids: tuple[str, ...], all_told: bool) -> Iterator[str]:
    written = _written(stack.control)
    jobs = {job["id"] for job in stack.control.jobs()}
    told: set[str | int | None] = set()
    for run_id in run_ids:
        plan, verdicts = newest(stack, run_id)
        changes = sorted((change.kind, change.account_id) for change in (plan.changes if plan else ()))
        if changes != sorted((row.kind, row.account_id) for row in verdicts):
            yield f"{run_id}: {len(verdicts)} verdicts are not one for each of the plan's {len(changes)} changes"
        yield from (f"{run_id}: {row.account_id} is {row.verdict}" for row in verdicts if row.verdict not in _GOOD)
        for row in every_line(stack, run_id):
            if row.written:
                told.update((row.organization_id, row.account_id))
            if row.written and not {row.organization_id, row.account_id} & written:
                yield f"{run_id}: {row.account_id} is told as written, and was not"
            if row.job_id and row.job_id not in jobs:
                yield f"{run_id}: {row.job_id} is no job of Zendesk"
    if all_told:
        yield from (f"{one} was written, and nobody tells it" for one in written if one not in told)
    left = (entry for entry in stack.archive().open_jobs("global") if not entry.settled)
    yield from (f"{entry.batch} is still in the register" for entry in left)


_GOOD = ("confirmed", "superseded")


def _written(sandbox: Controls) -> set[str | int | None]:
    """Accounts whose organization was created, and organizations that were updated."""
    return {
        write["external_id"] if write["action"] == "create" else write["organization_id"] for write in sandbox.writes()
    }

"""Runs of the archive with everything that their plans are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from partner_sync.archive.archive import segment
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.object_store import children
from partner_sync.archive.replay_store import get_config, get_inputs
from partner_sync.archive.snapshot_store import saved_accounts, saved_organizations
from partner_sync.compare.inputs import PlanInputs
from partner_sync.config.load import Config, load
from partner_sync.errors import SnapshotError

if TYPE_CHECKING:
    from partner_sync.archive.archive import Archive
    from partner_sync.archive.object_store import Root
    from partner_sync.archive.records import RunRecord
    from partner_sync.compare.plan import Comparison
    from partner_sync.model import AccountsSnapshot, OrganizationsSnapshot, Plan

EXPIRED = (
    "It is of an earlier release, or older than what partner_sync.retention keeps of snapshots. Choose a newer run."
)


@dataclass(frozen=True)
class ArchivedRun:
    """A run with its newest plan, its config, its whole snapshots, and all else that the plan is made from."""

    record: RunRecord
    plan: Plan
    inputs: PlanInputs
    config: Config
    accounts: AccountsSnapshot
    organizations: OrganizationsSnapshot

    def compare_again(self) -> Comparison:
        return self.inputs.compare(self.config, self.accounts, self.organizations)


def archived_run(archive: Archive, run_id: str | None = None) -> ArchivedRun:
    """A run by its id; the newest complete run by default.

    :raises SnapshotError: if the run is unknown, or the archive lacks a part of what its plan is made from
    :raises ConfigError: if this release does not accept the config of the run
    """
    folder = _newest(archive) if run_id is None else _folder(archive, run_id)
    record = archive.run(folder)
    if record is None:
        raise SnapshotError(f"The run {folder.name} has no plan. Choose a run whose task compare ended.")
    inputs = get_inputs(PlanInputs, archive.root, record.plan.id)
    text = None if inputs is None else get_config(archive.root, inputs.config_digest)
    if inputs is None or text is None:
        raise SnapshotError(f"The archive does not have what run {record.trigger.run_id} was made from. {EXPIRED}")
    try:
        rows = saved_accounts(archive.root, inputs.accounts.digest)
        reads = tuple(
            replace(one, organizations=saved_organizations(archive.root, one.digest))
            for one in inputs.organizations.instances
        )
    except SnapshotError as error:
        raise SnapshotError(f"Run {record.trigger.run_id} cannot be planned again. {error} {EXPIRED}") from None
    return ArchivedRun(
        record=record,
        plan=archive.plan(folder, record.plan.id) or record.plan,
        inputs=inputs,
        config=load(text, f"The config of run {record.trigger.run_id}"),
        accounts=replace(inputs.accounts, rows=rows),
        organizations=replace(inputs.organizations, instances=reads),
    )


def _newest(archive: Archive) -> Root:
    """The folder of the newest complete run of any instance."""
    names = [path.name for path in children(archive.root / "instances")]
    memories = [memory for name in names if (memory := InstanceMemory(archive.root, name).newest()) is not None]
    if not memories:
        raise SnapshotError("The archive has no complete run yet. Start a run, or name a dry run.")
    newest = max(memories, key=lambda memory: memory.order.key)
    return archive.run_folder(newest.run_id, newest.run_after)


def _folder(archive: Archive, run_id: str) -> Root:
    """The folder of a run: runs are below the day that they were due, which its id may not say."""
    newest: list[str] = []
    for path in _run_folders(archive):
        if path.name == segment(run_id):
            return path
        if len(newest) < 3:
            newest.append(path.name)
    known = f"The newest runs are {', '.join(newest)}." if newest else "The archive has no run yet."
    raise SnapshotError(f"The archive has no run {run_id}. {known}")


def _run_folders(archive: Archive) -> Iterator[Root]:
    """The folders of all runs, the newest day first."""
    for day in reversed(list(children(archive.root / "runs"))):
        yield from reversed(list(children(day)))

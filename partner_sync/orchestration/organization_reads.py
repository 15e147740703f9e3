"""Reads the organizations of one instance on top of its last read, and archives what the next read builds on.

The archive has the last read and what was written since then: the incremental export leaves out the last minute.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.object_store import Root, attempted, stored
from partner_sync.archive.snapshot_store import save_organizations, saved_organizations
from partner_sync.compare.batches import batches
from partner_sync.errors import SnapshotError
from partner_sync.gather.changed_read import FULL_READS, Base, ReadRequest
from partner_sync.gather.organizations import ReportProgress, read_organizations

if TYPE_CHECKING:
    from partner_sync.archive.archive import Archive
    from partner_sync.archive.memory_records import ReadRecord
    from partner_sync.archive.records import OpenJob, RowVerdict
    from partner_sync.compare.organization_schema import OrganizationSchema
    from partner_sync.config.settings import Instance
    from partner_sync.model import Change, InstanceRead
    from partner_sync.vendors.zendesk_client import Zendesk

log = logging.getLogger(__name__)

RECENT = timedelta(minutes=10)
"""What is older was certainly exported: the export leaves out a minute, and the rest is for clocks that differ."""


def read_instance(
    archive: Archive,
    instance: Instance,
    zendesk: Zendesk,
    schema: OrganizationSchema,
    request: ReadRequest,
    progress: ReportProgress,
) -> InstanceRead:
    """All organizations of an instance. Their snapshot and the record of the read are archived.

    `request` names the run: what it writes is what the next read looks up.
    """
    base = last_read(archive, instance.name, request.now)
    found = read_organizations(
        zendesk, write=instance.write, schema=schema, base=base, request=request, progress=progress
    )
    read, proof = found.instance, found.instance.proof
    why = f"listed in full: {FULL_READS[proof.cause]}" if proof.cause else f"read what changed in {proof.pages} pages"
    log.info("%s: %d organizations, %s", instance.name, proof.read, why)
    if proof.differed:
        log.warning(
            "%s: the full listing differs from what changed reads had: %s. The incremental export of Zendesk did not"
            " show these changes. Writes were safe, since every organization is read again before it is written.",
            instance.name,
            ", ".join(map(str, proof.differed)),
        )
    digest = save_organizations(archive.root, read.organizations, schema.kept)
    InstanceMemory(archive.root, instance.name).keep_read(replace(found.record, organizations=digest))
    return replace(read, digest=digest, proof=replace(proof, snapshot=digest))


def last_read(archive: Archive, instance: str, now: datetime) -> Base | None:
    """The last complete read of an instance; None if none is known. Its organizations can be missing."""
    try:
        record = InstanceMemory(archive.root, instance).last_read()
    except SnapshotError as error:
        log.warning("the last read of %s cannot be used: %s", instance, error)
        return None
    if record is None:
        return None
    try:
        found = {one.id: one for one in saved_organizations(archive.root, record.organizations)}
        rows = list(_recent_rows(archive, record, now))
    except SnapshotError as error:
        log.warning("what was read and written last in %s cannot be read: %s", instance, error)
        return Base(record, {})
    return Base(
        record,
        found,
        written=frozenset(row.organization_id for row in rows if row.organization_id is not None),
        created=frozenset(row.account_id for row in rows if row.organization_id is None),
    )


def _recent_rows(archive: Archive, last: ReadRecord, now: datetime) -> Iterable[RowVerdict | Change]:
    """What the sync may have written in the minute that an export leaves out: rows with a verdict of the last minutes,
    and rows of open jobs. Only the run of the last read, and those with a job in the register, can have written."""
    entries = archive.open_jobs(last.instance)
    runs = {(last.run_id, last.run_after), *((entry.run_id, entry.run_after) for entry in entries)}
    for folder in (archive.run_folder(*run) for run in sorted(runs)):
        for plan_id in _plans_with_recent_verdicts(folder, now):
            yield from (row for row in archive.verdicts(folder, plan_id) if row.instance == last.instance)
    for entry in entries:
        if not entry.settled:
            yield from _rows(archive, entry)


def _plans_with_recent_verdicts(folder: Root, now: datetime) -> Iterable[str]:
    with attempted("list", folder):
        found = [one for one in stored(folder) if one.parts[-2:-1] == ("verdicts",)]
    return sorted({one.parts[0] for one in found if one.written > now - RECENT})


def _rows(archive: Archive, entry: OpenJob) -> Iterable[Change]:
    """The changes that an entry of the register may write. Raises SnapshotError if its plan is gone."""
    plan = archive.plan(archive.run_folder(entry.run_id, entry.run_after), entry.order.plan_id)
    found = [one for one in batches(plan) if one.digest == entry.digest] if plan is not None else []
    if not found:
        raise SnapshotError(f"The archive lacks the changes of {entry.batch} of plan {entry.order.plan_id}.")
    return (found[0].changes[row] for row in {*entry.rows, *entry.sent})

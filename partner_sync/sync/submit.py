"""Sends the rows of a batch as one bulk job, and notes what it marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from partner_sync.archive.archive import Archive
from partner_sync.archive.memory_records import MarkedOrganizations
from partner_sync.model import Batch, FieldChange
from partner_sync.sync.batch_rows import ShownOrganizations
from partner_sync.sync.register import JobStatuses
from partner_sync.sync.verdicts import payload
from partner_sync.vendors.zendesk_client import Job


class BulkJobs(JobStatuses, ShownOrganizations, Protocol):
    """What this module needs of a Zendesk instance; `partner_sync.vendors.zendesk_client.Zendesk` provides it."""

    def write_until(self, moment: float) -> None: ...
    def create_many(self, rows: list[dict[str, Any]]) -> Job: ...
    def update_many(self, rows: list[dict[str, Any]]) -> Job: ...
    def update_alike(self, ids: Sequence[int], row: dict[str, Any]) -> Job: ...


def submit(zendesk: BulkJobs, batch: Batch, rows: Mapping[int, Sequence[FieldChange]]) -> Job:
    """Submits rows of a batch, by position, each with the fields to write."""
    bodies = [payload(batch.changes[row], fields) for row, fields in rows.items()]
    if batch.kind == "create":
        return zendesk.create_many(bodies)
    if batch.kind == "update":
        return zendesk.update_many(bodies)
    return zendesk.update_alike([body.pop("id") for body in bodies], bodies[0])


def note_marks(archive: Archive, batch: Batch, now: datetime) -> None:
    """Notes the marks of a batch before they are sent: a lost response, or a kill, can only let too many count.

    An organization that is not marked in the end does not count, since the budget counts those that still are.
    """
    if batch.kind != "mark":
        return
    ids = {one.organization_id: batch.approvals.get(row, ()) for row, one in enumerate(batch.changes)}
    marked = {number: approvals for number, approvals in ids.items() if number is not None}
    archive.write_marked(batch.instance, now.date(), MarkedOrganizations(batch.order.plan_id, batch.name, marked))

"""Reads what changed since the last read, and merges it into that read's snapshot.

Zendesk's incremental export shows an organization that changed, or was deleted, as it is now, but nothing of the last
minute. What is deleted, and what the sync itself may have written in that minute, is read by its id as well.
Whatever the export cannot prove is answered by a full listing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from partner_sync.archive.memory_records import ReadRecord
from partner_sync.compare.organization_schema import OrganizationSchema
from partner_sync.errors import AuthenticationError, RejectedError, UnavailableError
from partner_sync.gather.organization_rows import kept
from partner_sync.model import FullReadCause, Organization
from partner_sync.vendors.zendesk_api import MANY, Row
from partner_sync.vendors.zendesk_client import OrganizationCount, Zendesk

T = TypeVar("T")

COUNT_IS_CACHED_ABOVE = 100_000
"""Above so many organizations Zendesk's count is up to a day old, and proves nothing."""
COUNT_SLACK, COUNT_SLACK_PERMILLE = 10, 1
"""What may come and go while organizations are read: so many, or so many of a thousand."""
OMITTED = timedelta(minutes=2)
"""An export starts so long before the last read: that read's export had left out its last minute."""
REFUSED_FOR = timedelta(hours=24)
"""How long a refusal of the export (it is for admins) is remembered."""
MOST_PAGES = 30
"""Of one export: three minutes at the ten pages a minute that Zendesk allows. For more, a listing is faster."""

FULL_READS: Mapping[FullReadCause, str] = {
    "first": "it is the first read of the instance that is known",
    "snapshot": "the snapshot of the last read is missing or damaged",
    "rules": "field definitions in Zendesk, the host, or what the config keeps of an organization have changed",
    "clock": "Zendesk's responses named no time in the last read",
    "refused": "Zendesk refuses the incremental export (403): it is for admins. It is asked again after a day",
    "asked": "the param full_read asks for it",
    "due": "the last full listing is as old as full_every_hours allows",
    "stuck": "the incremental export did not come to its end",
    "failed": "the incremental export could not be read",
    "count": "Zendesk's count and the snapshot have moved apart since the last full listing",
}
"""Why organizations are listed in full."""


@dataclass(frozen=True)
class Base:
    """The last read: its record and its organizations by id (none if its snapshot cannot be read).

    `written` (ids) and `created` (external ids) are what the sync may have written since then. A read takes
    `organizations` apart, so that 100,000 of them are not held twice.
    """

    record: ReadRecord
    organizations: dict[int, Organization]
    written: frozenset[int] = frozenset()
    created: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ReadRequest:
    """A read that the run `run_id` begins at `now`, by our clock: how often there has to be a full listing, and whether
    a person asks for one (`full`)."""

    now: datetime
    run_id: str
    run_after: datetime
    full_every: timedelta = timedelta(hours=24)
    full: bool = False


@dataclass
class Merge:
    """What came of a merge. `failed` is why it cannot be relied on (None: it is complete)."""

    counted: OrganizationCount
    pages: int = 0
    gone: int = 0
    failed: FullReadCause | None = None
    deleted: set[int] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        """Whether the export was merged to its end, even if the count says that something is missing."""
        return self.failed in (None, "count")


def kept_digest(host: str, definitions: Iterable[Row], schema: OrganizationSchema) -> str:
    """Of all that decides what a snapshot has: where it comes from, the fields' definitions, what is kept of them.

    Zendesk need not show it as a change of an organization if an option of a field is removed or renamed.
    """
    covered = [
        host,
        sorted(definitions, key=lambda one: str(one.get("key"))),
        [schema.kept, schema.id_field, schema.partner_field, sorted(schema.partner_types)],
    ]
    return hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()


def why_full(base: Base | None, rules: str, request: ReadRequest) -> FullReadCause | None:
    """Why a read has to be a full listing; None if what changed is enough."""
    if base is None:
        return "first"
    record = base.record
    causes: Iterable[tuple[FullReadCause, bool]] = (
        ("snapshot", not base.organizations),
        ("rules", record.rules != rules),
        ("clock", record.begun is None),
        ("refused", record.refused is not None and _within(record.refused, REFUSED_FOR, request.now)),
        ("asked", request.full),
        ("due", not _within(record.full, request.full_every, request.now)),
    )
    return next((cause for cause, applies in causes if applies), None)


def compares(cause: FullReadCause, base: Base, request: ReadRequest) -> bool:
    """Whether a full listing for this cause is compared with what changed reads would have: what an export hid."""
    begun = base.record.begun
    return cause in ("asked", "due") and begun is not None and _within(begun, request.full_every, request.now)


def _within(moment: datetime, duration: timedelta, now: datetime) -> bool:
    """False for a time in the future as well: one of the two clocks is wrong."""
    return timedelta(0) <= now - moment < duration


def merge_changes(zendesk: Zendesk, base: Base, schema: OrganizationSchema) -> Merge:
    """Brings the organizations of `base` up to date, in place, if nothing failed.

    Calls: the count, one for each 1,000 changes, and one for each 100 organizations that were deleted or may have been
    written.
    """
    merge = Merge(zendesk.count())
    try:
        merge.failed = _export(zendesk, base, schema, merge)
    except AuthenticationError:
        raise
    except RejectedError as error:
        merge.failed = "refused" if error.status == 403 else "failed"
    except UnavailableError:
        merge.failed = "failed"
    if merge.failed is None:
        _look_up(zendesk, base, schema, merge)
        if moved_apart(len(base.organizations), merge.counted, base.record.surplus):
            merge.failed = "count"
    return merge


def _export(zendesk: Zendesk, base: Base, schema: OrganizationSchema, merge: Merge) -> FullReadCause | None:
    """Merges the pages of an export. Returns why it cannot be relied on; None at its end."""
    if base.record.begun is None:
        return "clock"
    start = int((base.record.begun - OMITTED).timestamp())
    while merge.pages < MOST_PAGES:
        page = zendesk.export(start)
        merge.pages += 1
        for row in page.organizations:
            if row.get("deleted_at"):
                merge.deleted.add(row["id"])
            else:
                merge.deleted.discard(row["id"])
                base.organizations[row["id"]] = kept(row, schema)
        if page.last:
            return None
        if page.end is None or page.end <= start:
            return "stuck"
        start = page.end
    return "stuck"


def _look_up(zendesk: Zendesk, base: Base, schema: OrganizationSchema, merge: Merge) -> None:
    """Reads by id what was deleted or may have been written: an organization goes only if Zendesk does not show it."""
    found = base.organizations
    for ids in _many(sorted(merge.deleted | base.written)):
        shown = {row["id"]: kept(row, schema) for row in zendesk.show_many(ids=ids)}
        for number in ids:
            if number not in shown and found.pop(number, None) is not None:
                merge.gone += 1
        found.update(shown)
    for external_ids in _many(sorted(base.created)):
        found.update((row["id"], kept(row, schema)) for row in zendesk.show_many(external_ids=external_ids))


def _many(values: Sequence[T]) -> Iterable[Sequence[T]]:
    return (values[start : start + MANY] for start in range(0, len(values), MANY))


# -- the count ----------------------------------------------------------------------------------------------


def surplus(read: int, counted: OrganizationCount) -> int | None:
    """How many organizations more Zendesk counts than were read; None if its count proves nothing."""
    usable = counted.settled and max(read, counted.value) <= COUNT_IS_CACHED_ABOVE
    return counted.value - read if usable else None


def slack(organizations: int) -> int:
    """By how many the count of so many organizations may be off."""
    return max(COUNT_SLACK, organizations * COUNT_SLACK_PERMILLE // 1000)


def moved_apart(read: int, counted: OrganizationCount, before: int | None) -> bool:
    """Whether what was merged has lost touch with the count since the full listing, which had `before` as its surplus.

    No organization at all is no result, whatever is counted.
    """
    now = surplus(read, counted)
    return not read or (now is not None and before is not None and abs(now - before) > slack(read))

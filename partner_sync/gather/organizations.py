"""Reads the organizations of one Zendesk instance, with proof that none is missing.

Checks the fields first. Then it reads what changed since the last read, or lists all pages where that is not enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from partner_sync.archive.memory_records import ReadRecord
from partner_sync.compare.organization_schema import OrganizationSchema
from partner_sync.errors import IncompleteReadError
from partner_sync.gather.changed_read import (
    COUNT_IS_CACHED_ABOVE,
    OMITTED,
    Base,
    Merge,
    ReadRequest,
    compares,
    kept_digest,
    merge_changes,
    slack,
    surplus,
    why_full,
)
from partner_sync.gather.organization_rows import kept
from partner_sync.gather.preflight import check_fields, check_jobs, definition_digest
from partner_sync.model import InstanceRead, Organization, ReadProof
from partner_sync.vendors.zendesk_api import MANY, Row
from partner_sync.vendors.zendesk_client import OrganizationCount, Zendesk

ReportProgress = Callable[[int, int], None]
AGAIN = "The read was discarded. If it happens again, check the permissions of the Connection's user."


@dataclass(frozen=True)
class OrganizationsRead:
    """A complete read, and the record on which the next one builds; the snapshot has no name yet."""

    instance: InstanceRead
    record: ReadRecord


@dataclass(frozen=True)
class _Found:
    """What a read of either kind found, and the full listing that it comes from: when it began, and its surplus."""

    organizations: Sequence[Organization]
    pages: int
    announced: int
    gone: int
    full: datetime
    surplus: int | None
    differed: Sequence[int] = ()


def read_organizations(
    zendesk: Zendesk,
    *,
    write: bool,
    schema: OrganizationSchema,
    base: Base | None,
    request: ReadRequest,
    progress: ReportProgress,
) -> OrganizationsRead:
    """All organizations; partner organizations keep the fields of `schema.kept`, the others none.

    `base` is the last read, None if none is known. `progress` is called with the organizations read and counted so far.
    Calls of a changed read: one for each 1,000 changes, one for each 100 organizations that were deleted or may have
    been written, and three more. Of a full listing: one for each page of 100, one for each 100 known organizations that
    are not listed, and four more; besides those of the changed read that it checks, or that was not enough. A first
    listing that does not fit its count is repeated once.
    """
    calls = zendesk.calls
    zendesk.begin()
    fields = zendesk.organization_fields()
    check_fields(fields, schema.expected, zendesk.instance)
    if write:
        check_jobs(zendesk)
    kept_rules = kept_digest(zendesk.host, fields, schema)
    cause, merge = why_full(base, kept_rules, request), None
    if base is not None and (cause is None or compares(cause, base, request)):
        merge = merge_changes(zendesk, base, schema)
        cause = cause or merge.failed
    if base is not None and merge is not None and cause is None:
        found = _merged(base, merge)
    else:
        found = _proven_listing(zendesk, schema, base, merge, request, progress)
    begun = _begun(zendesk, request)
    refused = base.record.refused if base is not None else None
    if merge is not None and merge.failed == "refused":
        refused = request.now
    proof = ReadProof(
        system=f"Zendesk {zendesk.instance}",
        read=len(found.organizations),
        announced=found.announced,
        pages=found.pages,
        calls=zendesk.calls - calls,
        gone=found.gone,
        kind="changed" if cause is None else "full",
        cause=cause,
        differed=tuple(sorted(found.differed)[:MANY]),
        instance=zendesk.instance,
        begun=begun or request.now,
    )
    definitions = {str(one["key"]): definition_digest(one) for one in fields if one.get("key") in schema.canonical}
    titles = {str(one["key"]): str(one.get("title") or "") for one in fields if one.get("key") in definitions}
    return OrganizationsRead(
        InstanceRead(
            zendesk.instance, write, proof, tuple(found.organizations), definitions=definitions, titles=titles
        ),
        ReadRecord(
            instance=zendesk.instance,
            run_id=request.run_id,
            run_after=request.run_after,
            begun=begun,
            full=found.full,
            rules=kept_rules,
            surplus=found.surplus,
            refused=refused,
        ),
    )


def _begun(zendesk: Zendesk, request: ReadRequest) -> datetime | None:
    """From when on the next export has to show changes: by the earlier clock, so that no change is left out."""
    return zendesk.begun and min(zendesk.begun, request.now)


def _merged(base: Base, merge: Merge) -> _Found:
    organizations = [base.organizations[number] for number in sorted(base.organizations)]
    full, more = base.record.full, base.record.surplus
    return _Found(organizations, merge.pages, merge.counted.value, merge.gone, full, more)


# -- the full listing ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Listing:
    """One listing of all organizations, and what Zendesk counted before and after it.

    `differed` are those that a changed read had otherwise, although their change is not new.
    """

    organizations: list[Organization]
    pages: int
    before: OrganizationCount
    after: OrganizationCount
    differed: list[int]

    @property
    def plausible(self) -> bool:
        return fits_count(len(self.organizations), self.before, self.after)


def fits_count(read: int, before: OrganizationCount, after: OrganizationCount) -> bool:
    """Whether so many organizations are what was counted, but for those that came and went meanwhile.

    True as well where the count proves nothing.
    """
    low, high = sorted((before.value, after.value))
    most = max(read, high)
    if most > COUNT_IS_CACHED_ABOVE or not (before.settled and after.settled):
        return True
    return max(low - read, read - high) <= slack(most)


def _proven_listing(
    zendesk: Zendesk,
    schema: OrganizationSchema,
    base: Base | None,
    merge: Merge | None,
    request: ReadRequest,
    progress: ReportProgress,
) -> _Found:
    """All pages. Every organization of the last read that is not on them is confirmed gone.

    Raises IncompleteReadError if one is not, and for a first listing that does not fit its count.
    """
    known, since = base.organizations if base is not None else {}, None
    if merge is not None and merge.complete and zendesk.begun is not None:
        since = zendesk.begun - OMITTED
    first = not known
    listing = _list(zendesk, schema, known, since, progress)
    if first and not listing.plausible:
        del listing  # or 100,000 organizations would be held twice
        listing = _list(zendesk, schema, known, since, progress)
        if not listing.plausible:
            raise IncompleteReadError(
                f"Zendesk {zendesk.instance} listed {len(listing.organizations)} organizations and counted"
                f" {listing.before.value} before and {listing.after.value} after. {AGAIN}"
            )
    gone = sorted(known)
    _confirm_gone(zendesk, gone)
    return _Found(
        listing.organizations,
        listing.pages,
        listing.after.value,
        len(gone),
        request.now,
        surplus(len(listing.organizations), listing.after),
        listing.differed if since is None else [*listing.differed, *gone],
    )


def _list(
    zendesk: Zendesk,
    schema: OrganizationSchema,
    known: dict[int, Organization],
    since: datetime | None,
    progress: ReportProgress,
) -> _Listing:
    """Every page to the last; takes what is listed out of `known`, so that no organization is held twice.

    With `since`, organizations that are not as they are known, and have not changed since then, have `differed`.
    Raises IncompleteReadError for an empty listing and for an organization listed twice.
    """
    before = zendesk.count()
    organizations: list[Organization] = []
    ids: set[int] = set()
    differed: list[int] = []
    pages = 0
    for page in zendesk.pages():
        pages += 1
        for raw in page:
            listed = kept(raw, schema)
            last = known.pop(listed.id, None)
            if since is not None and last != listed and not _changed(raw, since):
                differed.append(listed.id)
            organizations.append(listed)
            ids.add(listed.id)
        progress(len(organizations), before.value)
    if not organizations:
        raise IncompleteReadError(
            f"Zendesk {zendesk.instance} lists no organization at all. A lost permission is the likely"
            f" cause: check the organizations as the user of the Connection. {AGAIN}"
        )
    if twice := len(organizations) - len(ids):
        raise IncompleteReadError(f"Zendesk {zendesk.instance} listed {twice} organizations twice. {AGAIN}")
    return _Listing(organizations, pages, before, zendesk.count(), differed)


def _changed(raw: Row, since: datetime) -> bool:
    """Whether an organization has changed since then, as far as it can be read."""
    try:
        return datetime.fromisoformat(str(raw.get("updated_at")).replace("Z", "+00:00")) >= since
    except (TypeError, ValueError):
        return False


def _confirm_gone(zendesk: Zendesk, absent: Sequence[int]) -> None:
    """Raises IncompleteReadError if Zendesk still shows one of the known organizations that are not listed."""
    for start in range(0, len(absent), MANY):
        if shown := zendesk.show_many(ids=absent[start : start + MANY]):
            raise IncompleteReadError(
                f"Zendesk {zendesk.instance} did not list organization {shown[0]['id']}, which exists. {AGAIN}"
            )

"""Reads the organizations of one Zendesk instance: checks the fields, then reads all pages and proves the count."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from partner_sync.compare.change_keys import field_digest
from partner_sync.compare.organization_schema import ExpectedField, OrganizationSchema
from partner_sync.errors import AuthenticationError, Finding, IncompleteReadError, RejectedError, SchemaError
from partner_sync.model import InstanceRead, Organization, ReadProof, Value
from partner_sync.vendors.zendesk_api import MANY, Row
from partner_sync.vendors.zendesk_client import OrganizationCount, Zendesk

COUNT_IS_CACHED_ABOVE = 100_000
"""Above so many organizations Zendesk's count is up to a day old, and proves nothing."""
COUNT_SLACK, COUNT_SLACK_PERMILLE = 10, 1
"""What may come and go while a first listing runs: so many organizations, or so many of a thousand."""
AGAIN = "The read was discarded. If it happens again, check the permissions of the Connection's user."


def read_organizations(
    zendesk: Zendesk,
    *,
    write: bool,
    schema: OrganizationSchema,
    known: Collection[int],
    progress: Callable[[int, int], None],
) -> InstanceRead:
    """All organizations; partner organizations keep the fields of `schema.kept`, the others none.

    `known` are the ids of the previous snapshot, empty if there is none. `progress` is called with the
    organizations read and counted so far. Calls: one for each page of 100, one for each 100 known organizations that
    are not listed, and four more; a first listing that does not fit its count is repeated once.
    """
    calls = zendesk.calls
    fields = zendesk.organization_fields()
    check_fields(fields, schema.expected, zendesk.instance)
    if write:
        _check_jobs(zendesk)
    listing = _list(zendesk, schema, progress)
    if not known and not listing.plausible:
        del listing  # or 100,000 organizations would be held twice
        listing = _list(zendesk, schema, progress)
        if not listing.plausible:
            raise IncompleteReadError(
                f"Zendesk {zendesk.instance} listed {len(listing.organizations)} organizations and counted"
                f" {listing.before.value} before and {listing.after.value} after. {AGAIN}"
            )
    gone = _confirmed_gone(zendesk, sorted(set(known).difference(one.id for one in listing.organizations)))
    proof = ReadProof(
        system=f"Zendesk {zendesk.instance}",
        read=len(listing.organizations),
        announced=listing.after.value,
        pages=listing.pages,
        calls=zendesk.calls - calls,
        gone=gone,
    )
    definitions = {str(field["key"]): _definition(field) for field in fields if field.get("key") in schema.canonical}
    return InstanceRead(zendesk.instance, write, proof, tuple(listing.organizations), definitions=definitions)


@dataclass(frozen=True)
class _Listing:
    """One listing of all organizations, and what Zendesk counted before and after it."""

    organizations: list[Organization]
    pages: int
    before: OrganizationCount
    after: OrganizationCount

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
    return max(low - read, read - high) <= max(COUNT_SLACK, most * COUNT_SLACK_PERMILLE // 1000)


def _list(zendesk: Zendesk, schema: OrganizationSchema, progress: Callable[[int, int], None]) -> _Listing:
    """Every page to the last. Raises IncompleteReadError for an empty listing and for an organization listed twice."""
    before = zendesk.count()
    organizations: list[Organization] = []
    ids: set[int] = set()
    pages = 0
    for page in zendesk.pages():
        pages += 1
        for raw in page:
            is_partner = schema.is_partner(_fields(raw).get(schema.partner_field))
            organizations.append(_organization(raw, schema, schema.kept if is_partner else None))
            ids.add(organizations[-1].id)
        progress(len(organizations), before.value)
    if not organizations:
        raise IncompleteReadError(
            f"Zendesk {zendesk.instance} lists no organization at all. A lost permission is the likely"
            f" cause: check the organizations as the user of the Connection. {AGAIN}"
        )
    if twice := len(organizations) - len(ids):
        raise IncompleteReadError(f"Zendesk {zendesk.instance} listed {twice} organizations twice. {AGAIN}")
    return _Listing(organizations, pages, before, zendesk.count())


def _confirmed_gone(zendesk: Zendesk, absent: Sequence[int]) -> int:
    """How many known organizations are not listed. Raises IncompleteReadError if Zendesk still shows one of them."""
    for start in range(0, len(absent), MANY):
        if shown := zendesk.show_many(ids=absent[start : start + MANY]):
            raise IncompleteReadError(
                f"Zendesk {zendesk.instance} did not list organization {shown[0]['id']}, which exists. {AGAIN}"
            )
    return len(absent)


def whole(raw: Row, schema: OrganizationSchema) -> Organization:
    """An organization from `show_many`, with its kept fields even if it is not a partner's."""
    return _organization(raw, schema, schema.kept)


def _organization(raw: Row, schema: OrganizationSchema, keys: Sequence[str] | None) -> Organization:
    """To keep 100,000 in memory, equal texts are one object, and fields without a use are dropped."""
    fields = _fields(raw)
    kind = _text(fields.get(schema.partner_field))
    external_id, salesforce_id = _text(raw.get("external_id")), _text(fields.get(schema.id_field))
    return Organization(
        id=raw["id"],
        name=str(raw.get("name") or ""),
        external_id=salesforce_id if external_id == salesforce_id else external_id,
        salesforce_id=salesforce_id,
        account_type=kind if kind is None else sys.intern(kind),
        fields=None if keys is None else {key: _shared(fields.get(key)) for key in keys},
    )


def _fields(raw: Row) -> Mapping[str, Value]:
    fields = raw.get("organization_fields")
    return fields if isinstance(fields, dict) else {}


def _text(value: Value) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _shared(value: Value) -> Value:
    """The value; a list or an object as text. Texts that recur in thousands of organizations are kept once."""
    if type(value) is str:
        return sys.intern(value)
    return str(value) if isinstance(value, list | dict) else value


# -- the pre-flight -----------------------------------------------------------------------------------------


def _check_jobs(zendesk: Zendesk) -> None:
    """Raises RejectedError for a user who may not see jobs: what such a user submits can never be confirmed."""
    try:
        zendesk.newest_job()
    except AuthenticationError:
        raise
    except RejectedError as error:
        if error.status != 403:
            raise
        step = (
            "An instance that does not show its bulk jobs cannot be written. Give the user of the Connection of"
            f" {zendesk.instance} a role that may see job statuses, and its OAuth client a scope that includes them,"
            ' such as "read"; or set write = false for this instance.'
        )
        raise RejectedError(error.system, error.method, error.path, error.status, error.vendor_message, step) from None


def _definition(field: Row) -> str:
    """The digest of what a field accepts; its title and position may change."""
    options = sorted(str(option.get("value")) for option in field.get("custom_field_options") or ())
    return field_digest(field.get("type"), field.get("regexp_for_validation"), options)


def check_fields(fields: Sequence[Row], expected: Sequence[ExpectedField], instance: str) -> None:
    """Raises SchemaError with every difference between Zendesk's fields and what the mapping needs."""
    known = {str(field.get("key")): field for field in fields}
    findings = [finding for want in expected for finding in _findings(known.get(want.key), want)]
    if findings:
        raise SchemaError(f"Zendesk {instance}", findings)


def _findings(field: Row | None, want: ExpectedField) -> list[Finding]:
    types = " or ".join(want.types)
    if field is None:
        return [Finding(want.key, "is not an organization field", f"Create it with type {types}.")]
    findings = []
    if field.get("type") not in want.types:
        wrong = f"has type {field.get('type')}, not {types}"
        findings.append(
            Finding(want.key, wrong, "Change the rule in the config: the type of a field cannot be changed.")
        )
    if field.get("active") is not True:
        findings.append(Finding(want.key, "is inactive", "Activate it in Zendesk's Admin Center."))
    options = {str(option.get("value")) for option in field.get("custom_field_options") or ()}
    findings += [
        Finding(want.key, f"has no option with the value {value}", "Add this option to the drop-down.")
        for value in want.options
        if value not in options
    ]
    return findings

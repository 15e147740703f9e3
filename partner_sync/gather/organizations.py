"""Reads the organizations of one Zendesk instance: checks the fields, then reads all pages and proves the count."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from partner_sync.compare.organization_schema import ExpectedField, OrganizationSchema
from partner_sync.errors import Finding, IncompleteReadError, SchemaError
from partner_sync.model import InstanceRead, Organization, ReadProof, Value
from partner_sync.vendors.zendesk_client import Row, Zendesk

COUNT_IS_CACHED_ABOVE = 100_000
COUNT_TOLERANCE = 0.01
"""Above this number, Zendesk's count is up to a day old, and the list may differ from it by this fraction."""


def read_organizations(
    zendesk: Zendesk,
    *,
    write: bool,
    schema: OrganizationSchema,
    progress: Callable[[int, int], None],
) -> InstanceRead:
    """All organizations; partner organizations keep the fields of `schema.kept`, the others none.

    `progress` is called with the organizations read and announced so far. Calls: one for each page of 100, plus three.
    """
    calls = zendesk.calls
    check_fields(zendesk.organization_fields(), schema.expected, zendesk.instance)
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
        progress(len(organizations), before)
    after = zendesk.count()
    prove(zendesk.instance, len(organizations), len(ids), before, after)
    proof = ReadProof(f"Zendesk {zendesk.instance}", len(organizations), after, pages, zendesk.calls - calls)
    return InstanceRead(zendesk.instance, write, proof, tuple(organizations))


def prove(instance: str, read: int, distinct: int, before: int, after: int) -> None:
    """Raises IncompleteReadError unless the list is as long as the counts before and after it, or between them."""
    again = "The read was discarded. If it happens again, check the permissions of the Connection's user."
    if not read:
        raise IncompleteReadError(
            f"Zendesk {instance} lists no organization at all. A lost permission is the likely cause:"
            f" check the organizations as the user of the Connection. {again}"
        )
    if distinct != read:
        raise IncompleteReadError(f"Zendesk {instance} listed {read - distinct} organizations twice. {again}")
    low, high, most = min(before, after), max(before, after), max(before, after, read)
    slack = int(most * COUNT_TOLERANCE) if most > COUNT_IS_CACHED_ABOVE else 0
    if not low - slack <= read <= high + slack:
        raise IncompleteReadError(
            f"Zendesk {instance} listed {read} organizations and counted {before} before and {after} after. {again}"
        )


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

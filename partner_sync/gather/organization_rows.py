"""Organizations as Zendesk sends them, and what a snapshot keeps of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from partner_sync.compare.organization_schema import OrganizationSchema
from partner_sync.model import Organization, Value
from partner_sync.vendors.zendesk_api import Row


def kept(raw: Row, schema: OrganizationSchema) -> Organization:
    """What a snapshot keeps: the fields of partner organizations, and of the others what matching needs."""
    is_partner = schema.is_partner(_fields(raw).get(schema.partner_field))
    return _organization(raw, schema, schema.kept if is_partner else None)


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

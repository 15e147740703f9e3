"""Worlds for the sandbox, as a run left both systems: what it read, what it looked up, and what it wrote.

A world is JSON with the fields of the sandbox's class World. What no run read is empty there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from partner_sync.archive.records import RowVerdict
from partner_sync.compare.organization_schema import OrganizationSchema, organization_schema
from partner_sync.compare.soql import IS_DELETED, MASTER_ID, selected_fields
from partner_sync.config.load import Config
from partner_sync.ids import id_18
from partner_sync.model import EXTERNAL_ID, NAME, Change, InstanceRead, Organization, Value
from partner_sync.orchestration.archived_runs import ArchivedRun

_Row = dict[str, Any]

_TYPES = {bool: "boolean", int: "double", float: "double"}


def account_world(run: ArchivedRun, new: Config) -> _Row:
    """The accounts of a run, and those that it looked up. Every field that the new config reads exists.

    A line of the new filter on a field that the run did not read is passed by all accounts.
    """
    rows, path = run.accounts.rows, run.config.accounts.id
    answers = [found for lookup in run.inputs.answers.lookups for found in lookup.found.items()]
    known = {id_18(row[path]) for row in rows}
    looked_up = [row for account, row in dict(answers).items() if account not in known]
    older = new.marks.only_if_older
    dates = [older.source] if older is not None and older.source is not None else []
    lines = {field: value for field, value in new.accounts.filter.items() if field not in rows[0]}
    passing = {field: value if isinstance(value, str) else value[0] for field, value in lines.items()}
    several = list(_with_ids([{**passing, **row} for row in (*rows, *looked_up)], path))
    living = [one for one in several if one.get(IS_DELETED) is not True]
    there = {one["Id"] for one in living}
    deleted = [one for one in several if one.get(IS_DELETED) is True and one.get(MASTER_ID) in {None, *there}]
    return {
        "account_fields": _field_types([*selected_fields(new), *dates], several),
        "accounts": [_nested(one) for one in living],
        "deleted_accounts": [_nested(one) for one in deleted],
    }


def organization_world(run: ArchivedRun, new: Config, read: InstanceRead, verdicts: Iterable[RowVerdict]) -> _Row:
    """The organizations of an instance with the confirmed writes of the run, and the fields that both configs need.

    A field is of a type that the run saw, or of one that the new config needs. A drop-down has every option that one of
    the configs, or an organization, has.
    """
    schema = organization_schema(run.config)
    whole = {one.id: one for one in run.inputs.adopted.get(read.instance, ())}
    organizations = {one.id: whole.get(one.id, one) for one in read.organizations}
    written = _confirmed_values(run.plan.changes, [one for one in verdicts if one.instance == read.instance])
    created = {number: Organization(number, "", None, None, None) for number in written.keys() - organizations.keys()}
    rows = [_row(schema, one, written.get(one.id, {})) for one in (*organizations.values(), *created.values())]
    return {
        "organizations": rows,
        "organization_fields": list(_definitions((organization_schema(new), schema), read.titles, rows)),
    }


def _with_ids(rows: Iterable[_Row], path: str) -> Iterator[_Row]:
    """Each row with an `Id` of its own: two accounts may have one id in the field that the config reads it from."""
    taken = set[str]()
    for number, row in enumerate(rows):
        own = id_18(row.get("Id", row[path]))
        if own is None or own in taken:
            own = id_18(f"001R{number:011}")
        assert own is not None  # noqa: S101 - 15 letters and digits are an id
        taken.add(own)
        yield {**row, "Id": own}


def _field_types(needed: Iterable[str], rows: Iterable[_Row]) -> dict[str, str]:
    found = dict.fromkeys(needed, "string")
    for row in rows:
        found |= {path: _TYPES.get(type(value), "string") for path, value in row.items() if value is not None}
    return {path: "id" if path.rpartition(".")[2].casefold() == "id" else kind for path, kind in found.items()}


def _nested(row: _Row) -> _Row:
    """A row with its lookups as objects: {"Owner.Name": "Ada"} is {"Owner": {"Name": "Ada"}}."""
    account: _Row = {}
    for path, value in row.items():
        *lookups, field = path.split(".")
        at = account
        for lookup in lookups:
            at = at.setdefault(lookup, {})
        at[field] = value
    return account


def _confirmed_values(changes: Iterable[Change], verdicts: Iterable[RowVerdict]) -> dict[int, dict[str, Value]]:
    """Organization to the values that were written there and that Zendesk confirmed."""
    confirmed = {
        (one.kind, one.account_id, None if one.kind == "create" else one.organization_id): one.organization_id
        for one in verdicts
        if one.verdict == "confirmed"
    }
    rows = ((confirmed.get((one.kind, one.account_id, one.organization_id)), one) for one in changes)
    return {number: {each.field: each.after for each in one.fields} for number, one in rows if number is not None}


def _row(schema: OrganizationSchema, one: Organization, written: Mapping[str, Value]) -> _Row:
    own = {schema.id_field: one.salesforce_id, schema.partner_field: one.account_type}
    values = {NAME: one.name, EXTERNAL_ID: one.external_id, **own, **(one.fields or {}), **written}
    name, external_id = values.pop(NAME), values.pop(EXTERNAL_ID)
    kept = {key: value for key, value in values.items() if value is not None}
    return {"id": one.id, "name": name, "external_id": external_id, "organization_fields": kept}


def _definitions(
    schemas: Sequence[OrganizationSchema], titles: Mapping[str, str], rows: Sequence[_Row]
) -> Iterator[_Row]:
    """The fields that some schemas expect; of one key, the last schema decides about the type."""
    expected = {one.key: one for schema in schemas for one in schema.expected}
    for key, field in expected.items():
        kind = "decimal" if "decimal" in field.types else field.types[0]
        definition: _Row = {"key": key, "type": kind, "title": titles.get(key) or key}
        if kind == "dropdown":
            options = {
                option for schema in schemas for one in schema.expected if one.key == key for option in one.options
            }
            options |= {value for row in rows if (value := row["organization_fields"].get(key)) is not None}
            definition["options"] = sorted(options)
        yield definition

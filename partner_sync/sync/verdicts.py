"""Judges one change by what Zendesk shows: what may be written, and the verdict afterwards. Pure.

A field is in one of three states: as *desired*, as *before* (as the plan read it), or *changed* by others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from partner_sync.compare.organization_schema import OrganizationSchema, belongs
from partner_sync.model import ATTRIBUTES, Change, Create, FieldChange, Mark, Value, Verdict

Raw = Mapping[str, Any]
"""An organization as Zendesk sends it."""


@dataclass(frozen=True, slots=True)
class Judgment:
    """A verdict with its reason, or the fields that may be written where `verdict` is None.

    `organization_id` is the organization that was read, where the plan could not know it.
    """

    verdict: Verdict | None
    reason: str = ""
    write: tuple[FieldChange, ...] = ()
    organization_id: int | None = None
    by_others: bool = False
    """Whether somebody else wrote what we sent, so that our job wrote nothing of this row."""
    whole_job: bool = False
    """Whether it is rejected because its job failed as a whole."""


@dataclass(frozen=True, slots=True)
class OrganizationReader:
    """Reads values out of a raw organization by the config."""

    schema: OrganizationSchema

    def value(self, raw: Raw, field: str) -> Value:
        """The canonical value of a field."""
        return self.schema.canonical[field](raw.get(field) if field in ATTRIBUTES else _field(raw, field))

    def unknown_fields(self, changes: Iterable[Change]) -> list[str]:
        """Fields of changes that the config does not have."""
        fields = {field.field for change in changes for field in change.fields}
        return sorted(fields - self.schema.canonical.keys())

    def belongs(self, raw: Raw, account_id: str) -> bool:
        """Whether the organization still belongs to the account."""
        return belongs(account_id, _field(raw, self.schema.id_field), raw.get("external_id"))

    def is_partner(self, raw: Raw) -> bool:
        return self.schema.is_partner(_field(raw, self.schema.partner_field))


def before_write(change: Change, raw: Raw | None, reader: OrganizationReader) -> Judgment:
    """What is left to write of a change, from its organization as it was read again (None: Zendesk has none)."""
    if isinstance(change, Create):
        if raw is None:
            return Judgment(None, write=change.fields)
        if all(reader.value(raw, field.field) == field.after for field in change.fields):
            return Judgment("confirmed", "the organization exists already, as desired")
        return Judgment("superseded", "an organization with this external_id exists by now; the next run compares it")
    if raw is None:
        return Judgment("superseded", "the organization no longer exists; the next run compares the account again")
    if not reader.belongs(raw, change.account_id):
        return Judgment("superseded", "the organization no longer belongs to this account; the next run plans it again")
    if isinstance(change, Mark) and not reader.is_partner(raw):
        return Judgment("superseded", "the organization is no longer a partner's; the next run plans it again")
    states = _states(change, raw, reader)
    changed = _names(states, "changed")
    write = tuple(field for field in change.fields if states[field.field] == "before")
    if write:
        return Judgment(None, f"changed by others since the plan, not overwritten: {changed}" if changed else "", write)
    if changed:
        return Judgment("superseded", f"changed by others since the plan: {changed}; the next run plans it again")
    return Judgment("confirmed", "as desired already; nothing was written")


def after_write(change: Change, raw: Raw | None, reader: OrganizationReader, message: str | None) -> Judgment:
    """The verdict on a change that was sent; `message` is Zendesk's refusal (None: it did not refuse)."""
    if raw is None:
        if isinstance(change, Create):
            reason = "Zendesk refused it" if message else "Zendesk did not refuse it, but shows no such organization"
            return Judgment("rejected", reason)
        return Judgment("unknown", "the organization can no longer be read")
    states = _states(change, raw, reader)
    counts = Counter(states.values())
    if counts["before"]:
        reason = "Zendesk refused it" if message else "Zendesk did not refuse it, but does not show it"
        return Judgment("rejected", f"{reason}: {_names(states, 'before')}")
    if counts["changed"]:
        return Judgment("superseded", f"changed by others: {_names(states, 'changed')}; the next run plans it again")
    return Judgment("confirmed")


def refusals(results: Sequence[Raw], rows: Sequence[tuple[int, Change]]) -> dict[int, str]:
    """Zendesk's message for each refused row, by position in the batch. `rows` are (position, change) as sent.

    A failure has its `index` or the organization's `id`, and neither `success` nor `status` (recorded by zenpy).
    """
    positions = {change.organization_id: position for position, change in rows if change.organization_id is not None}
    found: dict[int, str] = {}
    for number, item in enumerate(results):
        if _succeeded(item):
            continue
        index = item["index"] if isinstance(item.get("index"), int) else number
        position = positions.get(item["id"]) if isinstance(item.get("id"), int) else None
        if position is None and 0 <= index < len(rows):
            position = rows[index][0]
        if position is not None:
            message = " ".join(str(item[key]) for key in ("error", "details") if item.get(key))
            found[position] = message or "no reason given"
    return found


def _succeeded(item: Raw) -> bool:
    """Whether an item is a success: `{"id", "index"}` (documented for creates), or with a good `status` (recorded)."""
    status, success = item.get("status"), item.get("success")
    if item.get("error") or success is False or (status is not None and status not in ("Created", "Updated")):
        return False
    return success is True or status is not None or type(item.get("id")) is int


def payload(change: Change, fields: Sequence[FieldChange]) -> dict[str, Any]:
    """The body of a change for a bulk call: `{"id", "name", "organization_fields": {key: value}}`."""
    body: dict[str, Any] = {} if change.organization_id is None else {"id": change.organization_id}
    keyed: dict[str, Value] = {}
    for field in fields:
        (body if field.field in ATTRIBUTES else keyed)[field.field] = field.after
    if keyed:
        body["organization_fields"] = keyed
    return body


def _field(raw: Raw, key: str) -> object:
    return (raw.get("organization_fields") or {}).get(key)


def _states(change: Change, raw: Raw, reader: OrganizationReader) -> dict[str, str]:
    states = {}
    for field in change.fields:
        now = reader.value(raw, field.field)
        # Before a create there is no value, and an untouched checkbox reads as false.
        untouched = (None, False) if isinstance(change, Create) else (field.before,)
        states[field.field] = "desired" if now == field.after else "before" if now in untouched else "changed"
    return states


def _names(states: Mapping[str, str], state: str) -> str:
    return ", ".join(name for name, value in states.items() if value == state)

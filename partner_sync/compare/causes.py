"""Why each field of a row changes, by the last complete run: its snapshots, its results, and the causes of its plan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from partner_sync.compare.change_keys import field_key
from partner_sync.compare.desired import desired
from partner_sync.compare.earlier_runs import EarlierRuns
from partner_sync.compare.evidence import AccountRow
from partner_sync.compare.organization_schema import OrganizationSchema
from partner_sync.config.load import Config
from partner_sync.model import EXTERNAL_ID, NAME, Change, Create, FieldCause, FieldChange, Mark, Organization, Value
from partner_sync.whitespace import trimmed

Values = Mapping[str, Value]


@dataclass(frozen=True)
class LastReads:
    """What the last complete run read of the accounts and organizations that would change now, if that is `known`."""

    known: bool = False
    rows: Mapping[str, AccountRow] = field(default_factory=dict)
    organizations: Mapping[int, Organization] = field(default_factory=dict)


ReadLast = Callable[[str, Collection[str], Collection[int]], LastReads]
"""Instance, account ids and organization ids to what was read of them."""


@dataclass(frozen=True)
class Causes:
    """The causes of one instance. A change that the last plan had as well keeps its cause.

    :param caused: change keys that changed rules cause
    :param restored: the fields of organizations that go back because a person undoes a run
    """

    config: Config
    schema: OrganizationSchema
    earlier: EarlierRuns
    caused: Collection[str]
    restored: Mapping[int, Collection[str]]
    last: LastReads

    def explained(self, changes: Iterable[Change]) -> Iterator[Change]:
        """The changes, each field with its cause."""
        several = list(changes)
        rows = [dict(row) for one in several if (row := self.last.rows.get(one.account_id)) is not None]
        wanted = self._wanted(rows)
        for change in several:
            fields = tuple(self._explained(change, one, wanted.get(change.account_id)) for one in change.fields)
            yield replace(change, fields=fields)

    def _explained(self, change: Change, one: FieldChange, wanted: Values | None) -> FieldChange:
        key = field_key(change, one)
        if key in self.caused:
            return replace(one, cause="rules")
        if one.field in self.restored.get(change.organization_id or 0, ()):
            return one
        return replace(one, cause=self._found(change, one, wanted) or self.earlier.last.causes.get(key))

    def _found(self, change: Change, one: FieldChange, wanted: Values | None) -> FieldCause | None:
        """What happened since the last run; None if nothing did, or nobody knows."""
        if isinstance(change, Mark):
            return "salesforce" if change.account_id in self.last.rows else None
        if isinstance(change, Create):
            return "salesforce" if self.last.known and wanted is None else None
        written = self.earlier.last.values.get(change.organization_id, {})
        new_want = self.last.known and (wanted is None or wanted.get(one.field) != one.after)
        if one.field in written:
            if written[one.field] == one.after and field_key(change, one) in self.earlier.written:
                return "both" if new_want else "set_back"
            edited = written[one.field] != one.before
        else:
            edited = self._edited(change.organization_id, one)
        if new_want and edited:
            return "both"
        return "salesforce" if new_want else "zendesk" if edited else None

    def _edited(self, organization_id: int, one: FieldChange) -> bool:
        """Whether Zendesk had another value when it was last read."""
        last = self.last.organizations.get(organization_id)
        if last is None:
            return False
        if one.field == NAME:
            return trimmed(last.name) != one.before
        return last.fields is not None and self.schema.canonical[one.field](last.fields.get(one.field)) != one.before

    def _wanted(self, rows: Iterable[dict[str, object]]) -> dict[str, Values]:
        """Account to the values that its last row would give by the mapping of today."""
        found: dict[str, Values] = {}
        for account_id, one in desired(self.config, rows).accounts.items():
            values = dict(zip(self.schema.fields, one.values, strict=True))
            found[account_id] = {NAME: one.name, EXTERNAL_ID: account_id, **values}
        return found

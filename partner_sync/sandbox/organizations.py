"""Zendesk's organizations and their rules: unique names and external ids, typed fields, tags, what is dropped.

Source: Zendesk's page "Organizations" and recorded exchanges of zenpy. What neither says is marked "assumption".
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping
from typing import Any

from .journal import Journal
from .organization_fields import InvalidValueError, OrganizationFields, option_values, stored_value, tags_of
from .organization_ids import OrganizationIds
from .organization_rules import (
    BLANK_NAME,
    LONGEST_NAME,
    WRITABLE,
    InvalidOrganizationError,
    Organization,
    Writer,
    blank,
    difference,
    folded,
    set_values,
    timestamp,
)
from .storage import Storage


class Organizations:
    """All organizations, by id ascending, with the lookups that the API has."""

    def __init__(self, storage: Storage, fields: OrganizationFields, journal: Journal) -> None:
        self._storage = storage
        self._fields = fields
        self._journal = journal
        self.load()

    def load(self) -> None:
        """Take over what the storage holds."""
        self.rows: dict[int, Organization] = {}
        self.deleted: dict[int, Organization] = {
            row["id"]: row for _, row in self._storage.load("deleted_organization")
        }
        self.ids: list[int] = []
        self.version = 0
        self._by_name: dict[str, list[int]] = {}
        self._by_external_id: dict[str, list[int]] = {}
        self._ids = OrganizationIds(seed=1)
        for _, state in self._storage.load("organization_ids"):
            self._ids = OrganizationIds(**state)
        for _, row in self._storage.load("organization"):
            self._keep(row)

    def with_name(self, name: str) -> list[Organization]:
        """Those of that name; white space around it and case do not matter."""
        return [self.rows[each] for each in self._by_name.get(folded(name), [])]

    def with_external_id(self, external_id: str) -> list[Organization]:
        """Those of that external id; case does not matter."""
        return [self.rows[each] for each in self._by_external_id.get(folded(external_id), [])]

    def add_raw(self, rows: Iterable[Mapping[str, Any]], at: float, journaled: bool = True) -> list[int]:
        """Put organizations there as they are, duplicates and broken ids included; answers their ids.

        ``id`` may be left out. This is how a world comes to be, and what a person's long history leaves behind.
        """
        ids = []
        for given in rows:
            row = blank(at)
            row.update({name: value for name, value in given.items() if name in (*WRITABLE, "id", "created_at")})
            row["updated_at"] = given.get("updated_at", row["created_at"])
            row["organization_fields"] = dict(row["organization_fields"])
            if "tags" not in given:
                row["tags"] = self._field_tags(row["organization_fields"])
            if "id" in given:
                self.forget(int(given["id"]))
            else:
                row["id"] = self._new_id()
            self._keep(row)
            self._save(row)
            ids.append(row["id"])
            if journaled:
                self._note("create", row, {}, set_values(row), Writer("person", at))
        return ids

    def number_from(self, ids: OrganizationIds) -> None:
        """Give new organizations the next of these ids."""
        self._ids = ids
        self._storage.put("organization_ids", "", vars(ids))

    def create(self, attributes: Mapping[str, Any], writer: Writer) -> Organization:
        """A new organization. Raises ``InvalidOrganizationError``."""
        row = blank(writer.at)
        accepted = self._accepted(attributes, None)
        if "name" not in accepted:
            raise InvalidOrganizationError([BLANK_NAME])
        self._apply(row, accepted)
        row["id"] = self._new_id()
        self._keep(row)
        self._save(row)
        self._note("create", row, {}, set_values(row), writer)
        return row

    def update(self, organization_id: int, attributes: Mapping[str, Any], writer: Writer) -> Organization:
        """Change what is given, leave the rest. Raises ``KeyError``, ``InvalidOrganizationError``.

        That an update which changes nothing leaves ``updated_at`` alone is an assumption.
        """
        row = self.rows[organization_id]
        accepted = self._accepted(attributes, organization_id)
        old = {**row, "organization_fields": dict(row["organization_fields"]), "tags": list(row["tags"])}
        self._unindex(row)
        self._apply(row, accepted)
        self._index(row)
        before, after = difference(old, row)
        if after:
            row["updated_at"] = timestamp(writer.at)
            self.version += 1
            self._save(row)
        self._note("update", row, before, after, writer)
        return row

    def delete(self, organization_id: int, writer: Writer) -> None:
        """Remove one; the incremental export still shows it. Raises ``KeyError``."""
        row = self.rows[organization_id]
        self.forget(organization_id)
        self.deleted[organization_id] = {**row, "deleted_at": timestamp(writer.at)}
        self._storage.put("deleted_organization", str(organization_id), self.deleted[organization_id])
        self._note("delete", row, set_values(row), {}, writer)

    def forget(self, organization_id: int) -> None:
        """Remove one, if it is there, without a trace."""
        row = self.rows.pop(organization_id, None)
        if row is None:
            return
        self._unindex(row)
        del self.ids[bisect.bisect_left(self.ids, organization_id)]
        self.version += 1
        self._storage.delete("organization", str(organization_id))

    def keep_options(self, key: str) -> None:
        """Clear a dropdown's or multiselect's values that are no longer among its options, as Zendesk does."""
        field = self._fields.rows[key]
        known = option_values(field)
        for row in self.rows.values():
            value = row["organization_fields"].get(key)
            if isinstance(value, list):
                row["organization_fields"][key] = [each for each in value if each in known] or None
            elif value is not None and value not in known:
                row["organization_fields"][key] = None
            else:
                continue
            self._save(row)

    def rendered(self, row: Organization, base: str) -> Organization:
        """An organization as Zendesk shows it, keys in the recorded order, all active fields with a value or null.

        A checkbox that nobody ever set reads false (seen in other integrations' accounts); that one which was cleared
        does so too is an assumption.
        """
        values = row["organization_fields"]
        shown = {field["key"]: values.get(field["key"]) for field in self._fields.active()}
        shown |= {key: False for key, value in shown.items() if value is None and self._fields.is_checkbox(key)}
        return {
            "url": f"{base}/api/v2/organizations/{row['id']}.json",
            **row,
            "tags": list(row["tags"]),
            "domain_names": list(row["domain_names"]),
            "organization_fields": shown,
        }

    def unpermitted(self, attributes: Mapping[str, Any], prefix: str, permitted: tuple[str, ...] = ()) -> list[str]:
        """The keys that will be dropped, as the header ``x-zendesk-api-warn`` names them."""
        dropped = [f"{prefix}.{key}" for key in attributes if key not in WRITABLE and key not in permitted]
        values = attributes.get("organization_fields")
        if isinstance(values, dict):
            known = {field["key"] for field in self._fields.active()}
            dropped += [f"{prefix}.organization_fields.{key}" for key in values if key not in known]
        return dropped

    def _accepted(self, attributes: Mapping[str, Any], own_id: int | None) -> dict[str, Any]:
        """What of the attributes will be kept, in stored form; everything unknown is dropped without an error."""
        reasons: list[tuple[str, str, str]] = []
        accepted = {name: attributes[name] for name in WRITABLE if name in attributes}
        if "name" in accepted:
            accepted["name"] = str(accepted["name"] or "").strip()
            reasons += self._name_reasons(accepted["name"], own_id)
        if "external_id" in accepted:
            value = accepted["external_id"]
            accepted["external_id"] = None if value in (None, "") else str(value)
            others = [] if value in (None, "") else self.with_external_id(str(value))
            if any(row["id"] != own_id for row in others):
                # The body for a duplicate external id is an assumption.
                reasons.append(("external_id", "DuplicateValue", f"{value} has already been taken"))
        for name in ("tags", "domain_names"):
            if name in accepted:
                accepted[name] = _texts(accepted[name])
        values = accepted.get("organization_fields")
        accepted["organization_fields"] = {}
        for field in self._fields.active():
            if not isinstance(values, dict) or field["key"] not in values:
                continue
            try:
                accepted["organization_fields"][field["key"]] = stored_value(field, values[field["key"]])
            except InvalidValueError as error:
                # The body for an invalid field value is an assumption.
                reasons.append(("organization_fields", "InvalidValue", f"{field['key']} {error}"))
        if reasons:
            raise InvalidOrganizationError(reasons)
        return accepted

    def _name_reasons(self, name: str, own_id: int | None) -> list[tuple[str, str, str]]:
        if not name:
            return [BLANK_NAME]
        if len(name) > LONGEST_NAME:
            return [("name", "ValueTooLong", f"is too long (maximum is {LONGEST_NAME} characters)")]
        if any(row["id"] != own_id for row in self.with_name(name)):
            return [("name", "DuplicateValue", f"{name} has already been taken")]
        return []

    def _apply(self, row: Organization, accepted: dict[str, Any]) -> None:
        values = row["organization_fields"]
        for key, value in accepted.pop("organization_fields").items():
            field = self._fields.rows[key]
            gone = tags_of(field, values.get(key))
            row["tags"] = [tag for tag in row["tags"] if tag not in gone]
            values[key] = value
        row.update(accepted)
        # Tags of field values stay although a list of tags replaces the others: assumption.
        row["tags"] = sorted({*row["tags"], *self._field_tags(values)})

    def _field_tags(self, values: Mapping[str, Any]) -> list[str]:
        known = self._fields.rows
        tags = {
            tag
            for key, value in values.items()
            if value and key in known and known[key]["active"]
            for tag in tags_of(known[key], value)
        }
        return sorted(tags)

    def _new_id(self) -> int:
        while (new_id := self._ids.next()) in self.rows:
            pass
        self._storage.put("organization_ids", "", vars(self._ids))
        return new_id

    def _keep(self, row: Organization) -> None:
        self.rows[row["id"]] = row
        if self.deleted.pop(row["id"], None):
            self._storage.delete("deleted_organization", str(row["id"]))
        if self.ids and self.ids[-1] > row["id"]:
            bisect.insort(self.ids, row["id"])
        else:
            self.ids.append(row["id"])
        self.version += 1
        self._index(row)

    def _save(self, row: Organization) -> None:
        self._storage.put("organization", str(row["id"]), row)

    def _index(self, row: Organization) -> None:
        self._by_name.setdefault(folded(row["name"]), []).append(row["id"])
        if row["external_id"]:
            self._by_external_id.setdefault(folded(row["external_id"]), []).append(row["id"])

    def _unindex(self, row: Organization) -> None:
        for index, key in ((self._by_name, row["name"]), (self._by_external_id, row["external_id"])):
            if key and (ids := index.get(folded(key))):
                ids.remove(row["id"])
                if not ids:
                    del index[folded(key)]

    def _note(self, action: str, row: Organization, before: Any, after: Any, writer: Writer) -> None:
        self._journal.write(
            at=writer.at,
            by=writer.by,
            job_id=writer.job_id,
            action=action,
            organization_id=row["id"],
            external_id=row["external_id"],
            before=before,
            after=after,
            no_op=not before and not after,
        )


def _texts(value: Any) -> list[str]:
    """A list of tags or domains; one text has them separated by blanks."""
    if isinstance(value, str):
        return value.split()
    return [str(each) for each in value or []]

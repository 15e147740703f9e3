"""Zendesk's custom fields of organizations: their definitions and the values they take.

Source: Zendesk's page "Organization Fields". What no page says about values is an assumption, marked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from .storage import Storage

Field = dict[str, Any]

FIELD_TYPES = ("text", "textarea", "checkbox", "date", "integer", "decimal", "regexp", "dropdown", "multiselect")
_WITH_OPTIONS = ("dropdown", "multiselect")
_KEY = re.compile(r"\w+\Z", re.ASCII)
_FIRST_ID = 20_480_300_000_000
_MADE_AT = "2021-03-01T09:00:00Z"
_MADE = "options_made"  # how many options a field has had; nobody is shown it
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ].*)?\Z")


class InvalidValueError(Exception):
    """A field does not take a value; the text says why."""


class OrganizationFields:
    """The fields by key, in their order."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.rows: dict[str, Field] = {}
        self.load()

    def load(self) -> None:
        """Take over what the storage holds."""
        self.rows = dict(self._storage.load("organization_field"))

    def active(self) -> Iterator[Field]:
        """The fields that organizations show. That they hide inactive ones is an assumption."""
        return (field for field in self.rows.values() if field["active"])

    def is_checkbox(self, key: str) -> bool:
        """Whether a field is a checkbox. Raises ``KeyError``."""
        return bool(self.rows[key]["type"] == "checkbox")

    def add(self, definition: Mapping[str, Any]) -> Field:
        """Define a field by ``key`` and ``type``; ``options`` are the values of a dropdown or multiselect.

        Also understood: ``title``, ``tag`` (checkbox), ``regexp_for_validation``, ``active``. Raises ``ValueError``.
        """
        key, kind = str(definition.get("key", "")), definition.get("type")
        if not _KEY.match(key) or kind not in FIELD_TYPES:
            raise ValueError(f"a field needs a key of letters, digits and _, and a type of {', '.join(FIELD_TYPES)}")
        if key in self.rows:
            raise ValueError(f"there is an organization field {key!r} already")
        position = len(self.rows)
        field: Field = {
            "id": _FIRST_ID + 977 * (position + 1),
            "type": kind,
            "key": key,
            "title": definition.get("title", key.replace("_", " ").capitalize()),
            "description": definition.get("description", ""),
            "position": position,
            "active": definition.get("active", True),
            "system": False,
            "regexp_for_validation": definition.get("regexp_for_validation"),
            "created_at": _MADE_AT,
            "updated_at": _MADE_AT,
        }
        if kind == "checkbox":
            field["tag"] = definition.get("tag")
        if kind in _WITH_OPTIONS:
            _set_options(field, definition.get("options", []))
        self.rows[key] = field
        self._storage.put("organization_field", key, field)
        return field

    def change(self, key: str, changes: Mapping[str, Any]) -> Field:
        """Set ``active``, ``title``, ``options`` or ``regexp_for_validation``.

        Raises ``KeyError`` for an unknown field, ``ValueError`` for anything that cannot be changed.
        """
        field = self.rows[key]
        unknown = set(changes) - {"active", "title", "options", "regexp_for_validation"}
        if unknown or ("options" in changes and field["type"] not in _WITH_OPTIONS):
            raise ValueError(f"cannot change {', '.join(sorted(unknown or {'options'}))} of a {field['type']} field")
        for name, value in changes.items():
            if name == "options":
                _set_options(field, value)
            else:
                field[name] = value
        self._storage.put("organization_field", key, field)
        return field

    def delete(self, key: str) -> None:
        """Remove a field. Raises ``KeyError``."""
        del self.rows[key]
        self._storage.delete("organization_field", key)

    def rendered(self, field: Field, base: str) -> Field:
        """A field as Zendesk shows it."""
        shown = {name: value for name, value in field.items() if name != _MADE}
        return {"url": f"{base}/api/v2/organization_fields/{field['id']}.json", **shown}


def stored_value(field: Field, value: Any) -> Any:
    """What a field holds after it was given *value*; null and "" clear it (assumption).

    Raises ``InvalidValueError``.
    """
    if value is None or value == "":
        return None
    return _READERS.get(field["type"], _text)(field, value)


def tags_of(field: Field, value: Any) -> list[str]:
    """The tags that a value puts on its organization: options' values, and the tag of a ticked checkbox."""
    if value is None or value is False:
        return []
    if field["type"] == "dropdown":
        return [value]
    if field["type"] == "multiselect":
        return list(value)
    if field["type"] == "checkbox" and field.get("tag"):
        return [field["tag"]]
    return []


def option_values(field: Field) -> list[str]:
    """The values that a dropdown or multiselect takes."""
    return [option["value"] for option in field["custom_field_options"]]


def _set_options(field: Field, values: list[str]) -> None:
    """Give a field these options. One that was removed and comes back has another id than before (assumption)."""
    ids = {option["value"]: option["id"] for option in field.get("custom_field_options", [])}
    options = []
    for value in values:
        if value not in ids:
            field[_MADE] = field.get(_MADE, len(field.get("custom_field_options", []))) + 1
            ids[value] = field["id"] + field[_MADE]
        name = value.replace("_", " ").capitalize()
        options.append({"id": ids[value], "name": name, "raw_name": name, "value": value})
    field["custom_field_options"] = options


def _text(_field: Field, value: Any) -> str:
    if isinstance(value, (list, dict)):
        raise InvalidValueError("is not a text")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _checkbox(_field: Field, value: Any) -> bool:
    spelled = {"true": True, "1": True, "false": False, "0": False}
    text = str(value).lower()
    if text not in spelled:
        raise InvalidValueError("is not a checkbox value")
    return spelled[text]


def _date(_field: Field, value: Any) -> str:
    """Dates go in as ``2018-11-04``, and come back as recorded: ``2018-11-04T00:00:00+00:00``."""
    match = _DATE.match(str(value))
    if match is None:
        raise InvalidValueError("is not a date")
    try:
        day = datetime.strptime(match.group(1), "%Y-%m-%d").replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise InvalidValueError("is not a date") from error
    return day.isoformat()


def _integer(_field: Field, value: Any) -> int:
    try:
        return int(str(value))
    except ValueError as error:
        raise InvalidValueError("is not an integer") from error


def _decimal(_field: Field, value: Any) -> float:
    try:
        return float(str(value))
    except ValueError as error:
        raise InvalidValueError("is not a decimal") from error


def _regexp(field: Field, value: Any) -> str:
    text = _text(field, value)
    if not re.fullmatch(field["regexp_for_validation"] or ".*", text, re.DOTALL):
        raise InvalidValueError("does not match the regular expression")
    return text


def _dropdown(field: Field, value: Any) -> str:
    if value not in option_values(field):
        raise InvalidValueError(f"{value} is not a valid option")
    return str(value)


def _multiselect(field: Field, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [_dropdown(field, each) for each in values]


_READERS = {
    "checkbox": _checkbox,
    "date": _date,
    "integer": _integer,
    "decimal": _decimal,
    "regexp": _regexp,
    "dropdown": _dropdown,
    "multiselect": _multiselect,
}

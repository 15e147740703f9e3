"""What an organization of Zendesk's is made of, what may be written, and how a refusal is worded.

Source: Zendesk's page "Organizations" and recorded exchanges of zenpy. What neither says is marked "assumption".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

Organization = dict[str, Any]

WRITABLE = (
    "name",
    "shared_tickets",
    "shared_comments",
    "external_id",
    "domain_names",
    "details",
    "notes",
    "group_id",
    "tags",
    "organization_fields",
)
LONGEST_NAME = 255  # assumption
BLANK_NAME = ("name", "BlankValue", "is too short (minimum is 1 characters)")


class InvalidOrganizationError(Exception):
    """Zendesk refuses an organization: attribute, error code and text of each reason."""

    def __init__(self, reasons: list[tuple[str, str, str]]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(self._texts(": ")))

    def _texts(self, colon: str) -> list[str]:
        return [f"{_label(attribute)}{colon}{text}" for attribute, _, text in self.reasons]

    def details(self) -> dict[str, list[dict[str, str]]]:
        """The ``details`` of a 422: descriptions and codes by attribute."""
        details: dict[str, list[dict[str, str]]] = {}
        for (attribute, code, _), text in zip(self.reasons, self._texts(": "), strict=True):
            details.setdefault(attribute, []).append({"description": text, "error": code})
        return details

    def job_details(self) -> str:
        """The ``details`` of a job's item; recorded with two blanks after the colon."""
        return ", ".join(self._texts(":  "))


@dataclass(frozen=True)
class Writer:
    """Who changes an organization: "job", "single" (one call for one organization) or "person"."""

    by: str
    at: float
    job_id: str | None = None


def blank(at: float) -> Organization:
    """An organization with nothing set, as it is before it has a name."""
    made = timestamp(at)
    return {
        "id": 0,
        "name": "",
        "shared_tickets": False,
        "shared_comments": False,
        "external_id": None,
        "created_at": made,
        "updated_at": made,
        "domain_names": [],
        "details": None,
        "notes": None,
        "group_id": None,
        "tags": [],
        "organization_fields": {},
    }


def timestamp(at: float) -> str:
    """Epoch seconds in the form of Zendesk's times, ``2023-09-18T23:35:58Z``."""
    return datetime.fromtimestamp(at, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def folded(text: str) -> str:
    """Names and external ids as Zendesk compares them: without white space around, without case."""
    return text.strip().casefold()


def _label(attribute: str) -> str:
    return attribute.replace("_", " ").capitalize()


def _flat(row: Organization) -> dict[str, Any]:
    flat = {name: row[name] for name in WRITABLE if name != "organization_fields"}
    flat.update({f"organization_fields.{key}": value for key, value in row["organization_fields"].items()})
    return flat


def set_values(row: Organization) -> dict[str, Any]:
    """Everything that is set, by attribute or ``organization_fields.KEY``."""
    return {name: value for name, value in _flat(row).items() if value not in (None, [], "")}


def difference(old: Organization, new: Organization) -> tuple[dict[str, Any], dict[str, Any]]:
    """What changed, before and after, by attribute or ``organization_fields.KEY``."""
    before, after = _flat(old), _flat(new)
    changed = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in changed}, {name: after[name] for name in changed}

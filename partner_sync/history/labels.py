"""What people read, on the page and at a terminal, for the values that programs read."""

from __future__ import annotations

import json
from datetime import datetime

from partner_sync.history.organization_results import CurrentState
from partner_sync.model import Value

STATE_LABELS: dict[CurrentState, str] = {
    "as desired": "Matches Salesforce",
    "differs": "Out of date",
    "problem": "Needs attention",
    "marked": "Marked for deletion",
    "not known": "Unknown",
}
OUTCOME_LABELS: dict[str, str] = {
    "confirmed": "confirmed",
    "rejected": "rejected",
    "superseded": "skipped",
    "unknown": "unknown",
    "waiting": "waiting",
    "not written": "not written",
    "withheld": "on hold",
    "dry run": "dry run",
}
_PROBLEM_LABELS = {
    "adoption": "Partner id on an organization of another type",
    "name_circle": "Names swapped",
    "name_taken": "Name already in use",
    "name_waits": "Name not free yet",
}


_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


def problem_label(kind: str) -> str:
    """The title of a kind of problem; a kind of another release is shown by its key."""
    return _PROBLEM_LABELS.get(kind) or kind.replace("_", " ").capitalize()


def value_label(value: Value) -> str:
    """A canonical value as people read it."""
    if value is None or value == "":
        return "empty"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return value if isinstance(value, str) else json.dumps(value)


def ago(at: datetime | None, now: datetime) -> str:
    """A time relative to now: "5 minutes ago" or "in 5 minutes"."""
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    for unit, length in _UNITS:
        count = int(abs(seconds) // length)
        if count:
            distance = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"{distance} ago" if seconds > 0 else f"in {distance}"
    return "just now" if seconds >= 0 else "in a moment"

"""What people read, on the page and at a terminal, for the values that programs read."""

from __future__ import annotations

import json

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
    "withheld": "on hold",
    "dry run": "dry run",
}
_PROBLEM_LABELS = {
    "adoption": "Partner id on an organization of another type",
    "name_circle": "Names swapped",
    "name_taken": "Name already in use",
    "name_waits": "Name not free yet",
}


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

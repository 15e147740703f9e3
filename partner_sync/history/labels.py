"""What people read, on the page and at a terminal, for the values that programs read."""

from __future__ import annotations

import json
from datetime import datetime

from partner_sync.history.organization_results import CurrentState
from partner_sync.model import Does, FieldCause, HoldReason, NotRestoredReason, Value

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
    "planning only": "planning only",
}
PLANNING_ONLY = "Planning only: nothing is written until someone starts a run without dry run"
HOLD_LABELS: dict[HoldReason, str] = {
    "no_trace": "no record in Salesforce",
    "rules": "caused by a changed config",
    "emptied": "would empty a field",
    "limit": "over the limit of a run",
    "budget": "over the limit of 7 days",
    "open_tickets": "open tickets",
}
"""Why changes are on hold."""
CAUSE_LABELS: dict[FieldCause, str] = {
    "salesforce": "changed in Salesforce",
    "zendesk": "edited in Zendesk",
    "both": "changed in Salesforce and edited in Zendesk",
    "set_back": "set back in Zendesk",
    "rules": "caused by a changed config",
}
"""Why a field changes."""
DECISION_LABELS: dict[Does, str] = {"allow": "approved", "leave": "left as they are", "restore": "undone"}
"""What a decision does with its rows."""
NOT_RESTORED_LABELS: dict[NotRestoredReason, str] = {
    "changed": "somebody else changed it since",
    "unwanted": "Salesforce wants another value by now",
    "identity": "it names the account, which is never undone",
    "no_account": "the organization has no account, another one, or a problem",
    "no_organization": "Zendesk does not list the organization",
    "not_mapped": "the config no longer has the field",
    "name_in_use": "the name is in use by now",
}
"""Why a field does not go back."""
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


def tickets_label(tickets: int | None, users: int | None) -> str:
    """What is known of an organization to mark: "2 open tickets, 1 user", or nothing."""
    known = ((tickets, "open ticket"), (users, "user"))
    return ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in known if count is not None)


def cause_label(cause: FieldCause | None) -> str:
    """Why a field changes, as it follows its values: " (edited in Zendesk)", or nothing."""
    return f" ({CAUSE_LABELS[cause]})" if cause else ""


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

"""What people read, on the page and at a terminal, for the values that programs read."""

from __future__ import annotations

import json
from datetime import datetime

from partner_sync.history.organization_results import CurrentState
from partner_sync.history.results import RunRow
from partner_sync.model import Does, FieldCause, Hold, HoldReason, Kind, NotRestoredReason, Value

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
    "left": "left as it is",
    "dry run": "dry run",
    "planning only": "planning only",
}
PLANNING_ONLY = "Planning only: nothing is written until someone starts a run without dry run"
RULE_LABELS: dict[str, str] = {
    "id_18": "as 18 characters",
    "id_15": "first 15 characters",
    "text": "as it is",
    "checkbox": "Yes or No by value",
    "dropdown": "option by value",
    "date": "as a date",
    "number": "as a number",
}
"""How the value of a Salesforce field is converted."""
HOLD_LABELS: dict[HoldReason, str] = {
    "no_trace": "no record in Salesforce",
    "rules": "caused by a changed config",
    "emptied": "would empty a field",
    "limit": "over the limit of a run",
    "budget": "over the limit of 7 days",
    "open_tickets": "open tickets",
}
"""Why changes are on hold."""
RESULT_LABELS = {**OUTCOME_LABELS, "withheld": "still on hold", "not the same": "no longer the same: not written"}
"""What became of approved rows."""
_DONE: dict[Kind, tuple[str, str]] = {
    "create": ("be created", "created"),
    "update": ("be updated", "updated"),
    "mark": ("be marked for deletion", "marked"),
}
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
    "mark": "a mark needs evidence, so undo never marks",
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


def hold_sentence(hold: Hold) -> str:
    """What would happen, and why it does not."""
    count = f"{hold.rows:,} organization{'' if hold.rows == 1 else 's'}"
    future, done = _DONE[hold.kind]
    if hold.reason == "limit" and hold.limit is not None:
        return f"{count} would {future}. The limit is {hold.limit:,} per run, so none were {done}."
    if hold.reason == "budget" and hold.limit is not None:
        return f"{count} would {future}. The limit is {hold.limit:,} within 7 days, so none were {done}."
    return hold.why


def run_label(run: RunRow) -> str:
    """What happened in a run, for people: "2,996 of 3,000 written, 4 rejected"."""
    planned = f"{run.to_write:,} change{'' if run.to_write == 1 else 's'} planned"
    if run.state == "running":
        return f"Running: {run.confirmed:,} of {run.to_write:,} written" if run.plan_id else "Running: reading"
    if run.state == "dry run":
        return f"Dry run: {planned}"
    if run.state == "planning only":
        return f"Planning only: {planned}"
    if run.cause in ("task", "unreadable") or run.plan_id is None:
        return "Failed"
    parts = [_written(run)] if run.to_write or not run.withheld else []
    parts += [
        f"{count:,} {OUTCOME_LABELS[name]}" for name, count in run.verdicts.items() if count and name != "confirmed"
    ]
    parts += [f"{run.withheld:,} on hold"] if run.withheld else []
    return ", ".join(parts)


def _written(run: RunRow) -> str:
    if not run.to_write:
        return "No changes"
    return f"{run.confirmed:,}{'' if run.confirmed == run.to_write else f' of {run.to_write:,}'} written"


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

"""How one run is asked to behave: the params of the DAG, checked before anything happens."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from partner_sync.config.validation import ACCOUNT_ID_ADVICE, shown, suggestion
from partner_sync.errors import ConfigError, Finding
from partner_sync.ids import id_18

T = TypeVar("T")

_ID = r"[0-9a-f]{12}"
_ACCOUNT = r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?"
_HOLD_PART = rf"{_ID}(:{_ACCOUNT})?"


def _list(pattern: str, title: str, description: str) -> Mapping[str, Any]:
    """The schema of a list of texts, empty by default."""
    items = {"type": "string", "pattern": pattern}
    return {"default": [], "type": ["array", "null"], "items": items, "title": title, "description": description}


PARAMS: Mapping[str, Mapping[str, Any]] = {
    "dry_run": {
        "default": False,
        "type": ["boolean", "null"],
        "title": "Dry run",
        "description": "Read, compare, show and archive the plan; write nothing.",
    },
    "account_ids": _list(
        rf"^\W*{_ACCOUNT}\W*$",
        "Only these accounts",
        "Salesforce ids, 15 or 18 characters, one per line. Everything is read as always; only changes"
        " of these accounts are written, marks included. Empty: all.",
    ),
    "approve": _list(
        rf"^\s*{_HOLD_PART}\s*$",
        "Approve holds",
        "Ids of holds, as the page and the failed task withheld show them, one per line. Writes these"
        " rows once although they are held, and no others. For one row: the hold, a colon, and the account id.",
    ),
    "leave": _list(
        rf"^\s*({_HOLD_PART}|problem:{_ID})\s*$",
        "Leave as they are",
        "Ids of holds, one per line: their rows are not written, and no longer on hold. For one row: the"
        " hold, a colon, and the account id. To acknowledge a problem: problem, a colon, and its id.",
    ),
    "undo": _list(
        r"^\s*\S+\s*$",
        "Undo runs",
        "Ids of runs, one per line. Fields that such a run wrote go back to the value before it, unless"
        " somebody has changed them since. For one organization: the run, a colon, and the account id.",
    ),
    "withdraw": _list(
        rf"^\s*{_ID}\s*$",
        "Withdraw decisions",
        "Ids of decisions, one per line, as the page and the command decisions show them. Ends an"
        " approval, a leave or an undo early, and lets a value that rests be written again.",
    ),
    "note": {
        "default": "",
        "type": ["string", "null"],
        "maxLength": 1000,
        "title": "Note",
        "description": "Why you decide so. The page shows it beside the decision.",
    },
    "full_read": {
        "default": False,
        "type": ["boolean", "null"],
        "title": "Full read",
        "description": "List all organizations of Zendesk, instead of reading what changed.",
    },
}
"""What the trigger form shows and Airflow checks, as JSON schema; `options` checks the rest, such as checksums.

Without "null" among its types the form of Airflow 3.3 shows a param as required, and refuses a list that was emptied.
"""


@dataclass(frozen=True, slots=True)
class HoldPart:
    """A hold, whole or for one account."""

    hold: str
    account_id: str | None = None

    def __str__(self) -> str:
        return self.hold if self.account_id is None else f"{self.hold}:{self.account_id}"


@dataclass(frozen=True, slots=True)
class NamedProblem:
    """A problem, by its id."""

    problem: str

    def __str__(self) -> str:
        return f"problem:{self.problem}"


@dataclass(frozen=True, slots=True)
class RunPart:
    """A run, whole or for one account."""

    run_id: str
    account_id: str | None = None

    def __str__(self) -> str:
        return self.run_id if self.account_id is None else f"{self.run_id}:{self.account_id}"


@dataclass(frozen=True)
class Options:
    """What a run is asked for. `dry_run` writes nothing; `account_ids`, if any, are the only accounts that are written.

    `approve`, `leave`, `undo` and `withdraw` are what a person decides, `note` is why. `full_read` lists all
    organizations, instead of reading what changed.
    """

    dry_run: bool = False
    account_ids: tuple[str, ...] = ()
    approve: tuple[HoldPart, ...] = ()
    leave: tuple[HoldPart | NamedProblem, ...] = ()
    undo: tuple[RunPart, ...] = ()
    withdraw: tuple[str, ...] = ()
    note: str = ""
    full_read: bool = False

    @property
    def deciding(self) -> tuple[str, ...]:
        """The params by which the run decides something."""
        decided = {"approve": self.approve, "leave": self.leave, "undo": self.undo, "withdraw": self.withdraw}
        return tuple(name for name, entries in decided.items() if entries)


def options(params: Mapping[str, object]) -> Options:
    """The options in a run's params; what is absent or None has its default.

    :raises ConfigError: with every error in it.
    """
    known = [one.name for one in fields(Options)]
    found = [Finding(key, "is not a param", suggestion(key, known)) for key in params if key not in known]
    asked = Options(
        dry_run=_truth(params, "dry_run", found),
        account_ids=_entries(params, "account_ids", _ACCOUNT_IDS, found),
        approve=_entries(params, "approve", _APPROVALS, found),
        leave=_entries(params, "leave", _LEAVES, found),
        undo=_entries(params, "undo", _RUNS, found),
        withdraw=_entries(params, "withdraw", _DECISIONS, found),
        note=_note(params.get("note"), found),
        full_read=_truth(params, "full_read", found),
    )
    if found:
        raise ConfigError("The run's conf", found)
    return asked


def _note(value: object, found: list[Finding]) -> str:
    if value is not None and not isinstance(value, str):
        found.append(Finding("note", f"is {shown(value)}, not a text", 'Write "as agreed with the account owners".'))
    return value.strip() if isinstance(value, str) else ""


def _truth(params: Mapping[str, object], key: str, found: list[Finding]) -> bool:
    value = params.get(key)
    if value is None or isinstance(value, bool):
        return bool(value)
    found.append(Finding(key, f"is {shown(value)}", "Write true or false."))
    return False


@dataclass(frozen=True)
class _Entry(Generic[T]):
    """How one entry of a list is read: `parse` returns None for what is not valid."""

    name: str
    parse: Callable[[str], T | None]
    example: str
    advice: str


def _entries(params: Mapping[str, object], key: str, entry: _Entry[T], found: list[Finding]) -> tuple[T, ...]:
    """The entries of a list, sorted, each once."""
    value = params.get(key)
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        found.append(Finding(key, f"is {shown(value)}, not a list", f'Write ["{entry.example}"].'))
        return ()
    parsed = set()
    for at, raw in enumerate(value, 1):
        one = entry.parse(raw.strip()) if isinstance(raw, str) else None
        if one is None:
            found.append(Finding(f"{entry.name} {at}", f"is not valid: {shown(raw)}", entry.advice))
        else:
            parsed.add(one)
    return tuple(sorted(parsed, key=str))


def _hold_part(text: str) -> HoldPart | None:
    hold, colon, account = text.partition(":")
    account_id = id_18(account)
    if not re.fullmatch(_ID, hold) or (colon and account_id is None):
        return None
    return HoldPart(hold, account_id)


def _left(text: str) -> HoldPart | NamedProblem | None:
    kind, _, problem = text.partition(":")
    if kind == "problem":
        return NamedProblem(problem) if re.fullmatch(_ID, problem) else None
    return _hold_part(text)


def _run_part(text: str) -> RunPart | None:
    """A run with or without an account. Run ids have colons themselves, so an account id is what the last one ends."""
    run, _, account = text.rpartition(":")
    if not run or not re.fullmatch(_ACCOUNT, account):
        return RunPart(text) if text and not re.search(r"\s", text) else None
    account_id = id_18(account)
    return None if account_id is None else RunPart(run, account_id)


def _decision(text: str) -> str | None:
    return text if re.fullmatch(_ID, text) else None


_COPY = "Copy the id of a hold from the page or from the failed task withheld."
_ACCOUNT_IDS = _Entry("Account ID", id_18, "0014M00001sDiGEQA0", ACCOUNT_ID_ADVICE)
_APPROVALS = _Entry("Approval", _hold_part, "3f2a91c0de12", _COPY)
_LEAVES: _Entry[HoldPart | NamedProblem] = _Entry(
    "Leave", _left, "3f2a91c0de12", f"{_COPY} For a problem, write problem:<id>."
)
_RUNS = _Entry("Undo", _run_part, "scheduled__2026-11-24T03:00:00+00:00", "Copy the id of a run from the page.")
_DECISIONS = _Entry("Withdrawal", _decision, "8c1f20aa73be", "Copy the id of a decision from the page.")

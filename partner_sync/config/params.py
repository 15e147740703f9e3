"""How one run is asked to behave: the params of the DAG, checked before anything happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from partner_sync.config.validation import ACCOUNT_ID_ADVICE, shown, suggestion
from partner_sync.errors import ConfigError, Finding
from partner_sync.ids import id_18
from partner_sync.model import KINDS

PARAMS: Mapping[str, Mapping[str, Any]] = {
    "dry_run": {
        "default": False,
        "type": ["boolean", "null"],
        "title": "Dry run",
        "description": "Read, compare, show and archive the plan; write nothing.",
    },
    "account_ids": {
        "default": [],
        "type": ["array", "null"],
        "items": {"type": "string", "pattern": r"^\W*[A-Za-z0-9]{15}([A-Za-z0-9]{3})?\W*$"},
        "title": "Only these accounts",
        "description": "Salesforce ids, 15 or 18 characters, one per line. Everything is read as always; only changes"
        " of these accounts are written, marks included. Empty: all.",
    },
    "allow_over_limit": {
        "default": {},
        "type": ["object", "null"],
        "properties": {kind: {"type": "integer", "minimum": 0} for kind in KINDS},
        "additionalProperties": False,
        "title": "Raise a limit for this run",
        "description": 'Kind of change to the most of it that this one run may write, for example {"mark": 120}.',
    },
}
"""What the trigger form shows and Airflow checks, as JSON schema; `options` checks the rest, such as checksums.

Without "null" among its types the form of Airflow 3.3 shows a param as required, and refuses a list that was emptied.
"""


@dataclass(frozen=True)
class Options:
    """`dry_run` writes nothing, `account_ids`, if any, nothing else; `allow_over_limit` maps a kind to its limit."""

    dry_run: bool = False
    account_ids: tuple[str, ...] = ()
    allow_over_limit: Mapping[str, int] = field(default_factory=dict)


def options(params: Mapping[str, object]) -> Options:
    """The options in a run's params; what is absent or None has its default.

    :raises ConfigError: with every error in it.
    """
    known = [one.name for one in fields(Options)]
    found = [Finding(key, "is not a param", suggestion(key, known)) for key in params if key not in known]
    asked = Options(
        dry_run=_dry_run(params.get("dry_run"), found),
        account_ids=_account_ids(params.get("account_ids"), found),
        allow_over_limit=_allow_over_limit(params.get("allow_over_limit"), found),
    )
    if found:
        raise ConfigError("The run's conf", found)
    return asked


def _dry_run(value: object, found: list[Finding]) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    found.append(Finding("dry_run", f"is {shown(value)}", "Write true or false."))
    return False


def _account_ids(value: object, found: list[Finding]) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        found.append(Finding("account_ids", f"is {shown(value)}, not a list", 'Write ["0014M00001sDiGEQA0"].'))
        return ()
    ids = set()
    for at, raw in enumerate(value, 1):
        account_id = id_18(raw)
        if account_id is None:
            found.append(Finding(f"Account ID {at}", f"is not valid: {shown(raw)}", ACCOUNT_ID_ADVICE))
        else:
            ids.add(account_id)
    return tuple(sorted(ids))


def _allow_over_limit(value: object, found: list[Finding]) -> dict[str, int]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        found.append(Finding("allow_over_limit", f"is {shown(value)}, not a table", 'Write {"mark": 120}.'))
        return {}
    allowed: dict[str, int] = {}
    for kind, count in value.items():
        key = f"allow_over_limit.{kind}"
        if kind not in KINDS:
            found.append(Finding(key, "is not a kind of change", suggestion(str(kind), KINDS)))
        elif isinstance(count, bool) or not isinstance(count, int) or count < 0:
            found.append(Finding(key, f"is {shown(count)}", "Write the number of changes that this run may make."))
        else:
            allowed[kind] = count
    return allowed

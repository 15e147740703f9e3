"""How one run is asked to behave: the params of the DAG, checked before anything happens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from partner_sync.config.validation import ACCOUNT_ID_ADVICE, shown, suggestion
from partner_sync.errors import ConfigError, Finding
from partner_sync.ids import id_18

_HOLD = re.compile(r"[0-9a-f]{12}")

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
    "approve": {
        "default": [],
        "type": ["array", "null"],
        "items": {"type": "string", "pattern": r"^\s*[0-9a-f]{12}(:[A-Za-z0-9]{15}([A-Za-z0-9]{3})?)?\s*$"},
        "title": "Approve holds",
        "description": "Ids of holds, as the page and the failed task withheld show them, one per line. Writes these"
        " rows once although they are held, and no others. For one row: the hold, a colon, and the account id.",
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
class Approval:
    """A hold that a run approves, whole or for one account."""

    hold: str
    account_id: str | None = None

    def __str__(self) -> str:
        return self.hold if self.account_id is None else f"{self.hold}:{self.account_id}"


@dataclass(frozen=True)
class Options:
    """`dry_run` writes nothing, `account_ids`, if any, nothing else; `approve` are holds to write although held.

    `full_read` lists all organizations, instead of reading what changed.
    """

    dry_run: bool = False
    account_ids: tuple[str, ...] = ()
    approve: tuple[Approval, ...] = ()
    full_read: bool = False


def options(params: Mapping[str, object]) -> Options:
    """The options in a run's params; what is absent or None has its default.

    :raises ConfigError: with every error in it.
    """
    known = [one.name for one in fields(Options)]
    found = [Finding(key, "is not a param", suggestion(key, known)) for key in params if key not in known]
    asked = Options(
        dry_run=_truth(params, "dry_run", found),
        account_ids=_account_ids(params.get("account_ids"), found),
        approve=_approve(params.get("approve"), found),
        full_read=_truth(params, "full_read", found),
    )
    if found:
        raise ConfigError("The run's conf", found)
    return asked


def _truth(params: Mapping[str, object], key: str, found: list[Finding]) -> bool:
    value = params.get(key)
    if value is None or isinstance(value, bool):
        return bool(value)
    found.append(Finding(key, f"is {shown(value)}", "Write true or false."))
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


def _approve(value: object, found: list[Finding]) -> tuple[Approval, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        found.append(Finding("approve", f"is {shown(value)}, not a list", 'Write ["3f2a91c0de12"].'))
        return ()
    approvals = set()
    for at, raw in enumerate(value, 1):
        hold, _, account = raw.strip().partition(":") if isinstance(raw, str) else ("", "", "")
        account_id = id_18(account) if account else None
        if not _HOLD.fullmatch(hold) or (isinstance(raw, str) and ":" in raw and account_id is None):
            advice = "Copy the id of a hold from the page or from the failed task withheld."
            found.append(Finding(f"Approval {at}", f"is not valid: {shown(raw)}", advice))
        else:
            approvals.add(Approval(hold, account_id))
    return tuple(sorted(approvals, key=str))

"""What Salesforce reports about accounts that the query did not return: the evidence that a mark needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from partner_sync.compare.canonical import text_value
from partner_sync.compare.soql import IS_DELETED, MASTER_ID
from partner_sync.config.load import Config
from partner_sync.ids import id_18
from partner_sync.model import Evidence, Value

AccountRow = Mapping[str, object]


@dataclass(frozen=True)
class AccountLookup:
    """The lookup of accounts by id, deleted ones included. `asked` are the ids, `found` a row for those with a record,
    `passing` the ids that the query's own condition returns when it is asked once more."""

    asked: frozenset[str] = frozenset()
    found: Mapping[str, AccountRow] = field(default_factory=dict)
    passing: frozenset[str] = frozenset()


def evidence_of(
    config: Config,
    account_id: str,
    lookup: AccountLookup,
    *,
    before: Evidence | None,
    last: AccountRow | None,
    now: datetime,
) -> Evidence:
    """The evidence on an account that was asked about.

    :param before: what an earlier run found; it stays true for a record that is gone since
    :param last: the account's row in the last snapshot, for the value that a field of the filter had
    """
    row = lookup.found.get(account_id)
    if row is None:
        known = before is not None and before.kind in ("merged", "deleted")
        return before if known and before is not None else Evidence(account_id, "no_record", now)
    if row.get(IS_DELETED) is True:
        winner = id_18(row.get(MASTER_ID))
        if winner is not None:
            return Evidence(account_id, "merged", _since(before, "merged", now), merged_into=winner)
        if before is not None and before.kind == "merged":
            return before
        return Evidence(account_id, "deleted", _since(before, "deleted", now))
    if account_id not in lookup.passing:
        for name, wanted in config.accounts.filter.items():
            if not passes_filter(row.get(name), wanted):
                found = _value(row.get(name))
                if before is not None and (before.kind, before.field, before.found) == ("filtered", name, found):
                    return before  # the last snapshot with the account is older than the last run
                was = _value((last or {}).get(name))
                return Evidence(account_id, "filtered", now, field=name, before=was, found=found)
    return Evidence(account_id, "listed", now)


def shown_evidence(evidence: Evidence, winner_organization: int | None = None) -> str:
    """The evidence in words, as a reason."""
    if evidence.kind == "merged":
        into = evidence.merged_into or "another account"
        whose = f", whose organization is {winner_organization}" if winner_organization else ""
        return f"merged into {into}{whose}"
    if evidence.kind == "deleted":
        return f"deleted in Salesforce, seen {evidence.seen.day} {evidence.seen:%b}"
    if evidence.kind == "filtered":
        before = evidence.before if evidence.before != evidence.found else None  # the filter changed, not the account
        was = f"{_shown(before)} -> " if before is not None else ""
        return f"{evidence.field}: {was}{_shown(evidence.found)}"
    if evidence.kind == "no_record":
        return "Salesforce shows this user no record"
    return "the query did not return the account, but a lookup does"


def _since(before: Evidence | None, kind: str, now: datetime) -> datetime:
    return before.seen if before is not None and before.kind == kind else now


def passes_filter(raw: object, wanted: str | tuple[str, ...]) -> bool:
    """Whether a value passes a line of the filter. SOQL ignores the case of text."""
    return str(text_value(raw) or "").casefold() in folded_values(wanted)


def folded_values(wanted: str | tuple[str, ...]) -> set[str]:
    """The values of a line of the filter, without their case."""
    return {one.casefold() for one in ((wanted,) if isinstance(wanted, str) else wanted)}


def _value(raw: object) -> Value:
    return raw if raw is None or isinstance(raw, str | bool | int | float) else str(raw)


def _shown(value: Value) -> str:
    return "empty" if value is None else str(value)

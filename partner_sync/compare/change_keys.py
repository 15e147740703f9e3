"""Names changes by what they do: a decision about a row holds for this value in this field, and for nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from partner_sync.model import Change, FieldChange

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def change_keys(change: Change) -> tuple[str, ...]:
    """The keys of a row, one per field that it changes, sorted: 16 hex digits of the SHA-256 over canonical JSON.

    Names and reasons are not part of a key, so a row keeps its keys as long as it would write the same.
    """
    row = _row(change.instance, change.organization_id, change.account_id)
    return tuple(sorted(_field(row, one.field, one.before, one.after) for one in change.fields))


def field_key(change: Change, field: FieldChange) -> str:
    """The key of one field of a change."""
    row = _row(change.instance, change.organization_id, change.account_id)
    return _field(row, field.field, field.before, field.after)


def mark_keys(instance: str, organization_id: int, account_id: str, mark_field: str) -> tuple[str, ...]:
    """The keys of a mark, planned or not."""
    return (_field(_row(instance, organization_id, account_id), mark_field, False, True),)


def hold_id(reason: str, keys: Iterable[str]) -> str:
    """The id of a hold, 12 hex digits: the same rows held for the same reason are the same hold in every run."""
    return _digest([reason, sorted(keys)], 12)


def problem_id(kind: str, instance: str | None, accounts: Iterable[str], organizations: Iterable[int]) -> str:
    """The id of a problem, 12 hex digits: one of this kind about these ids is the same problem in every run."""
    return _digest([kind, instance, sorted(accounts), sorted(organizations)], 12)


def decision_id(run_id: str, param: str, keys: Iterable[str]) -> str:
    """The id of a decision, 12 hex digits: a cleared run makes the same decision again, not another."""
    return _digest([run_id, param, sorted(keys)], 12)


def field_digest(*definitions: object) -> str:
    """Names a field as it is defined, 12 hex digits; the definitions are data of JSON, their keys in any order."""
    return _digest(json.loads(json.dumps(definitions, sort_keys=True)), 12)


def _digest(value: object, digits: int) -> str:
    return hashlib.sha256(_bytes(value)).hexdigest()[:digits]


def _row(*ids: object) -> hashlib._Hash:
    """The hash of what all fields of a row begin with: 100,000 rows have a million keys."""
    return hashlib.sha256(_bytes(ids)[:-1] + b",")


def _field(row: hashlib._Hash, *value: object) -> str:
    found = row.copy()
    found.update(_bytes(value)[1:])
    return found.hexdigest()[:16]


def _bytes(value: object) -> bytes:
    return _encode(value).encode("utf-8", "surrogatepass")

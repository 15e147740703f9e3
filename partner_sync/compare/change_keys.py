"""Names changes by what they do: a decision about a row holds for this value in this field, and for nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from partner_sync.model import Change, FieldChange


def change_keys(change: Change) -> tuple[str, ...]:
    """The keys of a row, one per field that it changes, sorted: 16 hex digits of the SHA-256 over canonical JSON.

    Names and reasons are not part of a key, so a row keeps its keys as long as it would write the same.
    """
    return tuple(sorted(field_key(change, one) for one in change.fields))


def field_key(change: Change, field: FieldChange) -> str:
    """The key of one field of a change."""
    ids = (change.instance, change.organization_id, change.account_id)
    return _digest([*ids, field.field, field.before, field.after], 16)


def mark_keys(instance: str, organization_id: int, account_id: str, mark_field: str) -> tuple[str, ...]:
    """The keys of a mark, planned or not."""
    return (_digest([instance, organization_id, account_id, mark_field, False, True], 16),)


def hold_id(reason: str, keys: Iterable[str]) -> str:
    """The id of a hold, 12 hex digits: the same rows held for the same reason are the same hold in every run."""
    return _digest([reason, sorted(keys)], 12)


def decision_id(run_id: str, param: str, keys: Iterable[str]) -> str:
    """The id of a decision, 12 hex digits: a cleared run makes the same decision again, not another."""
    return _digest([run_id, param, sorted(keys)], 12)


def _digest(value: object, digits: int) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]

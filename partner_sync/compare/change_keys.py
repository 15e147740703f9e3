"""Names changes by what they do: a decision about a row holds for this value in this field, and for nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from partner_sync.model import Change


def change_keys(change: Change) -> tuple[str, ...]:
    """The keys of a row, one per field that it changes, sorted: 16 hex digits of the SHA-256 over canonical JSON.

    Names and reasons are not part of a key, so a row keeps its keys as long as it would write the same.
    """
    ids = (change.instance, change.organization_id, change.account_id)
    return tuple(sorted(_digest([*ids, one.field, one.before, one.after], 16) for one in change.fields))


def hold_id(reason: str, keys: Iterable[str]) -> str:
    """The id of a hold, 12 hex digits: the same rows held for the same reason are the same hold in every run."""
    return _digest([reason, sorted(keys)], 12)


def decision_id(run_id: str, param: str, keys: Iterable[str]) -> str:
    """The id of a decision, 12 hex digits: a cleared run makes the same decision again, not another."""
    return _digest([run_id, param, sorted(keys)], 12)


def _digest(value: object, digits: int) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]

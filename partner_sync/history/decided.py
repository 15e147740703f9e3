"""Queries about decisions, as the archive has them."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from partner_sync.archive.memory_records import Decision, Taken, Withdrawal
from partner_sync.history.decision_results import DecisionRow, DecisionState
from partner_sync.history.kept import kept_objects


def decision_rows(db: sqlite3.Connection, now: datetime) -> tuple[DecisionRow, ...]:
    """Every decision, the newest first."""
    withdrawn = {
        name.split(".")[0]: one for name, one in kept_objects(db, "decisions", Withdrawal, ".withdrawn.json")
    }
    taken: dict[str, set[str]] = {}
    for name, one in kept_objects(db, "decisions", Taken):
        if ".taken." in name:
            taken.setdefault(one.decision, set()).update(one.keys)
    found = []
    for name, decision in kept_objects(db, "decisions", Decision):
        if name.count(".") == 1:
            end = withdrawn.get(decision.id)
            state = _state(decision, end, taken.get(decision.id, set()), now)
            found.append(DecisionRow(decision, state, end.by if end else None, end.at if end else None))
    return tuple(sorted(found, key=lambda one: (one.decision.at, one.decision.id), reverse=True))


def _state(decision: Decision, end: Withdrawal | None, taken: set[str], now: datetime) -> DecisionState:
    if taken.issuperset(decision.keys):
        return "used"
    if end is not None:
        return "withdrawn"
    return "expired" if now > decision.until else "in force"

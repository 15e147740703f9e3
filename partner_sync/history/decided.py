"""Queries about decisions: what people decided, and what of it is in force."""

from __future__ import annotations

import sqlite3
from collections.abc import Set
from datetime import datetime
from typing import TypeVar

from partner_sync.archive.memory_records import Decision, EndedKeys, Taken, Withdrawal
from partner_sync.history.decision_results import DecidedRow, DecisionRow, DecisionState
from partner_sync.history.kept import kept_objects

_Mark = TypeVar("_Mark")
FIRST_ROWS = 3
"""How many rows of a decision are named."""


def decision_rows(db: sqlite3.Connection, now: datetime) -> tuple[DecisionRow, ...]:
    """Every decision, the newest first."""
    withdrawn = dict(_marks(db, "withdrawn", Withdrawal))
    over: dict[str, set[str]] = {}
    taken: dict[str, set[str]] = {}
    for decision_id, ended in _marks(db, "ended", EndedKeys):
        over.setdefault(decision_id, set()).update(ended.keys)
    for decision_id, use in _marks(db, "taken", Taken):
        taken.setdefault(decision_id, set()).update(use.keys)
    found = []
    for name, decision in kept_objects(db, "decisions", Decision):
        if name.count(".") == 1:
            end, used = withdrawn.get(decision.id), taken.get(decision.id, set())
            state = _state(decision, end is not None, used, over.get(decision.id, set()), now)
            found.append(
                DecisionRow(decision, state, _rows(db, decision), end.by if end else None, end.at if end else None)
            )
    return tuple(sorted(found, key=lambda one: (one.decision.at, one.decision.id), reverse=True))


def _marks(db: sqlite3.Connection, mark: str, cls: type[_Mark]) -> list[tuple[str, _Mark]]:
    """What is noted beside decisions, by the id of the decision."""
    found = kept_objects(db, "decisions", cls, mark=f".{mark}.")
    return [(name.split(".")[0], one) for name, one in found]


def _state(decision: Decision, withdrawn: bool, taken: Set[str], over: Set[str], now: datetime) -> DecisionState:
    keys = set(decision.keys)
    if decision.does == "allow" and keys and keys <= taken:
        return "used"
    if withdrawn:
        return "withdrawn"
    if decision.until is not None and now > decision.until:
        return "expired"
    return "ended" if keys and keys <= taken | over else "in force"


def _rows(db: sqlite3.Connection, decision: Decision) -> tuple[DecidedRow, ...]:
    return tuple(
        DecidedRow(row.account_id, row.organization_id, newest_name(db, decision.instance, row.account_id))
        for row in decision.rows[:FIRST_ROWS]
    )


def newest_name(db: sqlite3.Connection, instance: str, account_id: str) -> str:
    """The newest name that an account was seen with; empty if it is not known."""
    row = db.execute(
        "SELECT name FROM subject WHERE account_id = ? AND instance = ? AND name != '' ORDER BY at DESC LIMIT 1",
        [account_id, instance],
    ).fetchone()
    return row["name"] if row is not None else ""

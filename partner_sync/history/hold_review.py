"""The query behind the review of a hold: its rows with evidence, and what was decided and became of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from partner_sync.compare.change_keys import change_keys
from partner_sync.config.limits import Approvals
from partner_sync.config.load import load
from partner_sync.errors import ConfigError
from partner_sync.history.changes import change_row
from partner_sync.history.decided import decision_rows
from partner_sync.history.decision_results import DecisionRow, HoldReview, ReviewResult, ReviewRow
from partner_sync.history.kept import newest_memory
from partner_sync.history.objects import Objects
from partner_sync.history.problems import withheld_rows
from partner_sync.history.results import ChangeRow
from partner_sync.history.run_summary import run_record
from partner_sync.history.runs import links_of_run, run_rows
from partner_sync.model import Hold, Update

LISTED = 500
"""How many rows of a hold are listed. Rows that are not listed can be decided with all others only."""


def hold_review(db: sqlite3.Connection, objects: Objects, hold_id: str, now: datetime) -> HoldReview | None:
    """The review of a hold; None if no run of the archive has it."""
    newest = db.execute(
        "SELECT r.*, p.id AS plan, p.plan_id AS held_in FROM change c JOIN plan p ON p.id = c.plan"
        " JOIN run r ON r.id = p.run WHERE c.hold = ? ORDER BY p.dry_run, c.begun DESC LIMIT 1",
        [hold_id],
    ).fetchone()
    shown = next((one for one in withheld_rows(db, newest) if one.item.id == hold_id), None) if newest else None
    if newest is None or shown is None:
        return None
    hold, links = shown.item, links_of_run(db, newest)
    found = db.execute(
        "SELECT * FROM change WHERE plan = ? AND hold = ? ORDER BY n LIMIT ?", [newest["plan"], hold_id, LISTED]
    )
    changes = [change_row(row, newest["run_id"], newest["held_in"], links) for row in found]
    decisions = decision_rows(db, now)
    by_key: dict[str, DecisionRow] = {}
    for one in reversed(decisions):  # the newest decision of a row counts
        by_key |= dict.fromkeys(one.decision.keys, one)
    memory = newest_memory(db, hold.instance)
    missing = {one.organization_id: one.since for one in memory.missing} if memory else {}
    keys = [change_keys(_planned(change)) for change in changes]
    rows = tuple(
        _row(db, change, missing.get(change.organization_id or 0), [by_key.get(key) for key in own])
        for change, own in zip(changes, keys, strict=True)
    )
    [runs] = db.execute(
        "SELECT count(DISTINCT p.run) FROM change c JOIN plan p ON p.id = c.plan WHERE c.hold = ?", [hold_id]
    ).fetchone()
    listed = {key for own in keys for key in own}
    current = _current(db, hold)
    return HoldReview(
        hold=hold,
        run=run_rows(db, [newest])[0],
        unusual=shown.unusual,
        current=hold_id in current,
        successor=next((one for one in current if hold_id not in current), None),
        runs=runs,
        rows=rows,
        more=hold.rows - len(rows),
        decisions=tuple(one for one in decisions if not listed.isdisjoint(one.decision.keys)),
        approvals=_approvals(db, objects),
    )


def _approvals(db: sqlite3.Connection, objects: Objects) -> Approvals | None:
    """The table `[approvals]` of the newest config: the one of the run that would record an approval now, unless the
    file was edited since."""
    newest = db.execute("SELECT * FROM run WHERE header IS NOT NULL ORDER BY begun DESC LIMIT 1").fetchone()
    record = run_record(newest) if newest is not None else None
    if record is None:
        return None
    [(path, text)] = objects.texts([f"configs/{record.plan.config_digest}.toml"])
    try:
        return load(text, path).approvals if isinstance(text, str) else None
    except ConfigError:  # of another release
        return None


def _current(db: sqlite3.Connection, hold: Hold) -> list[str]:
    """The holds of the same instance, kind and reason in the newest complete plan."""
    row = db.execute("SELECT * FROM run WHERE whole ORDER BY begun DESC LIMIT 1").fetchone()
    record = run_record(row) if row is not None else None
    same = (hold.instance, hold.kind, hold.reason)
    holds = record.plan.holds if record is not None else ()
    return [one.id for one in holds if (one.instance, one.kind, one.reason) == same]


def _row(
    db: sqlite3.Connection, change: ChangeRow, missing_since: datetime | None, decided: Sequence[DecisionRow | None]
) -> ReviewRow:
    decision = decided[0] if decided and len(set(decided)) == 1 else None
    if decision is None or decision.decision.does != "allow":
        return ReviewRow(change, missing_since, decision, None, None)
    result, later = _result(db, change, decision)
    return ReviewRow(change, missing_since, decision, result, later)


def _planned(row: ChangeRow) -> Update:
    """The row as its keys see it: they do not depend on its kind."""
    number: int = row.organization_id  # type: ignore[assignment]  # None for a create, and so it is in its keys
    return Update(row.instance, row.account_id, number, row.name, row.fields, row.reason)


def _result(db: sqlite3.Connection, change: ChangeRow, row: DecisionRow) -> tuple[ReviewResult, ChangeRow | None]:
    """What became of an approved row: the newest plan since the approval shows it."""
    since = row.decision.at.timestamp()
    found = db.execute(
        "SELECT c.*, p.plan_id, r.run_id FROM change c JOIN plan p ON p.id = c.plan JOIN run r ON r.id = p.run"
        " WHERE c.account_id = ? AND c.instance = ? AND c.kind = ? AND c.begun >= ? AND NOT p.dry_run"
        " AND (c.organization_id IS ? OR c.kind = 'create')"
        " ORDER BY c.outcome = 'confirmed' DESC, c.begun DESC LIMIT 1",
        [change.account_id, change.instance, change.kind, since, change.organization_id],
    ).fetchone()
    if found is not None:
        later = change_row(found, found["run_id"], found["plan_id"], links_of_run(db))
        return later.outcome, later
    planned = db.execute(
        "SELECT 1 FROM run WHERE begun >= ? AND plan_id IS NOT NULL AND NOT dry_run LIMIT 1", [since]
    ).fetchone()
    return ("not the same" if planned else "waiting"), None

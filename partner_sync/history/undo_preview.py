"""The query behind undo: which fields of a run can go back, and which were changed since."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime

from partner_sync.history.decided import decision_rows
from partner_sync.history.decision_results import ChangedSince, UndoPreview
from partner_sync.history.lists import confirmed_since
from partner_sync.history.runs import run_rows
from partner_sync.model import Value

WRITTEN_BY = (
    "SELECT c.* FROM change c JOIN plan p ON p.id = c.plan WHERE p.run = ? AND c.outcome = 'confirmed' AND c.written"
    " AND (? IS NULL OR c.account_id = ?) ORDER BY p.made, c.n"
)


def undo_preview(db: sqlite3.Connection, run: sqlite3.Row, account_id: str | None, now: datetime) -> UndoPreview:
    """What undo of a run, or of one account in it, would do."""
    rows = db.execute(WRITTEN_BY, [run["id"], account_id, account_id]).fetchall()
    fields = back = creates = 0
    organizations: set[object] = set()
    changed: list[ChangedSince] = []
    for row in rows:
        if row["kind"] == "create":
            creates += 1
            continue
        current = _current(db, row)
        for field, before, wrote, *_ in json.loads(row["fields"]):
            value = current.get(field, wrote)
            if value == wrote:
                fields += 1
                organizations.add((row["instance"], row["organization_id"]))
            elif value == before:
                back += 1
            else:
                changed.append(ChangedSince(row["account_id"], row["name"], field, wrote, value))
    undone = next(
        (
            one
            for one in decision_rows(db, now)
            if one.decision.undoes == run["run_id"]
            and one.state == "in force"
            and (account_id is None or any(row.account_id == account_id for row in one.decision.rows))
        ),
        None,
    )
    shown = run_rows(db, [run])[0]
    return UndoPreview(shown, account_id, fields, len(organizations), back, tuple(changed), creates, undone)


def _current(db: sqlite3.Connection, change: sqlite3.Row) -> dict[str, Value]:
    """What Zendesk shows, as far as it is known: the last read and what was confirmed since."""
    read = db.execute(
        "SELECT t.existing, t.organization_id, t.instance, l.fields, l.begun FROM partner t JOIN last_read l"
        " ON l.instance = t.instance WHERE t.organization_id = ? AND t.instance = ? AND t.existing IS NOT NULL",
        [change["organization_id"], change["instance"]],
    ).fetchone()
    if read is None:
        return {}
    current: dict[str, Value] = dict(zip(json.loads(read["fields"]), json.loads(read["existing"]), strict=True))
    for later in confirmed_since(db, read, read["begun"]):
        current |= {field: after for field, _, after, *_ in json.loads(later["fields"])}
    return current

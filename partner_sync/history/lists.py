"""The rows behind the overview's numbers: recent writes, and partners."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from partner_sync.history.changes import change_row
from partner_sync.history.links import VendorLinks
from partner_sync.history.results import ChangeRow, ResultPage
from partner_sync.history.run_summary import EDITED
from partner_sync.history.runs import page_of
from partner_sync.model import EXTERNAL_ID, NAME

ROWS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """A partner at the last read and what was confirmed since. `differs`: it does not match its account.
    `without_account`: no account that was read has its id."""

    instance: str
    account_id: str | None
    organization_id: int | None
    name: str
    marked: bool
    differs: bool
    without_account: bool


def field_titles(db: sqlite3.Connection) -> dict[str, str]:
    """The names of fields in Zendesk, by key, where an instance has one. Attributes have none there."""
    found = {NAME: "Name", EXTERNAL_ID: "External ID"}
    for row in db.execute("SELECT titles FROM last_read ORDER BY instance"):
        found = {key: title for key, title in json.loads(row["titles"]).items() if title} | found
    return found


def field_sources(db: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    """The Salesforce field and the rule that a field comes from, by key."""
    row = db.execute("SELECT sources FROM last_read ORDER BY begun DESC LIMIT 1").fetchone()
    return {key: (source, rule) for key, (source, rule) in json.loads(row["sources"]).items()} if row else {}


def recent_changes(
    db: sqlite3.Connection,
    links: VendorLinks,
    since: datetime,
    *,
    kind: str | None = None,
    field: str | None = None,
    instance: str | None = None,
    edited: bool = False,
    page: int = 1,
) -> ResultPage[ChangeRow]:
    """Confirmed writes since `since`, the newest first: exactly what the overview counts.

    With `edited`, only those that wrote over an edit in Zendesk: of `field`, or of any.
    """
    source = (
        " FROM run r JOIN plan p ON p.run = r.id JOIN change c ON c.plan = p.id WHERE r.begun >= ?"  # noqa: S608 - ours
        " AND c.outcome = 'confirmed' AND c.written AND (? IS NULL OR c.kind = ?) AND (? IS NULL OR c.instance = ?)"
        " AND (? IS NULL OR instr(c.field_names, ?) > 0) AND (NOT ? OR EXISTS (SELECT 1 FROM json_each(c.fields) f"
        f" WHERE json_extract(f.value, '$[0]') = coalesce(?, json_extract(f.value, '$[0]')) AND {EDITED}))"
    )
    values = [since.timestamp(), kind, kind, instance, instance, field, f"|{field}|", edited, field]
    [total] = db.execute(f"SELECT count(*){source}", values).fetchone()
    page, pages = page_of(total, page, ROWS_SHOWN)
    found = db.execute(
        f"SELECT c.*, p.plan_id, r.run_id{source} ORDER BY r.begun DESC, c.n LIMIT ? OFFSET ?",
        [*values, ROWS_SHOWN, (page - 1) * ROWS_SHOWN],
    )
    rows = tuple(change_row(row, row["run_id"], row["plan_id"], links) for row in found)
    return ResultPage(rows, total, page, pages)


def partners_page(
    db: sqlite3.Connection, *, type_name: str | None = None, instance: str | None = None, page: int = 1
) -> ResultPage[PartnerRow]:
    """Partner organizations, all or of a type, as of the last read."""
    source = (
        " FROM partner WHERE existing IS NOT NULL AND (? IS NULL OR instance = ?)"
        " AND (? IS NULL OR EXISTS (SELECT 1 FROM json_each(existing) WHERE value = ?))"
    )
    values = [instance, instance, type_name, type_name]
    [total] = db.execute(f"SELECT count(*){source}", values).fetchone()
    page, pages = page_of(total, page, ROWS_SHOWN)
    found = db.execute(
        f"SELECT *{source} ORDER BY name COLLATE NOCASE, account_id, instance LIMIT ? OFFSET ?",
        [*values, ROWS_SHOWN, (page - 1) * ROWS_SHOWN],
    )
    reads = {row["instance"]: row for row in db.execute("SELECT * FROM last_read")}
    return ResultPage(tuple(_partner(db, row, reads[row["instance"]]) for row in found), total, page, pages)


def _partner(db: sqlite3.Connection, row: sqlite3.Row, read: sqlite3.Row) -> PartnerRow:
    names = json.loads(read["fields"])
    existing = dict(zip(names, json.loads(row["existing"]), strict=True))
    desired = dict(zip(names, json.loads(row["desired"]), strict=True)) if row["desired"] else None
    marked = bool(row["marked"])
    if existing != desired:
        for change in confirmed_since(db, row, read["begun"]):
            existing |= {field: after for field, _, after, *_ in json.loads(change["fields"]) if field in existing}
            marked = marked or change["kind"] == "mark"
    differs = desired is not None and existing != desired
    numbers = row["account_id"] or None, row["organization_id"] or None
    return PartnerRow(row["instance"], *numbers, row["name"], marked, differs, desired is None)


def confirmed_since(db: sqlite3.Connection, row: sqlite3.Row, begun: float) -> list[sqlite3.Row]:
    """What was confirmed of an organization in the run that read it last, or since, the oldest first."""
    return db.execute(
        "SELECT kind, fields FROM change WHERE organization_id = ? AND instance = ? AND begun >= ?"
        " AND outcome = 'confirmed' ORDER BY begun, n",
        [row["organization_id"], row["instance"], begun],
    ).fetchall()

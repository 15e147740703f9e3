"""The query for one change: all its tries, which only the archive has, and what concerns it in the run.

A module of its own: it combines changes, organizations, problems and runs, which do not import each other.
"""

from __future__ import annotations

import sqlite3

from partner_sync.archive.archive import segment
from partner_sync.archive.records import RowVerdict
from partner_sync.errors import SnapshotError
from partner_sync.history import organization, parsing, problems, runs
from partner_sync.history.changes import change_row
from partner_sync.history.objects import Objects
from partner_sync.history.organization_results import ChangeDetail
from partner_sync.history.results import ChangeRow, Unreadable
from partner_sync.history.run_summary import run_failures


def change_detail(
    db: sqlite3.Connection, objects: Objects, run: sqlite3.Row, plan: sqlite3.Row, n: int
) -> ChangeDetail | None:
    """The change with the number `n` of a plan; None if there is none."""
    if n.bit_length() > 63:
        return None
    one = db.execute("SELECT * FROM change WHERE plan = ? AND n = ?", [plan["id"], n]).fetchone()
    if one is None:
        return None
    links = runs.links_of_run(db, run)
    row = change_row(one, run["run_id"], plan["plan_id"], links)
    subjects = [row.account_id, *([str(row.organization_id)] if row.organization_id else [])]
    tries, unreadable = _tries(db, objects, run["folder"], row)
    stories = organization.account_histories(db, row.account_id, links)
    return ChangeDetail(
        row=row,
        run=runs.run_rows(db, [run])[0],
        tries=tries,
        problems=problems.run_problems(db, run, links, instance=row.instance, subjects=subjects),
        failures=tuple(one for one in run_failures(run) if one.batch == row.batch and row.batch is not None),
        story=next((story for story in stories if story.instance == row.instance), None),
        unreadable=unreadable,
    )


def _tries(
    db: sqlite3.Connection, objects: Objects, folder: str, row: ChangeRow
) -> tuple[tuple[RowVerdict, ...], tuple[Unreadable, ...]]:
    """Every verdict of a change, by time: the index keeps the newest, the archive has them all."""
    if row.batch is None:
        return (), ()
    prefix = f"{folder}/{segment(row.plan_id)}/verdicts/{segment(row.batch)}."
    paths = [
        one["path"]
        for one in db.execute("SELECT path FROM object WHERE path > ? AND path < ?", [prefix, prefix[:-1] + "/"])
    ]
    found: list[RowVerdict] = []
    unreadable = []
    for path, text in objects.texts(paths):
        try:
            found += [
                one for one in parsing.parse_verdicts(parsing.readable_text(text, path), path) if _is_of(one, row)
            ]
        except SnapshotError as error:
            unreadable.append(Unreadable(path, str(error)))
    return tuple(sorted(found, key=lambda one: one.at)), tuple(unreadable)


def _is_of(one: RowVerdict, row: ChangeRow) -> bool:
    same = (one.kind, one.instance, one.account_id) == (row.kind, row.instance, row.account_id)
    return same and (row.kind == "create" or one.organization_id == row.organization_id)

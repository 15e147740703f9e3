"""Queries about problems and about changes on hold."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from partner_sync.history.links import VendorLinks
from partner_sync.history.results import ProblemRow, WithheldRow
from partner_sync.history.run_summary import WRITTEN, run_record, utc_time
from partner_sync.model import HOLD_REASONS, Hold

DAY_SECONDS = 86400
"""A problem is new for a day."""
LOOKED_BACK = 10
"""How many earlier runs show what is usual."""


def problem_count(db: sqlite3.Connection, run: sqlite3.Row, instance: str | None) -> int:
    """How many problems a run has; those of Salesforce alone count for every instance."""
    if run["problem_set"] is None:
        return 0
    if instance is None:
        [count] = db.execute("SELECT count FROM problem_set WHERE id = ?", [run["problem_set"]]).fetchone()
    else:
        [count] = db.execute(
            "SELECT count(*) FROM problem_in i JOIN problem p ON p.id = i.problem"
            " WHERE i.problem_set = ? AND (p.instance IS NULL OR p.instance = ?)",
            [run["problem_set"], instance],
        ).fetchone()
    return int(count)


def problems_new(db: sqlite3.Connection, run: sqlite3.Row) -> set[int]:
    """The problems of a run that the last run with a plan a day earlier, or the first, did not have."""
    if run["problem_set"] is None:
        return set()
    with_plan = "SELECT problem_set FROM run WHERE problem_set IS NOT NULL AND"
    [before] = db.execute(
        f"SELECT coalesce(({with_plan} begun <= ?2 ORDER BY begun DESC LIMIT 1),"
        f"({with_plan} begun > ?2 AND begun < ?1 ORDER BY begun LIMIT 1))",
        [run["begun"], run["begun"] - DAY_SECONDS],
    ).fetchone()
    if before == run["problem_set"]:
        return set()
    found = db.execute(
        "SELECT p.id FROM problem_in i JOIN problem p ON p.id = i.problem WHERE i.problem_set = ?"
        " AND p.acknowledged IS NULL AND p.identity NOT IN"
        " (SELECT q.identity FROM problem_in j JOIN problem q ON q.id = j.problem WHERE j.problem_set = ?)",
        [run["problem_set"], before],
    )
    return {row["id"] for row in found}


def run_problems(
    db: sqlite3.Connection,
    run: sqlite3.Row,
    links: VendorLinks,
    *,
    instance: str | None = None,
    subjects: Iterable[str] = (),
) -> tuple[ProblemRow, ...]:
    """A run's problems, in the plan's order of kinds; filtered by instance or by ids."""
    if run["problem_set"] is None:
        return ()
    where, values = "i.problem_set = ?", [run["problem_set"]]
    if instance is not None:
        where, values = f"{where} AND (p.instance IS NULL OR p.instance = ?)", [*values, instance]
    if wanted := list(subjects):
        marks = ", ".join("?" * len(wanted))
        where = f"{where} AND p.id IN (SELECT problem FROM problem_subject WHERE subject IN ({marks}))"  # noqa: S608 - question marks only
        values += wanted
    found = db.execute(
        f"SELECT p.* FROM problem_in i JOIN problem p ON p.id = i.problem WHERE {where}"  # noqa: S608 - the text is ours
        " ORDER BY p.kind, p.instance, p.accounts, p.organizations, p.detail",
        values,
    ).fetchall()
    new = problems_new(db, run)
    return tuple(problem_row(db, one, links, new=one["id"] in new) for one in found)


def problem_row(db: sqlite3.Connection, row: sqlite3.Row, links: VendorLinks, *, new: bool = False) -> ProblemRow:
    """A row of `problem`, with when it was seen first and last."""
    first, last = db.execute(
        "SELECT min(r.begun), max(r.begun) FROM problem q JOIN problem_in i ON i.problem = q.id"
        " JOIN run r ON r.problem_set = i.problem_set WHERE q.id = ?",
        [row["id"]],
    ).fetchone()
    return ProblemRow(
        kind=row["kind"],
        instance=row["instance"],
        accounts=links.accounts(json.loads(row["accounts"])),
        organizations=links.organizations(row["instance"], json.loads(row["organizations"])),
        detail=row["detail"],
        advice=row["advice"],
        first_seen=utc_time(first),
        last_seen=utc_time(last),
        new=new,
        id=row["named"],
        acknowledged=row["acknowledged"],
        names=tuple(_name(db, one) for one in json.loads(row["accounts"])),
    )


def _name(db: sqlite3.Connection, account_id: str) -> str:
    """The newest name that an account was seen with, in any instance."""
    row = db.execute(
        "SELECT name FROM subject WHERE account_id = ? AND name != '' ORDER BY at DESC LIMIT 1", [account_id]
    ).fetchone()
    return row["name"] if row is not None else ""


def withheld_rows(db: sqlite3.Connection, run: sqlite3.Row) -> tuple[WithheldRow, ...]:
    """The holds of a run by reason, those that make it red first, each with what is usual and its conf."""
    record = run_record(run)
    holds = record.plan.holds if record is not None else ()
    in_order = sorted(holds, key=lambda one: (not one.opens_case, HOLD_REASONS.index(one.reason), one.instance))
    return tuple(_withheld_row(db, run, item) for item in in_order)


def _withheld_row(db: sqlite3.Connection, run: sqlite3.Row, item: Hold) -> WithheldRow:
    conf: dict[str, object] = {"approve": [item.id]}
    if item.reason not in ("limit", "budget"):
        return WithheldRow(item, conf)
    usual = _usual(db, run, item.instance, WRITTEN[item.kind])
    return WithheldRow(item, conf, usual, _usual_sentence(WRITTEN[item.kind], usual))


def _usual(db: sqlite3.Connection, run: sqlite3.Row, instance: str, column: str) -> tuple[int, ...]:
    """What the ten runs before wrote of this kind, the oldest first."""
    found = db.execute(
        f"SELECT s.{column} AS count FROM run r CROSS JOIN side s ON s.run = r.id AND s.instance = ?"  # noqa: S608 - a column of ours
        " WHERE r.begun < ? AND r.plan_id IS NOT NULL AND r.dry_run = 0 AND r.state != 'planning only'"
        " ORDER BY r.begun DESC LIMIT ?",
        [instance, run["begun"], LOOKED_BACK],
    ).fetchall()
    return tuple(row["count"] for row in reversed(found))


def _usual_sentence(done: str, usual: tuple[int, ...]) -> str:
    if not usual:
        return "There is no earlier run to compare with."
    low, high = min(usual), max(usual)
    runs = "In the run before" if len(usual) == 1 else f"In the last {len(usual)} runs"
    return f"{runs}: {low if low == high else f'{low} to {high}'} {done}."

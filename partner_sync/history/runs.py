"""Queries about runs: the table of runs, and a run with its proof, failures and counts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from partner_sync.archive import codec
from partner_sync.history.links import VendorLinks
from partner_sync.history.problems import problem_count, problems_new
from partner_sync.history.results import Outcome, RejectedRows, ResultPage, RunDetails, RunRow, Unreadable
from partner_sync.history.run_summary import WRITTEN, run_failures, run_record, run_trigger, utc_time
from partner_sync.model import KINDS, VERDICTS, NotRestored

NAMED = 20
"""How many rows of a message are named."""


def run_row(db: sqlite3.Connection, run_id: str) -> sqlite3.Row | None:
    """The row of a run by its id. The id is only compared, never made into a path."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM run WHERE run_id = ? ORDER BY begun DESC LIMIT 1", [run_id]
    ).fetchone()
    return row


def plan_row(db: sqlite3.Connection, run: sqlite3.Row, plan_id: str | None) -> sqlite3.Row | None:
    """The row of a plan of a run; without an id, of its newest."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM plan WHERE run = ? AND plan_id = ?", [run["id"], plan_id or run["plan_id"]]
    ).fetchone()
    return row


def links_of_run(db: sqlite3.Connection, row: sqlite3.Row | None = None) -> VendorLinks:
    """Links by the hosts of a run, or of the newest that has any."""
    if row is not None and row["header"]:
        return VendorLinks(json.loads(row["header"])["hosts"])
    newest = db.execute("SELECT header FROM run WHERE header IS NOT NULL ORDER BY begun DESC LIMIT 1").fetchone()
    return VendorLinks(json.loads(newest["header"])["hosts"] if newest else {})


def instance_names(db: sqlite3.Connection) -> tuple[str, ...]:
    """The instances of the newest run with a plan, in the config's order; then older instances."""
    named = [name for name in links_of_run(db).hosts if name != "salesforce"]
    others = [row["instance"] for row in db.execute("SELECT DISTINCT instance FROM side ORDER BY 1")]
    return tuple(dict.fromkeys([*named, *others]))


def run_rows(db: sqlite3.Connection, rows: Sequence[sqlite3.Row], instance: str | None = None) -> tuple[RunRow, ...]:
    """Rows of the table of runs, from rows of `run`."""
    ids = [row["id"] for row in rows]
    sides: dict[int, list[sqlite3.Row]] = {number: [] for number in ids}
    marks = ", ".join("?" * len(ids))
    for side in db.execute(f"SELECT * FROM side WHERE run IN ({marks})", ids):  # noqa: S608 - question marks only
        if instance is None or side["instance"] == instance:
            sides[side["run"]].append(side)
    return tuple(_row(db, row, sides[row["id"]], instance) for row in rows)


def _row(db: sqlite3.Connection, row: sqlite3.Row, sides: Sequence[sqlite3.Row], instance: str | None) -> RunRow:
    trigger = json.loads(row["trigger"]) if row["trigger"] else {}
    read = [side["organizations"] for side in sides if side["organizations"] is not None]
    known = row["ended"] > row["begun"]
    return RunRow(
        run_id=row["run_id"],
        run_after=utc_time(row["run_after"]),
        begun=utc_time(row["begun"]),
        run_type=trigger.get("run_type", ""),
        triggered_by=trigger.get("triggered_by"),
        params=trigger.get("params", {}),
        state=row["state"],
        why=row["why"],
        dry_run=bool(row["dry_run"]),
        plan_id=row["plan_id"],
        accounts=row["accounts"],
        organizations=sum(read) if read else None,
        planned={kind: sum(side[kind] for side in sides) for kind in KINDS},
        withheld=sum(side["withheld"] for side in sides),
        verdicts={name: sum(side[name] for side in sides) for name in VERDICTS},
        written={kind: sum(side[WRITTEN[kind]] for side in sides) for kind in KINDS},
        cause=row["cause"],
        problems=problem_count(db, row, instance) if row["problem_set"] is not None else None,
        batches=row["batches"],
        batches_done=row["batches_done"],
        seconds=row["ended"] - row["begun"] if known else None,
        calls=row["calls"],
    )


def page_of(total: int, page: int, page_size: int) -> tuple[int, int]:
    """A page that exists, and how many there are; both count from 1."""
    pages = max(1, -(-total // page_size))
    return min(max(page, 1), pages), pages


def runs_page(
    db: sqlite3.Connection, *, instance: str | None = None, state: str | None = None, page: int = 1, page_size: int = 25
) -> ResultPage[RunRow]:
    """One page of runs, the newest first."""
    where, values = ("WHERE state = ?", [state]) if state else ("", [])
    [total] = db.execute(f"SELECT count(*) FROM run {where}", values).fetchone()  # noqa: S608 - the text is ours
    page, pages = page_of(total, page, page_size)
    rows = db.execute(
        f"SELECT * FROM run {where} ORDER BY begun DESC, id DESC LIMIT ? OFFSET ?",  # noqa: S608 - the text is ours
        [*values, page_size, (page - 1) * page_size],
    ).fetchall()
    return ResultPage(run_rows(db, rows, instance), total, page, pages)


def unreadable_objects(db: sqlite3.Connection, run: int | None = None, limit: int = 20) -> tuple[Unreadable, ...]:
    where, values = ("WHERE run = ?", [run]) if run is not None else ("", [])
    found = db.execute(
        f"SELECT path, message FROM unreadable {where} ORDER BY path DESC LIMIT ?",  # noqa: S608 - the text is ours
        [*values, limit],
    )
    return tuple(Unreadable(row["path"], row["message"]) for row in found)


def run_details(db: sqlite3.Connection, row: sqlite3.Row) -> RunDetails:
    """A run without its changes."""
    record, trigger = run_record(row), run_trigger(row)
    newest = record.plan if record else None
    return RunDetails(
        row=run_rows(db, [row])[0],
        dag_id=trigger.dag_id if trigger else "",
        logical_date=trigger.logical_date if trigger else None,
        versions=record.versions if record else {},
        config_digest=newest.config_digest if newest else "",
        made=newest.order.made if newest else None,
        reads=newest.reads if newest else (),
        counts=newest.counts if newest else {},
        outcomes=_outcomes(db, row),
        refusals=_refusals(db, row),
        not_restored=_not_restored(db, row),
        instances=tuple(
            side["instance"] for side in db.execute("SELECT instance FROM side WHERE run = ? ORDER BY 1", [row["id"]])
        ),
        planning_only=newest.planning_only if newest and not newest.dry_run else (),
        unread=newest.unread if newest else (),
        failures=tuple(run_failures(row)),
        problems=problem_count(db, row, None),
        problems_new=len(problems_new(db, row)),
        plans=tuple(
            one["plan_id"]
            for one in db.execute("SELECT plan_id FROM plan WHERE run = ? ORDER BY made, id", [row["id"]])
        ),
        unreadable=unreadable_objects(db, row["id"]),
        before=_next_to(db, "(begun, id) < (?, ?) ORDER BY begun DESC, id DESC", row),
        after=_next_to(db, "(begun, id) > (?, ?) ORDER BY begun, id", row),
    )


def _outcomes(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, int]:
    found = db.execute(
        "SELECT outcome, count(*) AS count FROM change"
        " WHERE plan = (SELECT id FROM plan WHERE run = ? AND plan_id = ?) GROUP BY 1",
        [row["id"], row["plan_id"]],
    )
    return {one["outcome"]: one["count"] for one in found}


def _not_restored(db: sqlite3.Connection, row: sqlite3.Row) -> tuple[NotRestored, ...]:
    plan = plan_row(db, row, None)
    found = json.loads(plan["not_restored"]) if plan is not None else []
    return tuple(codec.from_json(NotRestored, json.dumps(one), source="the index", next_step="") for one in found)


def _refusals(db: sqlite3.Connection, row: sqlite3.Row) -> tuple[RejectedRows, ...]:
    """Rejected and unknown rows of the newest plan by message, the most frequent first."""
    groups: dict[tuple[Outcome, str], list[tuple[int, str]]] = {}
    for one in db.execute(
        "SELECT n, name, outcome, coalesce(nullif(vendor_words, ''), verdict_reason) AS message FROM change"
        " WHERE outcome IN ('rejected', 'unknown') AND plan = (SELECT id FROM plan WHERE run = ? AND plan_id = ?)"
        " ORDER BY n",
        [row["id"], row["plan_id"]],
    ):
        groups.setdefault((one["outcome"], one["message"]), []).append((one["n"], one["name"]))
    found = [RejectedRows(*key, len(rows), tuple(rows[:NAMED])) for key, rows in groups.items()]
    return tuple(sorted(found, key=lambda one: -one.count))


def _next_to(db: sqlite3.Connection, where: str, row: sqlite3.Row) -> str | None:
    found = db.execute(
        f"SELECT run_id FROM run WHERE {where} LIMIT 1",  # noqa: S608 - the text is ours
        [row["begun"], row["id"]],
    ).fetchone()
    return found["run_id"] if found else None

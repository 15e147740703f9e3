"""Summarizes a run from its rows: state, times, and what it read, planned and wrote in each instance."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timezone

from partner_sync.archive import codec
from partner_sync.archive.records import Failure, RunRecord, Trigger
from partner_sync.history.run_states import RunEvidence, RunStatus, run_status
from partner_sync.model import VERDICTS

WRITTEN = {"create": "created", "update": "updated", "mark": "marked"}
EDITED = "json_extract(f.value, '$[4]') IN ('zendesk', 'both', 'set_back')"
"""Whether a field `f` of a change has a cause that is an edit in Zendesk."""


def run_record(row: sqlite3.Row) -> RunRecord | None:
    """The record in a row of `run`, its plan without changes and problems."""
    return codec.from_json(RunRecord, row["header"], source="the index", next_step="") if row["header"] else None


def run_failures(row: sqlite3.Row) -> list[Failure]:
    """The failures in a row of `run`, the oldest first."""
    found = [
        codec.from_json(Failure, json.dumps(one), source="the index", next_step="")
        for one in json.loads(row["failures"]).values()
    ]
    return sorted(found, key=lambda one: one.at)


def run_trigger(row: sqlite3.Row) -> Trigger | None:
    return codec.from_json(Trigger, row["trigger"], source="the index", next_step="") if row["trigger"] else None


def utc_time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def summarize_run(db: sqlite3.Connection, run: int, now: datetime) -> None:
    """Updates the row of a run, its `side` and its `changed`."""
    row = db.execute("SELECT * FROM run WHERE id = ?", [run]).fetchone()
    record, failures = run_record(row), run_failures(row)
    verdicts_at, calls = _verdicts_at(db, run, row["plan_id"])
    [made] = db.execute("SELECT max(made) FROM plan WHERE run = ?", [run]).fetchone()
    begun = ended = made or row["run_after"]  # between plan.json and run.json the plan is the only sign
    if record is not None:
        begun, ended = record.plan.order.snapshot_begun.timestamp(), record.plan.order.made.timestamp()
        calls += sum(record.calls_to_read.values())
    elif failures:
        begun = ended = failures[0].at.timestamp()
    [last] = db.execute(
        "SELECT max(at) FROM change WHERE plan IN (SELECT id FROM plan WHERE run = ?)", [run]
    ).fetchone()
    ended = max([ended, last or ended, *(one.at.timestamp() for one in failures)])
    verdicts = _sides(db, run, row, record, begun)
    status = run_status(
        RunEvidence(
            record=record,
            failures=failures,
            batches=tuple(record.plan.digests) if record and not record.plan.dry_run else (),
            verdicts_at={batch: utc_time(at) for batch, at in verdicts_at.items()},
            verdicts=verdicts,
            last_sign=utc_time(ended),
        ),
        now,
    )
    if record is None and db.execute("SELECT 1 FROM unreadable WHERE run = ?", [run]).fetchone():
        status = RunStatus("failed", "unreadable", "its records in the archive cannot be read")
    expected = record.plan.digests if record and not record.plan.dry_run else {}
    db.execute(
        "UPDATE run SET begun = ?, ended = ?, state = ?, cause = ?, why = ?, settled = ?, batches = ?,"
        " batches_done = ?, calls = ? WHERE id = ?",
        [
            begun, ended, status.state, status.cause, status.why, status.state != "running", len(expected),
            len(verdicts_at.keys() & expected), calls, run,
        ],
    )  # fmt: skip
    _name_the_waiting(db, run, ended=status.state != "running")


def _name_the_waiting(db: sqlite3.Connection, run: int, *, ended: bool) -> None:
    """Changes without a verdict wait for their batch, but not in a run that has ended."""
    was, now = ("waiting", "not written") if ended else ("not written", "waiting")
    db.execute(
        "UPDATE change SET outcome = ? WHERE outcome = ? AND plan IN (SELECT id FROM plan WHERE run = ?)",
        [now, was, run],
    )


def _verdicts_at(db: sqlite3.Connection, run: int, plan_id: str | None) -> tuple[dict[str, float], int]:
    """The batches of the newest plan that have verdicts, with the time of the newest; and their calls."""
    rows = db.execute(
        "SELECT batch, max(at) AS at, max(calls) AS calls FROM change WHERE try_number IS NOT NULL"
        " AND plan = (SELECT id FROM plan WHERE run = ? AND plan_id = ?) GROUP BY batch",
        [run, plan_id],
    ).fetchall()
    return {row["batch"]: row["at"] for row in rows}, sum(row["calls"] for row in rows)


def _sides(
    db: sqlite3.Connection, run: int, row: sqlite3.Row, record: RunRecord | None, begun: float
) -> dict[str, int]:
    """Writes `side` and `changed`; returns the newest plan's verdicts. All plans of the run count as written."""
    sides: dict[str, dict[str, object]] = {}
    if record is not None:
        for one in record.plan.instances:
            sides[one.instance] = {"organizations": one.organizations, "types": json.dumps(one.types)}
    verdicts: dict[str, int] = {}
    db.execute("DELETE FROM changed WHERE run = ?", [run])
    for plan in db.execute("SELECT id, plan_id FROM plan WHERE run = ?", [run]).fetchall():
        newest = plan["plan_id"] == row["plan_id"]
        _count(db, plan["id"], sides, verdicts, newest=newest or row["plan_id"] is None)
        db.execute(
            "INSERT INTO changed SELECT ?, c.instance, json_extract(f.value, '$[0]'), ?, count(*),"  # noqa: S608 - ours
            f" count(*) FILTER (WHERE {EDITED})"
            " FROM change c, json_each(c.fields) f"
            " WHERE c.plan = ? AND c.kind = 'update' AND c.outcome = 'confirmed' AND c.written GROUP BY 2, 3"
            " ON CONFLICT DO UPDATE SET count = count + excluded.count, edited = edited + excluded.edited",
            [run, begun, plan["id"]],
        )
    db.execute("DELETE FROM side WHERE run = ?", [run])
    for instance, counts in sides.items():
        names = ["run", "instance", "begun", "day", *counts]
        db.execute(
            f"INSERT INTO side ({', '.join(_quoted(names))}) VALUES ({', '.join('?' * len(names))})",  # noqa: S608 - our own column names
            [run, instance, begun, f"{utc_time(begun):%Y-%m-%d}", *counts.values()],
        )
    return verdicts


def _count(
    db: sqlite3.Connection, plan: int, sides: dict[str, dict[str, object]], verdicts: dict[str, int], *, newest: bool
) -> None:
    for one in db.execute(
        "SELECT instance, kind, outcome, written, count(*) AS count FROM change WHERE plan = ? GROUP BY 1, 2, 3, 4",
        [plan],
    ):
        side, outcome, count = sides.setdefault(one["instance"], {}), one["outcome"], one["count"]
        names = [WRITTEN[one["kind"]]] if outcome == "confirmed" and one["written"] else []
        if newest and outcome != "left":
            names.append("withheld" if outcome == "withheld" else one["kind"])
            if outcome in VERDICTS:
                names.append(outcome)
                verdicts[outcome] = verdicts.get(outcome, 0) + count
        for name in names:
            before = side.get(name, 0)
            side[name] = (before if isinstance(before, int) else 0) + count


def _quoted(names: list[str]) -> list[str]:
    return [f'"{name}"' for name in names]

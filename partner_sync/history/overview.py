"""The query behind the overview: health, what needs attention, and numbers over time."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from datetime import datetime, timedelta
from typing import Literal

from partner_sync.history.labels import hold_sentence
from partner_sync.history.overview_results import AttentionItem, Health, ItemLink, Overview
from partner_sync.history.problems import problem_count, problems_new
from partner_sync.history.results import RunRow
from partner_sync.history.run_states import OF_ROWS
from partner_sync.history.run_summary import WRITTEN, run_failures, run_record, utc_time
from partner_sync.history.runs import instance_names, run_rows, runs_page, unreadable_objects
from partner_sync.model import COUNT_REASONS, KINDS, Kind

UNWELL: tuple[Literal["rejected", "unknown"], ...] = ("rejected", "unknown")
CHART, MOST_CHANGED, CHANGED_DAYS, PARTS = 48, 10, 30, 5
OVERDUE_AFTER = 2
"""How many schedules may pass without a success before the health is overdue."""
_ENDED = "('success', 'failed', 'planning only')"
"""The states of a run over all accounts that ended and was no dry run."""
BROKEN = "(state = 'failed' AND cause IN ('task', 'silence', 'unreadable'))"
"""A run that failed as a whole, not only by single rows or a limit."""
OF_ALL = (
    "(trigger IS NULL OR (NOT coalesce(json_extract(trigger, '$.params.dry_run'), 0)"
    " AND coalesce(json_array_length(trigger, '$.params.account_ids'), 0) = 0))"
)
"""A run that was not asked to write nothing, or to write some accounts only."""


def query_overview(
    db: sqlite3.Connection, *, now: datetime, schedule_seconds: float, instance: str | None = None
) -> Overview:
    """The overview of one instance, or of all. Dry runs and runs narrowed to accounts do not decide health."""
    base = _newest(db, f"whole AND state IN {_ENDED}")
    planning_only = _planning_only(base, instance)
    items = (*_failed(db), *_withheld(base, instance), *_rows(db, base, instance), *_problems(db, base, instance))
    success = _newest(db, "whole AND state = 'success'")
    last_success = utc_time(success["ended"]) if success else None
    age = (now - last_success).total_seconds() if last_success else None
    done = _newest(db, "whole AND state IN ('success', 'planning only')")
    overdue = done is None or (now - utc_time(done["ended"])).total_seconds() > OVERDUE_AFTER * schedule_seconds
    chart = db.execute("SELECT * FROM run ORDER BY begun DESC, id DESC LIMIT ?", [CHART]).fetchall()
    return Overview(
        instance=instance,
        instances=instance_names(db),
        health=_health(db, bool(chart), any(item.urgent for item in items), bool(planning_only), overdue),
        overdue=overdue and bool(chart),
        planning_only=planning_only,
        running=_running(db, instance),
        last_success=last_success,
        age_seconds=age,
        next_run=_next_run(db, now, schedule_seconds),
        items=items,
        partners=_partners(db, instance, now),
        partners_before=_partners(db, instance, now - timedelta(days=CHANGED_DAYS)),
        partners_days=min(CHANGED_DAYS, _days_known(db, now)),
        problems=problem_count(db, base, instance) if base else 0,
        problems_new=len(problems_new(db, base)) if base else 0,
        since_yesterday=_since(db, now - timedelta(days=1), instance),
        chart=run_rows(db, chart[::-1], instance),
        most_changed=_fields(db, "count", now - timedelta(days=CHANGED_DAYS), instance),
        edited=_fields(db, "edited", now - timedelta(days=CHANGED_DAYS), instance),
        runs=runs_page(db, instance=instance),
        unreadable=unreadable_objects(db),
    )


def _health(db: sqlite3.Connection, any_runs: bool, urgent: bool, planning_only: bool, overdue: bool) -> Health:
    """`Up to date` only if nothing waits for a person. What waits for tickets alone goes by itself."""
    if not any_runs:
        built = db.execute("SELECT 1 FROM meta WHERE key = 'complete'").fetchone()
        return "no runs yet" if built else "being read"
    if urgent:
        return "needs attention"
    return "overdue" if overdue else "planning only" if planning_only else "up to date"


def _planning_only(base: sqlite3.Row | None, instance: str | None) -> tuple[str, ...]:
    """The instances that the newest complete run only planned."""
    record = run_record(base) if base is not None else None
    return tuple(one for one in (record.plan.planning_only if record else ()) if instance in (None, one))


def _newest(db: sqlite3.Connection, where: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        f"SELECT * FROM run WHERE {where} ORDER BY begun DESC LIMIT 1"  # noqa: S608 - the text is ours
    ).fetchone()
    return row


def _running(db: sqlite3.Connection, instance: str | None) -> RunRow | None:
    newest = _newest(db, "state = 'running' AND dry_run = 0")
    return run_rows(db, [newest], instance)[0] if newest is not None else None


def _next_run(db: sqlite3.Connection, now: datetime, schedule_seconds: float) -> datetime | None:
    """When the schedule comes next, if the newest scheduled run is no older than that."""
    row = _newest(db, "json_extract(trigger, '$.run_type') = 'scheduled'")
    following = utc_time(row["run_after"]) + timedelta(seconds=schedule_seconds) if row else None
    return following if following is not None and following > now else None


# -- what needs attention ------------------------------------------------------------------------------------


def _failed(db: sqlite3.Connection) -> list[AttentionItem]:
    """Broken runs since the last complete run over all accounts."""
    ended = db.execute(
        f"SELECT max(begun) FROM run WHERE whole AND state IN {_ENDED} AND NOT {BROKEN}"  # noqa: S608 - ours
    ).fetchone()[0]
    where = f"dry_run = 0 AND {BROKEN} AND begun > {ended or 0} AND {OF_ALL}"
    newest = _newest(db, where)
    if newest is None:
        return []
    [count] = db.execute(f"SELECT count(*) FROM run WHERE {where}").fetchone()  # noqa: S608 - the text is ours
    failures = [one for one in run_failures(newest) if one.error not in OF_ROWS]
    parts = Counter(f"{one.task} ({one.error})" for one in failures)
    sentence = failures[-1].message if failures else f"The run failed: {newest['why']}."
    link = ItemLink(newest["run_id"], "failures")
    return [AttentionItem("failed", count, 0, sentence, True, tuple(parts.most_common(PARTS)), link)]


def _withheld(base: sqlite3.Row | None, instance: str | None) -> list[AttentionItem]:
    """An item for each hold, those that wait for a decision first. They stay although only their first run is red."""
    record = run_record(base) if base is not None else None
    if base is None or record is None:
        return []
    items = [
        AttentionItem(
            "withheld",
            one.rows,
            0,
            hold_sentence(one),
            one.opens_case or one.reason in COUNT_REASONS,
            ((one.kind, one.rows),),
            ItemLink(base["run_id"], "withheld", record.plan.id, verdict="withheld", hold=one.id),
        )
        for one in record.plan.holds
        if instance in (None, one.instance)
    ]
    return sorted(items, key=lambda item: not item.urgent)


def _rows(db: sqlite3.Connection, base: sqlite3.Row | None, instance: str | None) -> list[AttentionItem]:
    """Rows rejected or unknown in the last complete run or since, unless confirmed now, by Zendesk's message."""
    if base is None:
        return []
    items = []
    for outcome in UNWELL:
        found = db.execute(
            "SELECT coalesce(nullif(c.vendor_words, ''), c.verdict_reason) AS reason, r.run_id, p.plan_id,"
            " count(*) AS count FROM run r JOIN plan p ON p.run = r.id JOIN change c ON c.plan = p.id"
            " WHERE r.whole AND r.begun >= ? AND c.outcome = ? AND (? IS NULL OR c.instance = ?) AND NOT EXISTS"
            " (SELECT 1 FROM change d WHERE d.account_id = c.account_id AND d.instance = c.instance"
            "  AND d.outcome = 'confirmed' AND d.at > c.at)"
            " GROUP BY 1, 2, 3 ORDER BY r.begun DESC, 4 DESC",
            [base["begun"], outcome, instance, instance],
        ).fetchall()
        if found:
            reasons: Counter[str] = Counter()
            for row in found:
                reasons[row["reason"]] += row["count"]
            count = reasons.total()
            link = ItemLink(found[0]["run_id"], "changes", found[0]["plan_id"], None, outcome, instance)
            noun = "organization" if count == 1 else "organizations"
            sentence = f"{count:,} {noun} {outcome} since the last complete run."
            items.append(AttentionItem(outcome, count, 0, sentence, True, tuple(reasons.most_common(PARTS)), link))
    return items


def _problems(db: sqlite3.Connection, base: sqlite3.Row | None, instance: str | None) -> list[AttentionItem]:
    """Problems stay until somebody fixes them; only new problems are urgent."""
    count = problem_count(db, base, instance) if base is not None else 0
    if base is None or not count:
        return []
    kinds = db.execute(
        "SELECT p.kind, count(*) AS count FROM problem_in i JOIN problem p ON p.id = i.problem WHERE i.problem_set = ?"
        " AND (? IS NULL OR p.instance IS NULL OR p.instance = ?) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
        [base["problem_set"], instance, instance, PARTS],
    ).fetchall()
    new = len(problems_new(db, base))
    sentence = f"{count:,} {'problem' if count == 1 else 'problems'}, {new:,} new."
    parts = tuple((row["kind"], row["count"]) for row in kinds)
    link = ItemLink(base["run_id"], "problems", instance=instance)
    return [AttentionItem("problems", count, new, sentence, new > 0, parts, link)]


# -- over time ---------------------------------------------------------------------------------------------


def _partners(db: sqlite3.Connection, instance: str | None, then: datetime) -> dict[str, int]:
    """Partner organizations by type as each instance was read last by `then`, or first after it."""
    known = "SELECT types FROM side WHERE instance = ?1 AND types != '{}' AND"
    read = [
        db.execute(
            f"SELECT coalesce(({known} begun <= ?2 ORDER BY begun DESC LIMIT 1),"
            f"({known} begun > ?2 ORDER BY begun LIMIT 1)) AS types",
            [one, then.timestamp()],
        ).fetchone()
        for one in instance_names(db)
        if instance in (None, one)
    ]
    return _added([row["types"] for row in read if row["types"] is not None])


def _days_known(db: sqlite3.Connection, now: datetime) -> int:
    [first] = db.execute("SELECT min(begun) FROM side WHERE types != '{}'").fetchone()
    return (now - utc_time(first)).days if first is not None else 0


def _added(texts: list[str]) -> dict[str, int]:
    total: dict[str, int] = {}
    for text in texts:
        for name, count in json.loads(text).items():
            total[name] = total.get(name, 0) + count
    return total


def _since(db: sqlite3.Connection, since: datetime, instance: str | None) -> dict[Kind, int]:
    columns = ", ".join(f"coalesce(sum({WRITTEN[kind]}), 0)" for kind in KINDS)
    row = db.execute(
        f"SELECT {columns} FROM side WHERE begun >= ? AND (? IS NULL OR instance = ?)",  # noqa: S608 - columns of ours
        [since.timestamp(), instance, instance],
    ).fetchone()
    return dict(zip(KINDS, row, strict=True))


def _fields(
    db: sqlite3.Connection, column: Literal["count", "edited"], since: datetime, instance: str | None
) -> tuple[tuple[str, int], ...]:
    """The fields with the highest counts in a column of `changed`."""
    found = db.execute(
        f"SELECT field, sum({column}) AS count FROM changed WHERE begun >= ? AND (? IS NULL OR instance = ?)"  # noqa: S608 - a column of ours
        f" GROUP BY field HAVING sum({column}) > 0 ORDER BY 2 DESC, 1 LIMIT ?",
        [since.timestamp(), instance, instance, MOST_CHANGED],
    )
    return tuple((row["field"], row["count"]) for row in found)

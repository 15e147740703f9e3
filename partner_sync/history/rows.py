"""From one object of the archive to rows of the index."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from urllib.parse import unquote

from partner_sync.archive import codec
from partner_sync.archive.archive import segment
from partner_sync.archive.records import Failure, PartnerStates, RowVerdict, RunRecord
from partner_sync.compare.batches import batches
from partner_sync.history.folding import fold
from partner_sync.history.results import Outcome
from partner_sync.model import Change, Mark, Plan, Problem


def run_of(db: sqlite3.Connection, folder: str) -> int:
    """The id of a run, inserted at its first object."""
    row = db.execute("SELECT id FROM run WHERE folder = ?", [folder]).fetchone()
    if row is not None:
        return int(row["id"])
    _, day, name = folder.split("/")
    at = datetime.fromisoformat(day).replace(tzinfo=timezone.utc).timestamp()
    made = db.execute(
        "INSERT INTO run (folder, day, run_id, run_after, begun, ended) VALUES (?, ?, ?, ?, ?, ?)",
        [folder, day, unquote(name), at, at, at],
    )
    return int(made.lastrowid or 0)


def forget(db: sqlite3.Connection, folder: str) -> None:
    """Forgets everything from a run's folder, so that it can be read again."""
    row = db.execute("SELECT id FROM run WHERE folder = ?", [folder]).fetchone()
    db.execute("DELETE FROM object WHERE path > ? AND path < ?", [f"{folder}/", f"{folder}0"])
    if row is None:
        return
    db.execute("DELETE FROM change WHERE plan IN (SELECT id FROM plan WHERE run = ?)", [row["id"]])
    for table in ("plan", "side", "changed", "unreadable"):
        db.execute(f"DELETE FROM {table} WHERE run = ?", [row["id"]])  # noqa: S608 - names from the line above
    db.execute("DELETE FROM run WHERE id = ?", [row["id"]])


def forget_names(db: sqlite3.Connection) -> None:
    """Forgets the names that no change and no partner has any more."""
    db.execute(
        "DELETE FROM subject AS s WHERE NOT EXISTS (SELECT 1 FROM change c WHERE c.instance = s.instance AND"
        " c.account_id = s.account_id AND s.account_id != '') AND NOT EXISTS (SELECT 1 FROM change c WHERE"
        " c.instance = s.instance AND c.organization_id = s.organization_id) AND NOT EXISTS (SELECT 1 FROM partner t"
        " WHERE t.instance = s.instance AND t.account_id = s.account_id AND t.organization_id = s.organization_id)"
    )


# -- plan.json ----------------------------------------------------------------------------------------------


def put_plan(db: sqlite3.Connection, run: int, folder: str, plan: Plan) -> None:
    """Indexes the changes of a plan as not written yet."""
    plan_row = plan_of(db, run, plan.id)
    begun = plan.order.snapshot_begun.timestamp()
    db.execute(
        "UPDATE plan SET made = ?, dry_run = ?, not_restored = ? WHERE id = ?",
        [plan.order.made.timestamp(), plan.dry_run, json.dumps(codec.as_json(plan.not_restored)), plan_row],
    )
    db.execute("DELETE FROM change WHERE plan = ?", [plan_row])
    db.executemany(
        "INSERT INTO change (plan, n, begun, kind, instance, account_id, organization_id, name, folded, reason, fields,"
        " field_names, tickets, users, outcome, batch, hold, hold_reason, decisions)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((plan_row, n, begun, *_change(one), *planned) for n, (one, *planned) in enumerate(_planned(plan))),
    )
    changes = [*plan.changes, *plan.withheld_changes, *(row.change for row in plan.left)]
    put_names(db, ((one.account_id, one.instance, one.organization_id, one.name) for one in changes), begun)
    # verdicts that were read before their plan have to be read once more
    verdicts = f"{folder}/{segment(plan.id)}/verdicts"
    db.execute("DELETE FROM object WHERE path > ? AND path < ?", [f"{verdicts}/", f"{verdicts}0"])


def _planned(plan: Plan) -> Iterator[tuple[Change, Outcome, str | None, str | None, str | None, str]]:
    """Every change with its outcome until it is written, its batch, its hold and why, and its decisions."""
    names = iter([batch.name for batch in batches(plan) for _ in batch.changes])
    for at, one in enumerate(plan.changes):
        decisions = dict.fromkeys([*plan.approvals.get(at, ()), *plan.restores.get(at, {}).values()])
        unarmed = one.instance in plan.planning_only
        outcome: Outcome = "dry run" if plan.dry_run else "planning only" if unarmed else "waiting"
        yield one, outcome, None if unarmed else next(names), None, None, " ".join(decisions)
    for hold in plan.holds:
        for one in hold.changes:
            yield one, "withheld", None, hold.id, hold.reason, ""
    for row in plan.left:
        yield row.change, "left", None, None, None, " ".join(row.decisions)


def _change(one: Change) -> tuple[object, ...]:
    values = [[field.field, field.before, field.after, field.reason, field.cause] for field in one.fields]
    fields = json.dumps(values, ensure_ascii=False)
    names = "".join(f"|{field.field}" for field in one.fields) + "|"
    tickets, users = (one.tickets, one.users) if isinstance(one, Mark) else (None, None)
    return (
        one.kind, one.instance, one.account_id, one.organization_id, one.name, fold(one.name), one.reason, fields,
        names, tickets, users,
    )  # fmt: skip


def plan_of(db: sqlite3.Connection, run: int, plan_id: str) -> int:
    row = db.execute("SELECT id FROM plan WHERE run = ? AND plan_id = ?", [run, plan_id]).fetchone()
    if row is None:
        return int(db.execute("INSERT INTO plan (run, plan_id) VALUES (?, ?)", [run, plan_id]).lastrowid or 0)
    return int(row["id"])


def put_names(db: sqlite3.Connection, subjects: Iterable[tuple[str, str, int | None, str]], at: float) -> None:
    """Indexes names of accounts and organizations, with when they were last seen."""
    db.executemany(
        "INSERT INTO subject (account_id, instance, organization_id, name, folded, at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
        ((account, instance, number or 0, name, fold(name), at) for account, instance, number, name in subjects),
    )


# -- run.json and failures ----------------------------------------------------------------------------------


def put_record(db: sqlite3.Connection, run: int, record: RunRecord) -> None:
    """Indexes run.json; problems are stored by set."""
    plan = record.plan
    header = replace(record, plan=replace(plan.without_rows(), problems=()))
    narrowed = bool(record.trigger.params.get("account_ids"))
    db.execute(
        "UPDATE run SET run_id = ?, header = ?, trigger = ?, problem_set = ?, plan_id = ?, made = ?, dry_run = ?,"
        " whole = ?, run_after = ?, accounts = ? WHERE id = ?",
        [
            record.trigger.run_id, codec.to_json(header), json.dumps(codec.as_json(record.trigger)),
            _problems(db, plan.problems), plan.id, plan.order.made.timestamp(), plan.dry_run,
            not plan.dry_run and not narrowed, record.trigger.run_after.timestamp(), plan.counts.get("accounts"), run,
        ],
    )  # fmt: skip


def put_failure(db: sqlite3.Connection, run: int, path: str, failure: Failure) -> None:
    """Indexes an error of a task; without run.json, also the trigger of the run."""
    row = db.execute("SELECT failures, trigger FROM run WHERE id = ?", [run]).fetchone()
    failures = {**json.loads(row["failures"]), path: codec.as_json(failure)}
    trigger = row["trigger"] or json.dumps(codec.as_json(failure.trigger))
    db.execute(
        "UPDATE run SET run_id = ?, run_after = ?, failures = ?, trigger = ? WHERE id = ?",
        [failure.trigger.run_id, failure.trigger.run_after.timestamp(), json.dumps(failures), trigger, run],
    )


def _problems(db: sqlite3.Connection, problems: tuple[Problem, ...]) -> int:
    """The set of these problems, each of them kept once."""
    digest = _digest(problems)
    row = db.execute("SELECT id FROM problem_set WHERE digest = ?", [digest]).fetchone()
    if row is not None:
        return int(row["id"])
    rows = {_digest(one): one for one in problems}
    made = db.execute("INSERT INTO problem_set (digest, count) VALUES (?, ?)", [digest, len(rows)])
    for own, one in rows.items():
        db.execute(
            "INSERT OR IGNORE INTO problem (digest, identity, kind, instance, accounts, organizations, detail, advice,"
            " named, acknowledged) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                own, json.dumps([one.kind, one.instance, one.account_ids, one.organization_ids]), one.kind,
                one.instance, json.dumps(one.account_ids), json.dumps(one.organization_ids), one.detail, one.advice,
                one.id, one.acknowledged,
            ],
        )  # fmt: skip
        [number] = db.execute("SELECT id FROM problem WHERE digest = ?", [own]).fetchone()
        subjects = {*one.account_ids, *map(str, one.organization_ids)}
        db.executemany("INSERT OR IGNORE INTO problem_subject VALUES (?, ?)", [(each, number) for each in subjects])
        db.execute("INSERT INTO problem_in VALUES (?, ?)", [number, made.lastrowid])
    return int(made.lastrowid or 0)


def _digest(one: object) -> str:
    """Of frozen data, by its text: the same data has the same text."""
    return hashlib.sha256(repr(one).encode("utf-8", "surrogatepass")).hexdigest()


# -- partner states -----------------------------------------------------------------------------------------


def put_partner_states(db: sqlite3.Connection, states: PartnerStates) -> None:
    """Replaces the partners of an instance."""
    instance, begun = states.instance, states.order.snapshot_begun.timestamp()
    db.execute("DELETE FROM partner WHERE instance = ?", [instance])
    named = [json.dumps(one, ensure_ascii=False) for one in (states.fields, states.titles, states.sources)]
    db.execute("INSERT OR REPLACE INTO last_read VALUES (?, ?, ?, ?, ?)", [instance, begun, *named])
    db.executemany(
        "INSERT OR REPLACE INTO partner VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (
                instance,
                one.account_id or "",
                one.organization_id or 0,
                one.name,
                json.dumps(one.desired) if one.desired is not None else None,
                json.dumps(one.existing) if one.existing is not None else None,
                one.marked,
            )
            for one in states.rows
        ),
    )
    put_names(db, ((one.account_id or "", instance, one.organization_id, one.name) for one in states.rows), begun)


# -- verdicts -----------------------------------------------------------------------------------------------


def put_verdicts(db: sqlite3.Connection, run: int, rows: list[RowVerdict]) -> None:
    """Indexes the verdicts of batches of a plan: the newest verdict of a change counts, and it is written if any try
    wrote it."""
    plan = plan_of(db, run, rows[0].plan_id)
    known: dict[tuple[object, ...], int] = {}
    for row in db.execute("SELECT id, kind, instance, account_id, organization_id FROM change WHERE plan = ?", [plan]):
        number = None if row["kind"] == "create" else row["organization_id"]
        known[row["kind"], row["instance"], row["account_id"], number] = row["id"]
    for one in rows:
        if _row_key(one) not in known:
            known[_row_key(one)] = _without_plan(db, plan, one)
    db.executemany(
        "UPDATE change SET outcome = ?, verdict_reason = ?, vendor_words = ?, batch = ?, try_number = ?, at = ?,"
        " calls = ?, organization_id = coalesce(organization_id, ?) WHERE id = ? AND (at IS NULL OR at <= ?)",
        (
            (
                one.verdict, one.reason, one.vendor_words, one.batch, one.try_number, one.at.timestamp(), one.calls,
                one.organization_id, known[_row_key(one)], one.at.timestamp(),
            )
            for one in rows
        ),
    )  # fmt: skip
    db.executemany(
        "UPDATE change SET written = 1, job_id = coalesce(?, job_id), written_at = max(?, coalesce(written_at, 0))"
        " WHERE id = ?",
        (
            (one.job_id, (one.written_at or one.at).timestamp(), known[_row_key(one)])
            for one in sorted(rows, key=lambda one: one.at)
            if one.written
        ),
    )
    for one in rows:
        if one.kind == "create" and one.organization_id:
            put_names(db, [(one.account_id, one.instance, one.organization_id, one.name)], one.at.timestamp())


def _row_key(one: RowVerdict) -> tuple[object, ...]:
    return one.kind, one.instance, one.account_id, None if one.kind == "create" else one.organization_id


def _without_plan(db: sqlite3.Connection, plan: int, one: RowVerdict) -> int:
    """Inserts a change that is known only by its verdict, because its plan cannot be read."""
    [n] = db.execute("SELECT coalesce(max(n) + 1, 0) FROM change WHERE plan = ?", [plan]).fetchone()
    made = db.execute(
        "INSERT INTO change (plan, n, begun, kind, instance, account_id, organization_id, name, folded, reason, fields,"
        " field_names, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', '[]', '|', 'waiting')",
        [
            plan, n, one.at.timestamp(), one.kind, one.instance, one.account_id, one.organization_id, one.name,
            fold(one.name),
        ],
    )  # fmt: skip
    put_names(db, [(one.account_id, one.instance, one.organization_id, one.name)], one.at.timestamp())
    return int(made.lastrowid or 0)

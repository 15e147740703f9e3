"""Queries about an organization or account over all runs: its state, and its changes with reasons."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from partner_sync.history.changes import change_row
from partner_sync.history.links import VendorLinks
from partner_sync.history.organization_results import HistoryEvent, OrganizationHistory
from partner_sync.history.organization_state import DatedChange, LastRead, current_fields, organization_state
from partner_sync.history.problems import problem_row, run_problems
from partner_sync.history.run_summary import utc_time
from partner_sync.ids import id_18

EVENTS, ALL = 500, -1
"""How many changes of one organization are shown unless all are asked for."""

_OF_BOTH = (
    "c.id IN (SELECT id FROM change WHERE account_id = ? UNION SELECT id FROM change WHERE organization_id = ?)"
    " AND c.instance = ?"
)


def account_histories(
    db: sqlite3.Connection, account_id: str, links: VendorLinks, *, events: int = EVENTS
) -> tuple[OrganizationHistory, ...]:
    """The histories of an account, for each instance that knows it."""
    account = id_18(account_id) or account_id
    known = [
        row["instance"]
        for row in db.execute("SELECT DISTINCT instance FROM subject WHERE account_id = ? ORDER BY 1", [account])
    ]
    named = _problem_instances(db, account)
    known = list(dict.fromkeys([*known, *(one for one in named if one)])) or named
    found = [_history(db, instance, account, None, links, events) for instance in known]
    return tuple(one for one in found if one is not None)


def organization_history(
    db: sqlite3.Connection, instance: str, organization_id: int, links: VendorLinks, *, events: int = EVENTS
) -> OrganizationHistory | None:
    """The history of an organization; None if the archive does not know it."""
    if organization_id.bit_length() > 63:
        return None
    row = db.execute(
        "SELECT account_id FROM subject WHERE organization_id = ? AND instance = ? ORDER BY at DESC LIMIT 1",
        [organization_id, instance],
    ).fetchone()
    if row is None and not _problem_ids(db, [str(organization_id)]):
        return None
    return _history(db, instance, (row["account_id"] or None) if row else None, organization_id, links, events)


def _history(
    db: sqlite3.Connection, instance: str, account: str | None, organization: int | None, links: VendorLinks, limit: int
) -> OrganizationHistory | None:
    last_read, read_at, organization = _last_read(db, instance, account, organization)
    rows = db.execute(
        "SELECT c.*, p.plan_id, p.made, r.run_id FROM change c JOIN plan p ON p.id = c.plan JOIN run r ON r.id = p.run"  # noqa: S608 - ours
        f" WHERE {_OF_BOTH} ORDER BY c.begun DESC, p.made DESC, c.n DESC LIMIT ?",
        [account, organization, instance, limit],
    ).fetchall()
    older = _count(db, instance, account, organization) - limit if len(rows) == limit else 0
    if organization is None:
        organization = next((one for row in rows if (one := row["organization_id"]) and _is_free(db, row, one)), None)
    changes = [
        DatedChange(utc_time(row["begun"]), change_row(row, row["run_id"], row["plan_id"], links)) for row in rows
    ]
    ids = [one for one in (account, str(organization) if organization else None) if one]
    latest = db.execute("SELECT * FROM run WHERE whole ORDER BY begun DESC LIMIT 1").fetchone()
    current = run_problems(db, latest, links, instance=instance or None, subjects=ids) if latest else ()
    past = _problem_events(db, ids, instance, links)
    if not changes and not past and last_read is None:
        return None
    as_of = utc_time(latest["begun"]) if latest else None
    state = organization_state(changes, current, as_of, last_read, read_at)
    events = [HistoryEvent(dated.begun, dated.change.run_id, dated.change, None) for dated in changes]
    names = _names(db, account, organization, instance)
    return OrganizationHistory(
        instance=instance,
        account_id=account,
        organization_id=organization,
        name=names[0] if names else "",
        names=names,
        now=state.now,
        since=state.since,
        as_of=max((one for one in (as_of, read_at) if one), default=None),
        sentence=state.sentence,
        fields=current_fields(changes, last_read),
        problems=current,
        history=tuple(sorted([*events, *past], key=lambda one: one.at, reverse=True)),
        older=older,
        account_url=links.account(account),
        organization_url=links.organization(instance, organization),
    )


def _count(db: sqlite3.Connection, instance: str, account: str | None, organization: int | None) -> int:
    asked = f"SELECT count(*) FROM change c WHERE {_OF_BOTH}"  # noqa: S608 - ours
    return int(db.execute(asked, [account, organization, instance]).fetchone()[0])


def _last_read(
    db: sqlite3.Connection, instance: str, account: str | None, organization: int | None
) -> tuple[LastRead | None, datetime | None, int | None]:
    """The partner at the last read of its instance, when that was, and its organization, where the read has it."""
    where, value = ("organization_id = ?", organization) if organization else ("account_id = ?", account)
    row = db.execute(
        f"SELECT * FROM last_read LEFT JOIN partner ON partner.instance = last_read.instance AND {where}"  # noqa: S608 - ours
        " WHERE last_read.instance = ? ORDER BY desired IS NULL LIMIT 1",
        [value, instance],
    ).fetchone()
    read = utc_time(row["begun"]) if row is not None else None
    if row is None or read is None or row["marked"] is None:
        return None, read, organization
    names = json.loads(row["fields"])
    desired, existing = (
        dict(zip(names, json.loads(row[key]), strict=True)) if row[key] else None for key in ("desired", "existing")
    )
    last_read = LastRead(read, row["name"], desired, existing, bool(row["marked"]))
    return last_read, read, organization or row["organization_id"] or None


def _is_free(db: sqlite3.Connection, change: sqlite3.Row, organization: int) -> bool:
    """Whether no account but that of the change has its organization now."""
    found = db.execute(
        "SELECT 1 FROM partner WHERE organization_id = ? AND instance = ? AND account_id NOT IN ('', ?)",
        [organization, change["instance"], change["account_id"]],
    )
    return found.fetchone() is None


def _names(db: sqlite3.Connection, account: str | None, organization: int | None, instance: str) -> tuple[str, ...]:
    """Every name it ever had, the newest first."""
    found = db.execute(
        "SELECT name, max(at) FROM subject WHERE (account_id = ? OR organization_id = ?) AND instance = ?"
        " AND name != '' GROUP BY name ORDER BY 2 DESC",
        [account, organization, instance],
    )
    return tuple(row["name"] for row in found)


def _problem_ids(db: sqlite3.Connection, subjects: Sequence[str]) -> list[int]:
    marks = ", ".join("?" * len(subjects))
    found = db.execute(f"SELECT DISTINCT problem FROM problem_subject WHERE subject IN ({marks})", list(subjects))  # noqa: S608 - question marks only
    return [row["problem"] for row in found]


def _problem_instances(db: sqlite3.Connection, account: str) -> list[str]:
    """The instances of the problems of an account; "" means problems of Salesforce alone."""
    found = db.execute(
        "SELECT DISTINCT coalesce(instance, '') AS instance FROM problem_subject s JOIN problem p ON p.id = s.problem"
        " WHERE s.subject = ? ORDER BY 1",
        [account],
    )
    return [row["instance"] for row in found]


def _problem_events(
    db: sqlite3.Connection, ids: Sequence[str], instance: str, links: VendorLinks
) -> list[HistoryEvent]:
    """Each problem that ever named any of these ids, when it was first seen."""
    events = []
    for number in _problem_ids(db, ids):
        row = db.execute("SELECT * FROM problem WHERE id = ?", [number]).fetchone()
        run = db.execute(
            "SELECT r.run_id, r.begun FROM problem_in i JOIN run r ON r.problem_set = i.problem_set WHERE i.problem = ?"
            " ORDER BY r.begun LIMIT 1",
            [number],
        ).fetchone()
        if run is not None and row["instance"] in (None, instance):
            events.append(HistoryEvent(utc_time(run["begun"]), run["run_id"], None, problem_row(db, row, links)))
    return events

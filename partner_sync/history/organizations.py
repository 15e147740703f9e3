"""Queries about one organization or account over all runs: how it is, what was written when, and why."""

from __future__ import annotations

import difflib
import sqlite3
from collections.abc import Sequence

from partner_sync.history.answers import ChangeRow, Event, FieldNow, Found, Hit, Now, ProblemRow, Story, Written
from partner_sync.history.changes import change_row
from partner_sync.history.links import Links
from partner_sync.history.problems import problem_row, problems
from partner_sync.history.summary import moment
from partner_sync.ids import id_18

EVENTS, HITS, NEAR = 500, 50, 5


def stories(db: sqlite3.Connection, account_id: str, links: Links) -> tuple[Story, ...]:
    """The stories of an account, one for each instance that knows it."""
    account = id_18(account_id) or account_id
    known = [
        row["instance"]
        for row in db.execute("SELECT DISTINCT instance FROM subject WHERE account_id = ? ORDER BY 1", [account])
    ]
    found = [_story(db, instance, account, None, links) for instance in known]
    if not found and _problem_ids(db, [account]):
        found = [_story(db, "", account, None, links)]
    return tuple(one for one in found if one is not None)


def story(db: sqlite3.Connection, instance: str, organization_id: int, links: Links) -> Story | None:
    """The story of an organization; None if the archive does not know it."""
    row = db.execute(
        "SELECT account_id FROM subject WHERE organization_id = ? AND instance = ? ORDER BY at DESC LIMIT 1",
        [organization_id, instance],
    ).fetchone()
    if row is None and not _problem_ids(db, [str(organization_id)]):
        return None
    return _story(db, instance, row["account_id"] if row else None, organization_id, links)


def _story(
    db: sqlite3.Connection, instance: str, account: str | None, organization: int | None, links: Links
) -> Story | None:
    rows = db.execute(
        "SELECT c.*, p.plan_id, p.made, r.run_id FROM change c JOIN plan p ON p.id = c.plan JOIN run r ON r.id = p.run"
        " WHERE c.id IN"
        " (SELECT id FROM change WHERE account_id = ? UNION SELECT id FROM change WHERE organization_id = ?)"
        " AND c.instance = ? ORDER BY c.begun DESC, p.made DESC, c.n DESC LIMIT ?",
        [account, organization, instance, EVENTS],
    ).fetchall()
    if organization is None:
        organization = next((row["organization_id"] for row in rows if row["organization_id"]), None)
    changes = [(row["begun"], change_row(row, row["run_id"], row["plan_id"], links)) for row in rows]
    ids = [one for one in (account, str(organization) if organization else None) if one]
    latest = db.execute("SELECT * FROM run WHERE whole ORDER BY begun DESC LIMIT 1").fetchone()
    now_problems = problems(db, latest, links, instance=instance or None, subjects=ids) if latest else ()
    past = _problem_events(db, ids, instance, links)
    if not changes and not past:
        return None
    now, since, sentence = _now(changes, now_problems, latest)
    events = [Event(moment(begun), one.run_id, one, None) for begun, one in changes]
    names = _names(db, account, organization, instance)
    return Story(
        instance=instance,
        account_id=account,
        organization_id=organization,
        name=names[0] if names else "",
        names=names,
        now=now,
        since=moment(since) if since is not None else None,
        as_of=moment(latest["begun"]) if latest else None,
        sentence=sentence,
        fields=_fields(changes),
        problems=now_problems,
        history=tuple(sorted([*events, *past], key=lambda one: one.at, reverse=True)),
        account_url=links.account(account),
        organization_url=links.organization(instance, organization),
    )


def _now(
    changes: Sequence[tuple[float, ChangeRow]], current: Sequence[ProblemRow], latest: sqlite3.Row | None
) -> tuple[Now, float | None, str]:
    """How the organization is as of the last whole run, since when, and that in one sentence."""
    if latest is None:
        return "not known", None, "No run over all accounts has made a plan yet."
    if current:
        since = min(one.first_seen for one in current).timestamp()
        kinds = ", ".join(sorted({one.kind for one in current}))
        return "problem", since, f"A person has to look at it: {kinds}."
    if not changes:
        return "as desired", None, "Its problem is gone; the last run found nothing to change."
    begun, last = next(((at, one) for at, one in changes if one.outcome != "dry run"), changes[0])
    done = last.outcome == "confirmed"
    if done and last.kind == "mark":
        return "marked", begun, f"Marked for deletion: {last.reason}"
    if done:
        return "as desired", begun, "Everything is as its account wants it."
    if begun < latest["begun"]:
        return (
            "as desired",
            latest["begun"],
            f"The last change was {last.outcome}; later runs found nothing to change.",
        )
    return (
        "differs",
        begun,
        f"A {last.kind} is {last.outcome}{f': {last.verdict_reason}' if last.verdict_reason else ''}.",
    )


def _fields(changes: Sequence[tuple[float, ChangeRow]]) -> tuple[FieldNow, ...]:
    """Every field that a change ever named, with its last confirmed write."""
    written: dict[str, Written | None] = {}
    for _, one in changes:
        for field in one.fields:
            written.setdefault(field.field, None)
            if written[field.field] is None and one.outcome == "confirmed" and one.written and one.at is not None:
                written[field.field] = Written(
                    one.at, field.before, field.after, field.reason, one.run_id, one.plan_id, one.n
                )
    return tuple(FieldNow(name, False, None, None, last) for name, last in sorted(written.items()))


def _names(db: sqlite3.Connection, account: str | None, organization: int | None, instance: str) -> tuple[str, ...]:
    """Every name it was seen with, the newest first."""
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


def _problem_events(db: sqlite3.Connection, ids: Sequence[str], instance: str, links: Links) -> list[Event]:
    """Each problem that ever named one of these ids, at the time it was seen first."""
    events = []
    for number in _problem_ids(db, ids):
        row = db.execute("SELECT * FROM problem WHERE id = ?", [number]).fetchone()
        run = db.execute(
            "SELECT r.run_id, r.begun FROM problem_in i JOIN run r ON r.problem_set = i.problem_set WHERE i.problem = ?"
            " ORDER BY r.begun LIMIT 1",
            [number],
        ).fetchone()
        if run is not None and row["instance"] in (None, instance):
            events.append(Event(moment(run["begun"]), run["run_id"], None, problem_row(db, row, links)))
    return events


# -- search -------------------------------------------------------------------------------------------------


def find(db: sqlite3.Connection, text: str) -> Found:
    """Accounts and organizations by a part of a name, by a 15- or 18-character id, or by Zendesk's id."""
    text = text.strip()
    account = id_18(text)
    number = int(text) if text.isdecimal() and len(text) < 19 else 0
    where: str = "instr(folded, ?) > 0"
    values: list[object] = [text.casefold()]
    if account is not None and _any(db, "account_id = ?", account):
        where, values = "account_id = ?", [account]
    elif number and _any(db, "organization_id = ?", number):
        where, values = "organization_id = ?", [number]
    if not text:
        return Found(text, (), 0, ())
    found = db.execute(
        "SELECT instance, account_id, max(organization_id) AS organization_id, max(at) AS at FROM subject"  # noqa: S608 - our own words
        f" WHERE {where} GROUP BY instance, account_id ORDER BY min(length(folded)), folded, 2, 1",
        values,
    ).fetchall()
    hits = tuple(_hit(db, row) for row in found[:HITS])
    if not hits:
        hits = _by_problem(db, account or text)
    return Found(text, hits, max(0, len(found) - HITS), () if hits else _near(db, text))


def _any(db: sqlite3.Connection, where: str, value: object) -> bool:
    return db.execute(f"SELECT 1 FROM subject WHERE {where} LIMIT 1", [value]).fetchone() is not None  # noqa: S608 - ours


def _hit(db: sqlite3.Connection, row: sqlite3.Row) -> Hit:
    name, number = db.execute(
        "SELECT name, max(organization_id) OVER () FROM subject WHERE account_id = ? AND instance = ?"
        " ORDER BY at DESC, name LIMIT 1",
        [row["account_id"], row["instance"]],
    ).fetchone()
    return Hit(
        row["instance"], row["account_id"] or None, row["organization_id"] or number or None, name, moment(row["at"])
    )


def _by_problem(db: sqlite3.Connection, subject: str) -> tuple[Hit, ...]:
    """What no change ever named, but a problem did."""
    found = db.execute(
        "SELECT p.instance, max(r.begun) AS at FROM problem_subject s JOIN problem p ON p.id = s.problem"
        " JOIN problem_in i ON i.problem = p.id JOIN run r ON r.problem_set = i.problem_set"
        " WHERE s.subject = ? GROUP BY 1",
        [subject],
    )
    number = int(subject) if subject.isdecimal() else None
    account = None if number else subject
    return tuple(Hit(row["instance"] or "", account, number, "", moment(row["at"])) for row in found)


def _near(db: sqlite3.Connection, text: str) -> tuple[str, ...]:
    """Names that look like `text`: of those that share most threes of letters with it, the nearest."""
    folded = text.casefold()
    threes = sorted({folded[at : at + 3] for at in range(max(1, len(folded) - 2))})[:40]
    if not folded:
        return ()
    shared = " + ".join(["(instr(folded, ?) > 0)"] * len(threes))
    found = db.execute(
        f"SELECT DISTINCT folded, name, {shared} AS shared FROM subject"  # noqa: S608 - question marks only
        " WHERE name != '' ORDER BY shared DESC, length(folded) LIMIT 200",
        threes,
    )
    names = {row["folded"]: row["name"] for row in found if row["shared"]}
    return tuple(names[one] for one in difflib.get_close_matches(folded, names, n=NEAR, cutoff=0.5))

"""The search for an account or organization by name or id."""

from __future__ import annotations

import difflib
import sqlite3

from partner_sync.history.folding import fold
from partner_sync.history.organization_results import SearchHit, SearchResult
from partner_sync.history.run_summary import utc_time
from partner_sync.ids import id_18

HITS, NEAR = 50, 5


def search_subjects(db: sqlite3.Connection, text: str) -> SearchResult:
    """Accounts and organizations by a part of a name, by a 15- or 18-character id, or by Zendesk's id."""
    text = text.strip().encode("utf-8", "replace").decode()  # of an argument, any byte
    account = id_18(text)
    number = int(text) if text.isdecimal() and len(text) < 19 else 0
    where: str = "instr(folded, ?) > 0"
    values: list[object] = [fold(text)]
    if account is not None and _any(db, "account_id = ?", account):
        where, values = "account_id = ?", [account]
    elif number and _any(db, "organization_id = ?", number):
        where, values = "organization_id = ?", [number]
    if not text:
        return SearchResult(text, (), 0, ())
    found = db.execute(
        "SELECT instance, account_id, max(organization_id) AS organization_id, max(at) AS at,"  # noqa: S608 - ours
        " count(*) OVER () AS found FROM subject"
        f" WHERE {where} GROUP BY instance, account_id, iif(account_id = '', organization_id, 0)"
        " ORDER BY min(length(folded)), folded, account_id, instance LIMIT ?",
        [*values, HITS],
    ).fetchall()
    hits = tuple(_hit(db, row) for row in found)
    if not hits:
        hits = _by_problem(db, account or text)
    return SearchResult(text, hits, max(0, found[0]["found"] - HITS) if found else 0, () if hits else _near(db, text))


def _any(db: sqlite3.Connection, where: str, value: object) -> bool:
    return db.execute(f"SELECT 1 FROM subject WHERE {where} LIMIT 1", [value]).fetchone() is not None  # noqa: S608 - ours


def _hit(db: sqlite3.Connection, row: sqlite3.Row) -> SearchHit:
    name, number = db.execute(
        "SELECT name, max(organization_id) OVER () FROM subject WHERE account_id = ? AND instance = ?"
        " AND (account_id != '' OR organization_id = ?) ORDER BY at DESC, name LIMIT 1",
        [row["account_id"], row["instance"], row["organization_id"]],
    ).fetchone()
    return SearchHit(
        row["instance"], row["account_id"] or None, row["organization_id"] or number or None, name, utc_time(row["at"])
    )


def _by_problem(db: sqlite3.Connection, subject: str) -> tuple[SearchHit, ...]:
    """Hits that only problems name."""
    found = db.execute(
        "SELECT p.instance, max(r.begun) AS at FROM problem_subject s JOIN problem p ON p.id = s.problem"
        " JOIN problem_in i ON i.problem = p.id JOIN run r ON r.problem_set = i.problem_set"
        " WHERE s.subject = ? GROUP BY 1",
        [subject],
    )
    number = int(subject) if subject.isdecimal() and len(subject) < 19 else None
    account = None if number else subject
    return tuple(SearchHit(row["instance"] or "", account, number, "", utc_time(row["at"])) for row in found)


def _near(db: sqlite3.Connection, text: str) -> tuple[str, ...]:
    """Similar names: the closest matches among the names that share most trigrams with `text`."""
    folded = fold(text)
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

"""Queries about the changes of a plan: filtered, searched, counted and paged by the index."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from partner_sync.history.folding import fold
from partner_sync.history.links import VendorLinks
from partner_sync.history.results import ChangeRow, ChangesPage, Facets
from partner_sync.history.run_summary import utc_time
from partner_sync.history.runs import links_of_run as links_of
from partner_sync.history.runs import page_of
from partner_sync.ids import id_18
from partner_sync.model import FieldChange

CONDITIONS = {
    "kind": "c.kind = ?",
    "field": "instr(c.field_names, ?) > 0",
    "verdict": "c.outcome = ?",
    "instance": "c.instance = ?",
    "hold": "c.hold = ?",
}

ORDERS = {"plan": "c.n", "kind": "c.kind, c.n", "name": "c.folded, c.n", "verdict": "c.outcome, c.n"}


@dataclass(frozen=True)
class Filters:
    """Filters of changes; None filters nothing. `search` is a part of a name, or an id; `hold` is the id of a hold."""

    kind: str | None = None
    field: str | None = None
    verdict: str | None = None
    instance: str | None = None
    search: str | None = None
    hold: str | None = None

    def where(self, plan: int) -> tuple[str, list[object]]:
        """The condition, and the values for its question marks."""
        parts, values = ["c.plan = ?"], [plan]
        found: list[object] = [*values]
        for one in fields(self):
            wanted = getattr(self, one.name)
            if wanted is not None and one.name in CONDITIONS:
                parts.append(CONDITIONS[one.name])
                found.append(f"|{wanted}|" if one.name == "field" else wanted)
        text = (self.search or "").strip()
        if text:
            account = id_18(text)
            parts.append(
                "(instr(c.folded, ?) > 0 OR c.account_id = ? OR instr(c.account_id, ?) = 1 OR c.organization_id = ?)"
            )
            found += [fold(text), account, text, int(text) if text.isdecimal() and len(text) < 19 else None]
        return " AND ".join(parts), found


def order_by(sort: str) -> str:
    """The ORDER BY of a sort key of ORDERS, descending after a minus; any other key sorts as planned."""
    columns = ORDERS.get(sort.removeprefix("-"), ORDERS["plan"])
    first, *rest = columns.split(", ")
    return ", ".join([f"{first} DESC" if sort.startswith("-") else first, *rest])


def changes_page(
    db: sqlite3.Connection,
    run: sqlite3.Row,
    plan: sqlite3.Row,
    filters: Filters,
    sort: str,
    page: int,
    page_size: int,
) -> ChangesPage:
    """One page of a plan's changes with their facets."""
    number, run_id, plan_id, links = plan["id"], run["run_id"], plan["plan_id"], links_of(db, run)
    where, values = filters.where(number)
    groups = _groups(db, number, filters)
    total = sum(one.count for one in groups if one.passes(filters))
    [every] = db.execute("SELECT count(*) FROM change WHERE plan = ?", [number]).fetchone()
    page, pages = page_of(total, page, page_size)
    rows = db.execute(
        f"SELECT c.* FROM change c WHERE {where} ORDER BY {order_by(sort)} LIMIT ? OFFSET ?",  # noqa: S608 - conditions are ours
        [*values, page_size, (page - 1) * page_size],
    )
    found = tuple(change_row(row, run_id, plan_id, links) for row in rows)
    return ChangesPage(run_id, plan_id, found, total, every, page, pages, _facets(groups, filters))


@dataclass(frozen=True)
class _Group:
    """Changes that are alike in all that people filter by. There are few groups, however many changes."""

    kind: str
    fields: frozenset[str]
    verdict: str
    instance: str
    count: int

    def passes(self, filters: Filters) -> bool:
        return (
            filters.kind in (None, self.kind)
            and (filters.field is None or filters.field in self.fields)
            and filters.verdict in (None, self.verdict)
            and filters.instance in (None, self.instance)
        )


def _groups(db: sqlite3.Connection, plan: int, filters: Filters) -> list[_Group]:
    """The groups of a plan, all facets from one pass over its changes."""
    where, values = replace(filters, kind=None, field=None, verdict=None, instance=None).where(plan)
    found = db.execute(
        f"SELECT kind, field_names, outcome, instance, count(*) FROM change c WHERE {where} GROUP BY 1, 2, 3, 4",  # noqa: S608 - conditions are ours
        values,
    )
    return [
        _Group(kind, frozenset(names.strip("|").split("|")) - {""}, verdict, instance, count)
        for kind, names, verdict, instance, count in found
    ]


def _facets(groups: Iterable[_Group], filters: Filters) -> Facets:
    """Each facet counts what all other filters let pass, the most frequent choice first."""
    kind, field, verdict, instance = (
        [one for one in groups if one.passes(replace(filters, **{name: None}))]
        for name in ("kind", "field", "verdict", "instance")
    )
    return Facets(
        kind=_counted((one.kind, one.count) for one in kind),
        field=_counted((name, one.count) for one in field for name in one.fields),
        verdict=_counted((one.verdict, one.count) for one in verdict),
        instance=_counted((one.instance, one.count) for one in instance),
    )


def _counted(found: Iterable[tuple[str, int]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for choice, count in found:
        counts[choice] += count
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def change_row(row: sqlite3.Row, run_id: str, plan_id: str, links: VendorLinks) -> ChangeRow:
    """A row of `change`."""
    return ChangeRow(
        run_id=run_id,
        plan_id=plan_id,
        n=row["n"],
        kind=row["kind"],
        instance=row["instance"],
        account_id=row["account_id"],
        organization_id=row["organization_id"],
        name=row["name"],
        reason=row["reason"],
        fields=tuple(FieldChange(*field) for field in json.loads(row["fields"])),
        outcome=row["outcome"],
        hold=row["hold"],
        hold_reason=row["hold_reason"],
        tickets=row["tickets"],
        users=row["users"],
        decisions=tuple(row["decisions"].split()),
        verdict_reason=row["verdict_reason"],
        vendor_words=row["vendor_words"],
        written=bool(row["written"]),
        written_at=utc_time(row["written_at"]) if row["written_at"] is not None else None,
        batch=row["batch"],
        job_id=row["job_id"],
        try_number=row["try_number"],
        at=utc_time(row["at"]) if row["at"] is not None else None,
        account_url=links.account(row["account_id"]),
        organization_url=links.organization(row["instance"], row["organization_id"]),
    )

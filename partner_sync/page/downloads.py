"""Changes and problems as CSV and JSON, line by line: 20,000 changes are never in memory at once."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from partner_sync.history import History
from partner_sync.history.changes import Filters
from partner_sync.history.results import ChangeRow, ProblemRow

_PAGE_SIZE = 1000
COLUMNS = (
    "kind", "name", "instance", "account_id", "organization_id", "field", "before", "after", "reason",
    "verdict", "verdict_reason", "zendesk_says", "job_id", "at", "hold", "hold_reason", "tickets", "users",
)  # fmt: skip
PROBLEM_COLUMNS = (
    "kind", "instance", "account_ids", "organization_ids", "detail", "advice", "first_seen", "last_seen", "new",
)  # fmt: skip


def change_rows(history: History, run_id: str, plan_id: str | None, filters: Filters, sort: str) -> Iterator[ChangeRow]:
    """All changes that match the filters, by pages: a stream changes threads, a connection to the index must not."""
    number, pages = 1, 1
    while number <= pages:
        found = history.changes(run_id, plan_id, filters, sort=sort, page=number, page_size=_PAGE_SIZE)
        if found is None:
            return
        yield from found.rows
        number, pages = number + 1, found.pages


def csv_lines(changes: Iterator[ChangeRow]) -> Iterator[str]:
    """One line for each field of each change."""
    yield _line(COLUMNS)
    for one in changes:
        for field in one.fields:
            yield _line((
                one.kind, one.name, one.instance, one.account_id, one.organization_id, field.field, field.before,
                field.after, field.reason or one.reason, one.outcome, one.verdict_reason, one.vendor_words, one.job_id,
                one.at.isoformat() if one.at else None, one.hold, one.hold_reason, one.tickets, one.users,
            ))  # fmt: skip


def problem_csv_lines(problems: Iterable[ProblemRow]) -> Iterator[str]:
    """One line for each problem; several ids are separated by spaces."""
    yield _line(PROBLEM_COLUMNS)
    for one in problems:
        accounts, organizations = (" ".join(each.id for each in some) for some in (one.accounts, one.organizations))
        yield _line((
            one.kind, one.instance, accounts, organizations, one.detail, one.advice, one.first_seen.isoformat(),
            one.last_seen.isoformat(), one.new,
        ))  # fmt: skip


def json_lines(found: Iterable[ChangeRow | ProblemRow]) -> Iterator[str]:
    """A JSON array with each change or problem on its own line."""
    before = "[\n"
    for one in found:
        yield before + json.dumps(asdict(one), default=lambda at: at.isoformat(), ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _line(cells: tuple[object, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_no_formula(cell) for cell in cells])
    return out.getvalue()


def _no_formula(cell: object) -> object:
    """A text that a spreadsheet would take for a formula stays text."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return f"'{cell}"
    return cell

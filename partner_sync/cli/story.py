"""The history of an organization for a terminal. Pure: results in, rich renderables out; outside text stays text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from partner_sync.cli.sanitize import sanitize
from partner_sync.history.labels import (
    HOLD_LABELS,
    OUTCOME_LABELS,
    STATE_LABELS,
    ago,
    cause_label,
    problem_label,
    tickets_label,
    value_label,
)
from partner_sync.history.organization_results import CurrentField, CurrentState, OrganizationHistory, SearchResult
from partner_sync.history.results import ChangeRow, ProblemRow
from partner_sync.model import Value

_STYLES: dict[CurrentState, str] = {
    "as desired": "green",
    "differs": "bold yellow",
    "problem": "bold red",
    "marked": "magenta",
    "not known": "dim",
}
_OUTCOME_STYLES = {"confirmed": "green", "rejected": "red", "unknown": "red"}
EVENTS_SHOWN, FIELDS_SHOWN = 20, 12


def render_story(story: OrganizationHistory, now: datetime) -> RenderableType:
    """How an organization is, its problems, its fields, and its history."""
    parts: list[RenderableType] = [_head(story), Text(), _now(story, now)]
    for problem in story.problems:
        parts += [Text(), *_problem(problem)]
    if any(field.known or field.written for field in story.fields):
        parts += [Text(), Padding(_fields(story.fields), (0, 0, 0, 2))]
    parts += [Text(), Text("History", "bold"), Padding(_history(story), (0, 0, 0, 2))]
    if len(story.history) > EVENTS_SHOWN:
        parts.append(Text(f"  and {len(story.history) - EVENTS_SHOWN} more; --json shows all", "dim"))
    return Group(*parts, Text())


def hit_lines(found: SearchResult) -> Iterator[RenderableType]:
    """The matches of a search, each on a line."""
    table = Table.grid(padding=(0, 2))
    for hit in found.hits:
        organization = str(hit.organization_id) if hit.organization_id else "-"
        table.add_row(
            *map(Text, (sanitize(hit.name), sanitize(hit.account_id or "-"), organization, sanitize(hit.instance)))
        )
    yield Padding(table, (0, 0, 0, 2))
    if found.more:
        yield Text(f"  and {found.more} more")


def _dated(at: datetime, now: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC ({ago(at, now)})"


def _value(value: Value) -> str:
    return sanitize(value_label(value))


def _head(story: OrganizationHistory) -> Text:
    ids = [f"account {sanitize(story.account_id)}" if story.account_id else "no account"]
    ids += [f"organization {story.organization_id}"] if story.organization_id else []
    ids += [sanitize(story.instance)] if story.instance else []
    head = Text(sanitize(story.name) or "(no name)", "bold")
    if len(story.names) > 1:
        head.append(f"   earlier: {', '.join(sanitize(name) for name in story.names[1:])}", "dim not bold")
    for line in (" · ".join(ids), story.account_url, story.organization_url):
        if line:
            head.append(f"\n{sanitize(line)}", "dim not bold")
    return head


def _now(story: OrganizationHistory, now: datetime) -> Text:
    text = Text()
    text.append(STATE_LABELS[story.now], _STYLES[story.now])
    if story.since is not None:
        text.append(f" since {_dated(story.since, now)}")
    text.append(f". {sanitize(story.sentence)}")
    if story.as_of is not None:
        text.append(f"\nAs of the last run, {_dated(story.as_of, now)}.", "dim")
    return text


def _problem(problem: ProblemRow) -> list[RenderableType]:
    return [
        Text(f"! {sanitize(problem_label(problem.kind))}", "red"),
        Padding(Text(sanitize(problem.detail)), (0, 0, 0, 2)),
        Padding(Text(sanitize(problem.advice), "bold"), (0, 0, 0, 2)),
    ]


def _fields(fields: tuple[CurrentField, ...]) -> Table:
    """Desired value, existing value and our last write of each field; a field that differs begins with ≠."""
    table = Table.grid(padding=(0, 2))
    for _ in range(4):
        table.add_column(overflow="fold")
    table.add_row(
        *(Text(title, "bold") for title in ("  Field", "Salesforce", "Zendesk", "Last written by Partner Sync"))
    )
    account = any(one.desired is not None for one in fields)  # at least the id
    organization = any(one.existing is not None for one in fields)
    for one in fields:
        differs = account and organization and one.known and one.desired != one.existing
        wanted, there = (
            "unknown" if not one.known else _value(each) if there_is else "-"
            for there_is, each in ((account, one.desired), (organization, one.existing))
        )
        last = Text("never", "dim")
        if one.written is not None:
            last = Text(f"{one.written.at:%Y-%m-%d %H:%M}, was {_value(one.written.before)}")
            last.append(f"; {sanitize(one.written.reason)}" if one.written.reason else "", "dim")
        style = "yellow" if differs else ""
        name = f"{'≠' if differs else ' '} {sanitize(one.field)}"
        table.add_row(Text(name, style), Text(wanted, style), Text(there, style), last)
    return table


def _history(story: OrganizationHistory) -> Table:
    table = Table.grid(padding=(0, 2))
    run_id = None
    current = {(one.kind, one.detail) for one in story.problems}
    for event in story.history[:EVENTS_SHOWN]:
        what = _change(event.change) if event.change else Text()
        if event.problem:
            what = Text(f"problem: {sanitize(problem_label(event.problem.kind))}", "red")
            if (event.problem.kind, event.problem.detail) not in current:
                what.append(f", last seen {event.problem.last_seen:%Y-%m-%d %H:%M}")
            what.append(f"  {sanitize(event.problem.detail)}", "default")
        if event.run_id != run_id:
            what.append(f"\nrun {sanitize(event.run_id)}", "dim")
        run_id = event.run_id
        table.add_row(Text(f"{event.at:%Y-%m-%d %H:%M}", "dim"), what)
    return table


def _change(change: ChangeRow) -> Text:
    text = Text()
    text.append(f"{change.kind} {OUTCOME_LABELS[change.outcome]}", _OUTCOME_STYLES.get(change.outcome, "yellow"))
    held = HOLD_LABELS[change.hold_reason] if change.hold_reason else ""
    known = tickets_label(change.tickets, change.users)
    parts = [part for part in (held, change.reason, known, change.verdict_reason, change.vendor_words) if part]
    if parts:
        text.append(f"  {'; '.join(sanitize(part) for part in parts)}")
    if change.kind == "create":
        text.append(f"\n{len(change.fields)} fields", "dim")
        return text
    for field in change.fields[:FIELDS_SHOWN]:
        text.append(f"\n{sanitize(field.field)}: {_value(field.before)} -> {_value(field.after)}")
        text.append(cause_label(field.cause), "dim")
    if len(change.fields) > FIELDS_SHOWN:
        text.append(f"\nand {len(change.fields) - FIELDS_SHOWN} more fields", "dim")
    return text

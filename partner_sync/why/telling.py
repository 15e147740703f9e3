"""A story for a terminal. Pure: answers in, rich renderables out; whatever comes from outside stays text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from partner_sync.history.answers import ChangeRow, Event, FieldNow, Found, Now, ProblemRow, Story
from partner_sync.local.plain import plain
from partner_sync.model import FieldChange, Value

STYLES: dict[Now, str] = {
    "as desired": "green",
    "differs": "bold yellow",
    "problem": "bold red",
    "marked": "magenta",
    "not known": "dim",
}
EVENTS_SHOWN, FIELDS_SHOWN = 20, 12


def told(story: Story, now: datetime) -> RenderableType:
    """The whole story: how it is, its problems, what was last written, and its history."""
    parts: list[RenderableType] = [_head(story), _now(story, now)]
    for problem in story.problems:
        parts += [Text(), *_problem(problem)]
    if story.fields:
        parts += [Text(), Text("Last written", "bold"), Padding(_fields(story.fields, now), (0, 0, 0, 2))]
    parts += [Text(), Text("History", "bold"), Padding(_history(story.history), (0, 0, 0, 2))]
    if len(story.history) > EVENTS_SHOWN:
        parts.append(Text(f"  and {len(story.history) - EVENTS_SHOWN} more; --json has them all", "dim"))
    return Group(*parts, Text())


def hit_lines(found: Found) -> Iterator[RenderableType]:
    """Several that fit, one a line."""
    table = Table.grid(padding=(0, 2))
    for hit in found.hits:
        organization = str(hit.organization_id) if hit.organization_id else "-"
        table.add_row(*map(Text, (plain(hit.name), plain(hit.account_id or "-"), organization, plain(hit.instance))))
    yield Padding(table, (0, 0, 0, 2))
    if found.more:
        yield Text(f"  and {found.more} more")


def ago(at: datetime, now: datetime) -> str:
    """A time as its distance, with the time itself."""
    seconds = (now - at).total_seconds()
    exact = f"{at:%Y-%m-%d %H:%M} UTC"
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{exact}, {count} {unit}{'s' if count > 1 else ''} ago"
    return f"{exact}, just now"


def value(one: Value) -> str:
    """A value as people read it."""
    return "nothing" if one is None else plain(one) if isinstance(one, str) else json.dumps(one)


def _head(story: Story) -> Text:
    head = Text(plain(story.name) or "(no name)", "bold")
    ids = [f"account {plain(story.account_id)}" if story.account_id else "no account"]
    if story.organization_id:
        ids.append(f"organization {story.organization_id}")
    head.append(f"   {' · '.join(ids)}{f' ({plain(story.instance)})' if story.instance else ''}", "dim not bold")
    for url in (story.account_url, story.organization_url):
        if url:
            head.append(f"\n{plain(url)}", "dim not bold")
    if len(story.names) > 1:
        head.append(f"\nearlier: {', '.join(plain(name) for name in story.names[1:])}", "dim not bold")
    return head


def _now(story: Story, now: datetime) -> Text:
    text = Text()
    text.append(story.now, STYLES[story.now])
    if story.since is not None:
        text.append(f" since {ago(story.since, now)}")
    text.append(f". {plain(story.sentence)}")
    if story.as_of is not None:
        text.append(f" As of the last run, {ago(story.as_of, now)}.", "dim")
    return text


def _problem(problem: ProblemRow) -> list[RenderableType]:
    return [
        Text(f"! {plain(problem.kind)}: {plain(problem.detail)}", "red"),
        Text(f"  {plain(problem.advice)}"),
    ]


def _fields(fields: tuple[FieldNow, ...], now: datetime) -> Table:
    table = Table.grid(padding=(0, 2))
    for one in fields:
        if one.written is None:
            table.add_row(Text(plain(one.field)), Text("not written by us", "dim"), Text())
            continue
        moved = Text(f"{value(one.written.after)}, was {value(one.written.before)}")
        if one.written.reason:
            moved.append(f"   {plain(one.written.reason)}", "dim")
        table.add_row(Text(plain(one.field)), moved, Text(ago(one.written.at, now), "dim"))
    return table


def _history(events: tuple[Event, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    for event in events[:EVENTS_SHOWN]:
        what = _change(event.change) if event.change else Text()
        if event.problem:
            what = Text(f"problem {plain(event.problem.kind)}: {plain(event.problem.detail)}", "red")
        table.add_row(Text(f"{event.at:%Y-%m-%d %H:%M}", "dim"), what, Text(plain(event.run_id), "dim"))
    return table


def _change(change: ChangeRow) -> Text:
    text = Text()
    text.append(f"{change.kind} {change.outcome}", "green" if change.outcome == "confirmed" else "yellow")
    said = [part for part in (change.reason, change.verdict_reason, change.vendor_words) if part]
    if said:
        text.append(f"   {'; '.join(plain(part) for part in said)}", "dim")
    for field in change.fields[:FIELDS_SHOWN]:
        text.append(f"\n{_field(field)}")
    if len(change.fields) > FIELDS_SHOWN:
        text.append(f"\nand {len(change.fields) - FIELDS_SHOWN} more fields", "dim")
    return text


def _field(field: FieldChange) -> str:
    return f"  {plain(field.field)}: {value(field.before)} -> {value(field.after)}"

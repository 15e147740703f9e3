"""The effect of another config as text, Markdown or JSON. Pure; ids only, unless names are asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from partner_sync.cli.sanitize import sanitize
from partner_sync.compare.config_effect import DIFFERENCES, ConfigEffect, Difference, RowEffect, rows_by_field
from partner_sync.history.labels import value_label
from partner_sync.model import Change, FieldChange

MOST_ROWS = 50
DIFFERENCE_SIGNS: dict[Difference, str] = {"added": "+", "removed": "-", "changed": "~"}
_NOTHING = "Nothing changes: the same rows are planned."


def effect_text(effect: ConfigEffect, run_id: str, read: datetime, *, names: bool) -> str:
    """For a terminal."""
    lines = [f"Compared with run {run_id}, read {read:%Y-%m-%d %H:%M} UTC.", "", *_summary(effect)]
    if effect.rows:
        counted = [(kind, field, *map(str, counts.values())) for (kind, field), counts in rows_by_field(effect).items()]
        lines += ["", *_columns([("kind", "field", *DIFFERENCES), *counted])]
    if effect.unknown:
        lines += ["", "Unknown:", *(f"  {one.subject}: {one.meaning}" for one in effect.unknown)]
    if effect.rows:
        shown = effect.rows[:MOST_ROWS]
        lines += ["", "Rows:", *(f"  {DIFFERENCE_SIGNS[row.difference]} {_row(row, names, str)}" for row in shown)]
        lines += _more(effect)
    return "\n".join(map(sanitize, lines)) + "\n"


def effect_markdown(effect: ConfigEffect, run_id: str, read: datetime, *, names: bool) -> str:
    """For a comment on a pull request."""
    lines = ["### Effect of this config", "", f"Compared with run `{run_id}`, read {read:%Y-%m-%d %H:%M} UTC.", ""]
    lines += [f"{line}\n" for line in _summary(effect)]
    if effect.rows:
        lines += [f"| kind | field | {' | '.join(DIFFERENCES)} |", "|---|---|---|---|---|"]
        for (kind, field), counts in rows_by_field(effect).items():
            lines.append(f"| {kind} | {_code(field)} | {' | '.join(map(str, counts.values()))} |")
        lines.append("")
    if effect.unknown:
        lines += ["**Unknown**", "", *(f"* {_code(one.subject)}: {one.meaning}" for one in effect.unknown), ""]
    if effect.rows:
        shown = effect.rows[:MOST_ROWS]
        lines += ["<details><summary>Rows</summary>", ""]
        lines += [f"* {row.difference}: {_row(row, names, _code)}" for row in shown]
        lines += [*_more(effect), "", "</details>"]
    return "\n".join(map(sanitize, "\n".join(lines).split("\n"))) + "\n"


def effect_json(effect: ConfigEffect, run_id: str, read: datetime, *, names: bool) -> str:
    """All rows, for programs."""
    fields = [{"kind": kind, "field": field, **counts} for (kind, field), counts in rows_by_field(effect).items()]
    holds = [
        {"id": one.id, "instance": one.instance, "kind": one.kind, "rows": one.rows, "limit": one.limit, "of": one.of}
        for one in effect.holds
    ]
    table = {
        "run": run_id,
        "read": read.isoformat(),
        "differs": not effect.is_empty,
        "counts": {name: sum(row.difference == name for row in effect.rows) for name in DIFFERENCES},
        "fields": fields,
        "holds": holds,
        "unknown": [{"kind": one.kind, "subject": one.subject, "meaning": one.meaning} for one in effect.unknown],
        "planning_only": list(effect.planning_only),
        "rows": [_row_json(row, names) for row in effect.rows],
    }
    return json.dumps(table, indent=1) + "\n"


FORMATS: Mapping[str, Callable[..., str]] = {"text": effect_text, "markdown": effect_markdown, "json": effect_json}


def _summary(effect: ConfigEffect) -> Iterator[str]:
    if effect.is_empty:
        yield _NOTHING
        return
    counts = Counter(row.difference for row in effect.rows)
    kinds = Counter(row.change.kind for row in effect.rows)
    if effect.rows:
        what = ", ".join(f"{count:,} {kind}s" for kind, count in kinds.items())
        how = ", ".join(f"{counts[name]:,} {name}" for name in DIFFERENCES if counts[name])
        yield f"{len(effect.rows):,} rows differ ({what}): {how}."
    else:
        yield "No row differs, as far as the snapshots show."
    for hold in effect.holds:
        yield f"The next run holds {hold.rows:,} rows for the rules. {hold.why}"
    if effect.planning_only:
        yield f"{', '.join(effect.planning_only)}: planning only, so the next run writes nothing there."
    elif any(row.difference != "removed" for row in effect.rows) and not effect.holds:
        yield "The next run holds none of them for the rules; the other limits apply as ever."


def _more(effect: ConfigEffect) -> list[str]:
    more = len(effect.rows) - MOST_ROWS
    return [f"and {more:,} more; --format json has all"] if more > 0 else []


def _row(row: RowEffect, names: bool, code: Callable[[str], str]) -> str:
    change = row.change
    ids = f"{change.kind} {change.instance} {change.account_id} {change.organization_id or 'new'}"
    held = " (held)" if row.held else ""
    if not names:
        return f"{ids}{held}: {', '.join(map(code, row.fields))}"
    values = "; ".join(f"{code(field)}: {_values(row, field, code)}" for field in row.fields)
    return f"{ids} {code(change.name)}{held}: {values}"


def _values(row: RowEffect, field: str, code: Callable[[str], str]) -> str:
    """What becomes of a field: as planned before, where that differs, and as planned now."""
    now, former = _field(row.after, field), _field(row.before, field)
    shown = [f"{code(value_label(one.before))} -> {code(value_label(one.after))}" for one in (former, now) if one]
    return ", now ".join(shown) if now else f"{shown[0]}, no longer"


def _field(change: Change | None, field: str) -> FieldChange | None:
    return next((one for one in change.fields if one.field == field), None) if change else None


def _row_json(row: RowEffect, names: bool) -> dict[str, Any]:
    change = row.change
    found: dict[str, Any] = {
        "difference": row.difference,
        "kind": change.kind,
        "instance": change.instance,
        "account_id": change.account_id,
        "organization_id": change.organization_id,
        "held": row.held,
        "fields": list(row.fields),
    }
    if names:
        found["name"] = change.name
        found["values"] = {
            when: {one.field: [one.before, one.after] for one in planned.fields if one.field in row.fields}
            for when, planned in (("before", row.before), ("after", row.after))
            if planned is not None
        }
    return found


def _code(text: str) -> str:
    """Text that Markdown shows as it is."""
    plain = text.replace("`", "'").replace("|", "/").replace("\n", " ")
    return f"`{plain}`"


def _columns(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        text = [
            f"{cell:<{width}}" if at < 2 else f"{cell:>{width}}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  " + "  ".join(text).rstrip()

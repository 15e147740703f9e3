"""The schedule of the DAG: one key of the config, which the DAG file needs before anything else is read.

A module of its own: Airflow parses the DAG file all the time, so it imports neither pydantic nor the other settings.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib as tomllib
else:
    import tomli as tomllib

HOURLY = "@hourly"
PRESETS = (HOURLY, "@daily", "@midnight", "@weekly", "@monthly", "@quarterly", "@yearly")
"""Those of Airflow that start a run by themselves, at intervals: not @continuous, @once or None."""
FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
NAMES = {
    "month": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "day of the week": ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""The most days that each month has."""
SCHEDULE_ADVICE = (
    f'Write one of {", ".join(PRESETS)}, or five fields of cron as in "*/5 * * * *" (minute, hour, day of the month,'
    " month, day of the week; in UTC)."
)


def schedule_of(path: Path) -> str:
    """The schedule in a config file; `HOURLY` if the file has none, or none that is valid.

    A DAG that cannot be parsed would show no error where people look for it. The first task reads the whole file and
    reports its errors.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("schedule", HOURLY)
    except (OSError, ValueError):
        return HOURLY
    return found if isinstance(found, str) and wrong_schedule(found) is None else HOURLY


def wrong_schedule(text: str) -> str | None:
    """What is wrong with a schedule; None if it is valid."""
    if text.startswith("@"):
        return None if text in PRESETS else "is not a preset that is known here"
    parts = text.split()
    if len(parts) != len(FIELDS):
        return f"has {len(parts)} fields, not {len(FIELDS)}"
    values = [_values(part, *field) for part, field in zip(parts, FIELDS, strict=True)]
    wrong = [name for (name, _, _), found in zip(FIELDS, values, strict=True) if not found]
    if wrong:
        return f"has a {wrong[0]} that is not valid"
    _, _, days, months, _ = values
    if parts[4] == "*" and min(days) > max(LONGEST[month - 1] for month in months):
        return "is on a day that no such month has"
    return None


def _values(part: str, name: str, low: int, high: int) -> set[int]:
    """The values that a field allows; empty if it is not valid."""
    found: set[int] = set()
    for item in part.split(","):
        span, slash, step = item.partition("/")
        first, dash, last = (str(low), "-", str(high)) if span == "*" else span.partition("-")
        start, end = _number(first, name, low), _number(last if dash else first, name, low)
        size = int(step) if re.fullmatch(r"[0-9]{1,2}", step) else 0 if slash else 1
        if start is None or end is None or not low <= start <= end <= high or size < 1 or (slash and not dash):
            return set()
        found.update(range(start, end + 1, size))
    return found


def _number(text: str, name: str, low: int) -> int | None:
    names = NAMES.get(name, ())
    if text.lower() in names:
        return names.index(text.lower()) + low
    return int(text) if re.fullmatch(r"[0-9]{1,2}", text) else None

"""Values that never stick: written several times in a row, rejected or set back, they are not written in every run.

A streak belongs to one change key, so to a value before and after: any change of either ends it, and so does one run
that no longer wants the change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from partner_sync.archive.memory_records import Streak
from partner_sync.compare.change_keys import change_keys, field_key
from partner_sync.compare.problem_kinds import problem
from partner_sync.model import Change, Create, Problem

PAUSES = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
"""How long a value rests before it is tried once more; the last wait repeats."""
EARLY = timedelta(minutes=5)
"""How much earlier than a wait ends a run may try again: runs of a schedule do not begin to the second."""


@dataclass(frozen=True)
class Rested:
    """What is left to write, a problem for each row with values that rest, and the streaks for the next run."""

    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    streaks: tuple[Streak, ...]


def rest(
    changes: Iterable[Change], known: Iterable[Streak], written: Collection[str], *, after: int, made: datetime
) -> Rested:
    """Takes values that rest out of the changes.

    :param written: the keys that the last complete run wrote with a result of their own, confirmed or rejected
    :param after: results in a row after which a value rests
    """
    streaks = {one.key: one for one in known}
    if not streaks and not written:
        return Rested(tuple(changes), (), ())
    left: list[Change] = []
    problems: list[Problem] = []
    still: dict[str, Streak] = {}
    for change in changes:
        resting: set[str] = set()
        for key in change_keys(change):
            streak = _continued(streaks.get(key), key, written, made)
            if streak is not None:
                still[key] = streak
                if _rests(streak, after, made):
                    resting.add(key)
        if resting:
            problems.append(_problem(change, resting, still))
            change = replace(
                change, fields=tuple(one for one in change.fields if field_key(change, one) not in resting)
            )
        if change.fields and not (resting and isinstance(change, Create)):
            left.append(change)
    return Rested(tuple(left), tuple(problems), tuple(still.values()))


def _continued(streak: Streak | None, key: str, written: Collection[str], made: datetime) -> Streak | None:
    """The streak of a change that is wanted again: its last write did not stay."""
    if key not in written:
        return streak
    if streak is None:
        return Streak(key, 1, made, made)
    return replace(streak, results=streak.results + 1, last=made)


def _rests(streak: Streak, after: int, made: datetime) -> bool:
    if streak.results < after:
        return False
    wait = PAUSES[min(streak.results - after, len(PAUSES) - 1)]
    return made - streak.last < wait - EARLY


def _problem(change: Change, resting: Collection[str], streaks: dict[str, Streak]) -> Problem:
    fields = [one for one in change.fields if field_key(change, one) in resting]
    since = min(streaks[key].since for key in resting)
    values: Sequence[str] = [f"{one.field}: {one.before!r} -> {one.after!r}" for one in fields]
    whose = (
        f"Organization {change.organization_id}"
        if change.organization_id
        else f"The organization of {change.account_id}"
    )
    detail = f"{whose} does not keep what is written, since {since:%Y-%m-%d %H:%M} UTC: {'; '.join(values)}."
    organizations = [change.organization_id] if change.organization_id else []
    return problem(
        "resting", detail, instance=change.instance, accounts=[change.account_id], organizations=organizations
    )

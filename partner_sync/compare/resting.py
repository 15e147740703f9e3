"""Values that never stick: written several times in a row, rejected or set back, they are not written in every run.

A streak belongs to one change key, so to a value before and after: any change of either ends it, and so does one run
that no longer wants the change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from partner_sync.archive.memory_records import Streak
from partner_sync.compare.change_keys import field_key, problem_id
from partner_sync.compare.problem_kinds import problem
from partner_sync.model import Change, Create, FieldChange, Problem

RESTING = "resting"
"""The kind of the problem that such a row is."""
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
    changes: Iterable[Change],
    known: Iterable[Streak],
    written: Collection[str],
    *,
    after: int,
    made: datetime,
    rules: Mapping[str, str],
    released: Mapping[str, datetime],
) -> Rested:
    """Takes values that rest out of the changes.

    :param written: the keys that the last complete run wrote with a result of their own, confirmed or rejected
    :param after: results in a row after which a value rests
    :param rules: field to the digest of its rule and definition; what streaks under other rules say is forgotten
    :param released: the rows that people let be written again, and since when
    """
    streaks = {one.key: one for one in known if one.rule == rules.get(one.field, "") and not _released(one, released)}
    if not streaks and not written:
        return Rested(tuple(changes), (), ())
    left: list[Change] = []
    problems: list[Problem] = []
    still: dict[str, Streak] = {}
    for change in changes:
        resting: set[str] = set()
        for field in change.fields:
            key = field_key(change, field)
            streak = streaks.get(key)
            if key in written:
                streak = _continued(streak, change, field, key, made, rules.get(field.field, ""))
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


def row_id(change: Change) -> str:
    """The id of a row that rests: that of its problem."""
    organizations = [change.organization_id] if change.organization_id else []
    return problem_id(RESTING, change.instance, [change.account_id], organizations)


def _released(streak: Streak, released: Mapping[str, datetime]) -> bool:
    at = released.get(streak.row)
    return at is not None and streak.last <= at


def _continued(
    streak: Streak | None, change: Change, field: FieldChange, key: str, made: datetime, rule: str
) -> Streak:
    """The streak of a change that is wanted again: its last write did not stay."""
    if streak is not None:
        return replace(streak, results=streak.results + 1, last=made)
    return Streak(
        key=key,
        results=1,
        since=made,
        last=made,
        row=row_id(change),
        account_id=change.account_id,
        organization_id=change.organization_id,
        field=field.field,
        before=field.before,
        after=field.after,
        rule=rule,
    )


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
    return problem(RESTING, detail, instance=change.instance, accounts=[change.account_id], organizations=organizations)

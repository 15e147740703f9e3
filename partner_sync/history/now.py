"""How an organization is, by what is known of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from partner_sync.history.answers import ChangeRow, ProblemRow
from partner_sync.history.stories import FieldNow, Now, Written
from partner_sync.model import Value


@dataclass(frozen=True)
class Stood:
    """How it was when it was read last. `desired` is None without an account, `existing` without an organization."""

    begun: datetime
    name: str
    desired: Mapping[str, Value] | None
    existing: Mapping[str, Value] | None
    marked: bool


@dataclass(frozen=True)
class Told:
    """One change, and when the read that it comes from was begun."""

    begun: datetime
    change: ChangeRow


def fields(changes: Sequence[Told], stood: Stood | None) -> tuple[FieldNow, ...]:
    """Every field that is synced or was ever changed: what is wanted, what is there, and who wrote it last."""
    written: dict[str, tuple[Told, Written]] = {}
    named: dict[str, None] = dict.fromkeys([*(stood.desired or {}), *(stood.existing or {})]) if stood else {}
    for told in changes:
        one = told.change
        for field in one.fields:
            named.setdefault(field.field)
            if field.field not in written and one.outcome == "confirmed" and one.written and one.at is not None:
                last = Written(one.at, field.before, field.after, field.reason, one.run_id, one.plan_id, one.n)
                written[field.field] = told, last
    found = []
    for name in named if stood else sorted(named):
        told_of, last_of = written.get(name, (None, None))
        desired = (stood.desired or {}).get(name) if stood else None
        existing = (stood.existing or {}).get(name) if stood else None
        if stood and told_of and last_of and told_of.begun >= stood.begun:
            existing = last_of.after  # written since it was read
        known = stood is not None and (name in (stood.desired or {}) or name in (stood.existing or {}))
        found.append(FieldNow(name, known, desired, existing, last_of))
    return tuple(found)


def judge(
    changes: Sequence[Told],
    problems: Sequence[ProblemRow],
    latest: datetime | None,
    stood: Stood | None,
    read: datetime | None,
) -> tuple[Now, datetime | None, str]:
    """How it is as of the last run over all accounts, since when, and that in one sentence.

    `changes` begin with the newest. `read` is when its instance was read last, whether it stood there or not.
    """
    if problems:
        kinds = ", ".join(sorted({one.kind.replace("_", " ") for one in problems}))
        return "problem", min(one.first_seen for one in problems), f"A person has to look at it: {kinds}."
    last = next((told for told in changes if told.change.outcome != "dry run"), None)
    if last is not None and (read is None or last.begun >= read):
        return _by_change(last, latest)
    if stood is not None:
        return _by_standing(last, stood)
    if read is not None and changes and read > changes[0].begun:
        return "not known", None, "The last read knows no such partner."
    if latest is None or not changes:
        return "not known", None, "Nothing was written yet." if changes else "Its problem is gone."
    return "not known", None, "It was only looked at, in a dry run."


def _by_change(last: Told, latest: datetime | None) -> tuple[Now, datetime | None, str]:
    one = last.change
    if one.outcome == "confirmed":
        if one.kind == "mark":
            return "marked", last.begun, f"Marked for deletion: {one.reason}."
        return "as desired", last.begun, "Everything is as its account wants it."
    if latest is not None and last.begun < latest:
        return "as desired", latest, f"Its last {one.kind} was {one.outcome}; later runs found nothing to change."
    why = f": {one.verdict_reason}" if one.verdict_reason else ""
    return "differs", last.begun, f"Its {one.kind} is {one.outcome}{why}."


def _by_standing(last: Told | None, stood: Stood) -> tuple[Now, datetime | None, str]:
    since = last.begun if last is not None and last.change.outcome == "confirmed" else None
    if stood.desired is None:
        if stood.marked:
            return "marked", since, "It is marked for deletion: no account has its id."
        return "not known", None, "No account of the last read says what it should be."
    if stood.existing is None:
        return "differs", stood.begun, "Its account has no organization here that was read whole."
    different = [name for name, value in stood.desired.items() if stood.existing.get(name) != value]
    if different:
        return "differs", stood.begun, f"Read last, these differed: {', '.join(different)}."
    return "as desired", since, "Everything is as its account wants it."

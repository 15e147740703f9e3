"""Everything that people decided and that is in force, and the rows that rest: what a person may withdraw."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import unquote

from partner_sync.archive.archive import Archive
from partner_sync.archive.decision_store import Decisions
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.object_store import children
from partner_sync.model import Does


@dataclass(frozen=True, slots=True)
class InForce:
    """A decision, or a row that the sync itself lets rest. `about` is the hold, the problem, the run that is undone, or
    the field that rests; `rows` is how many rows are left of the `of` that it names. `by` is empty for what rests."""

    id: str
    does: Does | Literal["rest"]
    instance: str
    about: str
    rows: int
    of: int
    by: str
    at: datetime
    until: datetime | None
    note: str
    run_id: str


def in_force(archive: Archive, now: datetime) -> list[InForce]:
    """What is in force in all instances: decisions by time, then what rests.

    :raises SnapshotError: if an object cannot be read
    """
    return [
        one
        for folder in children(archive.root / "instances")
        for name in [unquote(folder.name)]
        for one in (*_decisions(archive, name, now), *_resting(archive, name))
    ]


def _decisions(archive: Archive, instance: str, now: datetime) -> Iterator[InForce]:
    known = Decisions(archive.root, instance).read()
    for one in sorted(known.lasting(now), key=lambda one: (one.at, one.id)):
        over = known.spent_keys(one) | known.ended_keys[one.id]
        rows = sum(not over.issuperset(row.keys) for row in one.rows) or int(one.problem is not None)
        yield InForce(
            id=one.id,
            does=one.does,
            instance=instance,
            about=one.hold or one.problem or one.undoes or "",
            rows=rows,
            of=one.size,
            by=one.by,
            at=one.at,
            until=one.until,
            note=one.note,
            run_id=one.run_id,
        )


def _resting(archive: Archive, instance: str) -> Iterator[InForce]:
    """The rows that rested in the newest complete run, and that nobody has released since."""
    memory = InstanceMemory(archive.root, instance).newest()
    run = memory and archive.run(archive.run_folder(memory.run_id, memory.run_after))
    if not memory or not run:
        return
    resting: Collection[str] = {one.id for one in run.plan.problems if one.kind == "resting"}
    rows: dict[str, list[str]] = {}
    since: dict[str, datetime] = {}
    for streak in memory.streaks:
        if streak.row in resting:
            rows.setdefault(streak.row, []).append(streak.field)
            since[streak.row] = min(streak.since, since.get(streak.row, streak.since))
    decisions = Decisions(archive.root, instance)
    for row, fields in rows.items():
        withdrawal = decisions.withdrawal(row)
        if withdrawal is None or withdrawal.at < memory.order.made:
            yield InForce(row, "rest", instance, ", ".join(fields), 1, 1, "", since[row], None, "", memory.run_id)

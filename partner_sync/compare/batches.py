"""Cuts a plan into bulk jobs: at most 100 changes of one kind for one instance each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple, TypeVar

from partner_sync.model import Batch, Change, Kind, Plan

T = TypeVar("T")

BATCH_SIZE = 100
"""The most that Zendesk accepts in one bulk job."""


def batches(plan: Plan, size: int = BATCH_SIZE) -> tuple[Batch, ...]:
    """The plan's changes in bulk jobs: instance by instance, creates, then updates, then marks.

    Changes of an instance that is not armed are in no batch.
    """
    cut = [one for one in _cut(plan.changes, size) if one.instance not in plan.planning_only]
    several = len({one.instance for one in cut}) > 1
    return tuple(
        Batch(
            order=plan.order,
            run_id=plan.run_id,
            instance=one.instance,
            kind=one.kind,
            name=f"{f'{one.instance} ' if several else ''}{one.kind} {one.first}-{one.first + len(one.changes) - 1}",
            index=index,
            of=len(cut),
            digest=digest(one.changes),
            changes=one.changes,
            approvals=_of_rows(plan.approvals, one),
            restores=_of_rows(plan.restores, one),
        )
        for index, one in enumerate(cut)
    )


class _Cut(NamedTuple):
    """Changes of one batch: `start` is the position of the first in the plan, `first` its number within the kind."""

    instance: str
    kind: Kind
    start: int
    first: int
    changes: tuple[Change, ...]


def _of_rows(of_plan: Mapping[int, T], cut: _Cut) -> dict[int, T]:
    """What the plan has by position, by position in the batch."""
    return {row: of_plan[cut.start + row] for row in range(len(cut.changes)) if cut.start + row in of_plan}


def _cut(changes: Sequence[Change], size: int) -> Iterator[_Cut]:
    start = 0
    for (instance, kind), group in groupby(changes, key=lambda one: (one.instance, one.kind)):
        several = tuple(group)
        for first in range(0, len(several), size):
            yield _Cut(instance, kind, start + first, first + 1, several[first : first + size])
        start += len(several)


def digest(changes: Iterable[Change]) -> str:
    """The SHA-256 of changes as canonical JSON: two batches with the same digest write the same."""
    rows = [
        [
            one.kind,
            one.instance,
            one.account_id,
            one.organization_id,
            one.name,
            one.reason,
            [[field.field, field.before, field.after, field.reason] for field in one.fields],
        ]
        for one in changes
    ]
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()

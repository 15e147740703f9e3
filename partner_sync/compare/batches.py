"""Cuts a plan into bulk jobs: at most 100 changes of one kind for one instance each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from partner_sync.model import Batch, Change, Kind, Plan

BATCH_SIZE = 100
"""The most that Zendesk accepts in one bulk job."""


def batches(plan: Plan, size: int = BATCH_SIZE) -> tuple[Batch, ...]:
    """The plan's changes in bulk jobs: instance by instance, creates, then updates, then marks."""
    cut = list(_cut(plan.changes, size))
    several = len({instance for instance, *_ in cut}) > 1
    return tuple(
        Batch(
            order=plan.order,
            run_id=plan.run_id,
            instance=instance,
            kind=kind,
            name=f"{f'{instance} ' if several else ''}{kind} {first}-{first + len(changes) - 1}",
            index=index,
            of=len(cut),
            digest=digest(changes),
            changes=changes,
        )
        for index, (instance, kind, first, changes) in enumerate(cut)
    )


def _cut(changes: Sequence[Change], size: int) -> Iterator[tuple[str, Kind, int, tuple[Change, ...]]]:
    for (instance, kind), group in groupby(changes, key=lambda one: (one.instance, one.kind)):
        several = tuple(group)
        for start in range(0, len(several), size):
            yield instance, kind, start + 1, several[start : start + size]


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

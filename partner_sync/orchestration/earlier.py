"""Collects from the archive what earlier runs and people left for a run that compares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from partner_sync.archive.decisions import Decisions
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.memory_records import Decision, HoldRecord, HoldRow, Memory
from partner_sync.compare.change_keys import change_keys
from partner_sync.compare.earlier_runs import EarlierRuns
from partner_sync.model import Plan

if TYPE_CHECKING:
    from partner_sync.archive.archive import Archive


def earlier_runs(archive: Archive, instance: str, now: datetime, shown: Iterable[Decision] = ()) -> EarlierRuns:
    """What is known of an instance. `shown` are decisions of a dry run, which are not recorded."""
    known = InstanceMemory(archive.root, instance)
    memory = known.newest()
    decisions = Decisions(archive.root, instance).read()
    more = tuple(one for one in shown if one.instance == instance)
    return EarlierRuns(
        memory=memory,
        marked=known.marked_without_approval(now),
        written=_written(archive, memory),
        decisions=replace(decisions, decisions=(*decisions.decisions, *more)),
        armed=known.armed() is not None,
    )


def remember(archive: Archive, memories: Iterable[Memory]) -> None:
    """Archives what a complete run leaves for the next."""
    for memory in memories:
        InstanceMemory(archive.root, memory.instance).remember(memory)


def remember_holds(archive: Archive, plan: Plan) -> None:
    """Archives the rows of every hold of a plan, so that they can be approved."""
    for hold in plan.holds:
        rows = tuple(HoldRow(one.account_id, one.organization_id, change_keys(one)) for one in hold.changes)
        InstanceMemory(archive.root, hold.instance).write_hold(
            HoldRecord(hold.id, hold.instance, hold.kind, hold.reason, rows, plan.id, plan.order.made)
        )


def _written(archive: Archive, memory: Memory | None) -> frozenset[str]:
    """The change keys that the last complete run sent and that have a result of their own."""
    if memory is None:
        return frozenset()
    folder = archive.run_folder(memory.run_id, memory.run_after)
    plan = archive.plan(folder, memory.order.plan_id)
    if plan is None:
        return frozenset()
    sent = {
        (row.instance, row.account_id, row.organization_id)
        for row in archive.verdicts(folder, plan.id)
        if row.written and row.verdict in ("confirmed", "rejected")
    }
    return frozenset(
        key
        for change in plan.changes
        if change.instance == memory.instance and (change.instance, change.account_id, change.organization_id) in sent
        for key in change_keys(change)
    )

"""Collects from the archive what earlier runs and people left for a run that compares."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from partner_sync.archive.decision_store import Decisions
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.memory_records import EndedKeys, HoldRecord, HoldRow, Memory
from partner_sync.archive.replay_store import get_inputs
from partner_sync.compare.change_keys import change_keys, field_key
from partner_sync.compare.earlier_runs import EarlierRuns, LastResults
from partner_sync.compare.inputs import PlanInputs
from partner_sync.model import FieldCause, Plan, Value
from partner_sync.orchestration.run_decisions import NOTHING_DECIDED, RunDecisions

if TYPE_CHECKING:
    from partner_sync.archive.archive import Archive


def earlier_runs(archive: Archive, instance: str, now: datetime, shown: RunDecisions = NOTHING_DECIDED) -> EarlierRuns:
    """What is known of an instance. `shown` are the decisions of a dry run, which are not recorded."""
    known, recorded = InstanceMemory(archive.root, instance), Decisions(archive.root, instance)
    memory, decisions = known.newest(), recorded.read()
    more = tuple(one for one in shown.decisions if one.instance == instance)
    withdrawn = {one: withdrawal for name, one, withdrawal in shown.withdrawals if name == instance}
    released = {
        streak.row: withdrawal.at
        for streak in (memory.streaks if memory else ())
        if (
            withdrawal := withdrawn.get(streak.row)
            or (recorded.withdrawal(streak.row) if streak.row in decisions.withdrawn else None)
        )
        is not None
    }
    written, last = _last_results(archive, memory)
    return EarlierRuns(
        memory=memory,
        marked=known.marked_without_approval(now),
        written=written,
        last=last,
        decisions=replace(
            decisions, decisions=(*decisions.decisions, *more), withdrawn=decisions.withdrawn.union(withdrawn)
        ),
        armed=known.armed() is not None,
        released=released,
        planned_rules=_planned_rules(archive, instance) if memory is None else "",
    )


def remember(archive: Archive, memories: Iterable[Memory]) -> None:
    """Archives what a complete run leaves for the next."""
    for memory in memories:
        InstanceMemory(archive.root, memory.instance).remember(memory)


def end_decisions(archive: Archive, plan: Plan, ended: Mapping[str, Mapping[str, Collection[str]]]) -> None:
    """Records what a complete plan shows to have ended, and moves the decisions of which nothing is in force."""
    for instance, keys in ended.items():
        decisions = Decisions(archive.root, instance)
        decisions.end(EndedKeys(one, plan.id, plan.order.made, tuple(sorted(of))) for one, of in keys.items())
        found = decisions.read()
        claims = {entry.token for entry in archive.open_jobs(instance)} if found.taken else frozenset()
        decisions.move_ended(found.over(plan.order.made, claims))


def remember_holds(archive: Archive, plan: Plan) -> None:
    """Archives the rows of every hold of a plan, so that they can be approved."""
    for hold in plan.holds:
        rows = tuple(HoldRow(one.account_id, one.organization_id, change_keys(one)) for one in hold.changes)
        InstanceMemory(archive.root, hold.instance).write_hold(
            HoldRecord(hold.id, hold.instance, hold.kind, hold.reason, rows, plan.id, plan.order.made)
        )


def _planned_rules(archive: Archive, instance: str) -> str:
    """The digest of the rules of an instance's latest plan; empty if there is none, or it is of an older release."""
    latest = archive.latest(instance)
    inputs = None if latest is None else get_inputs(PlanInputs, archive.root, latest.plan_id)
    return "" if inputs is None else inputs.rules


def _last_results(archive: Archive, memory: Memory | None) -> tuple[frozenset[str], LastResults]:
    """The change keys that the last complete run sent and that have a result of their own, not that of a whole job,
    and what else it did."""
    folder = None if memory is None else archive.run_folder(memory.run_id, memory.run_after)
    plan = None if memory is None else archive.plan(folder, memory.order.plan_id)
    if memory is None or plan is None:
        return frozenset(), LastResults()
    sent = {
        (row.account_id, row.organization_id): row.verdict
        for row in archive.verdicts(folder, plan.id)
        if row.written
        and row.instance == memory.instance
        and row.verdict in ("confirmed", "rejected")
        and not row.whole_job
    }
    keys, values, causes = set[str](), dict[int, dict[str, Value]](), dict[str, FieldCause]()
    for change in (*plan.changes, *plan.withheld_changes):
        if change.instance == memory.instance:
            causes |= {field_key(change, one): one.cause for one in change.fields if one.cause is not None}
    for change in plan.changes:
        if change.instance != memory.instance:
            continue
        verdict = sent.get((change.account_id, change.organization_id))
        if verdict is not None:
            keys.update(change_keys(change))
        if verdict == "confirmed" and change.organization_id is not None:
            values.setdefault(change.organization_id, {}).update({one.field: one.after for one in change.fields})
    return frozenset(keys), LastResults(values, causes)

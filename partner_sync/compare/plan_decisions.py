"""What people's decisions do in a plan: which rows they restore or leave, and which of them ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from partner_sync.compare.side import Side
from partner_sync.model import Plan, PlannedDecision, Problem


def acknowledged(one: Problem, sides: Iterable[Side], made: datetime) -> Problem:
    """The problem, with the decision that left it as it is."""
    leaves = (side.earlier.decisions.leave_of(one.id, made) for side in sides)
    return replace(one, acknowledged=next((leave.id for leave in leaves if leave is not None), None))


def with_decisions(plan: Plan, sides: Sequence[Side], made: datetime) -> Plan:
    """The plan, with what people restore and leave, and every decision in force."""
    used = {side.name: side.restores.used for side in sides}
    restores: dict[int, dict[str, str]] = {}
    for at, change in enumerate(plan.changes):
        fields = used[change.instance].get(change.organization_id or 0, {})
        if found := {one.field: fields[one.field] for one in change.fields if one.field in fields}:
            restores[at] = found
    left = [row for side in sides for row in side.left]
    rows = Counter(
        decision
        for ids in (
            *plan.approvals.values(),
            *(set(fields.values()) for fields in restores.values()),
            *(one.decisions for one in left),
            *((one.acknowledged,) for one in plan.problems if one.acknowledged),
        )
        for decision in ids
    )
    return replace(
        plan,
        restores=restores,
        left=tuple(left),
        not_restored=tuple(one for side in sides for one in side.restores.not_restored),
        decisions=tuple(
            PlannedDecision(one.id, one.does, one.instance, rows[one.id], one.size)
            for side in sides
            for one in side.earlier.decisions.lasting(made)
        ),
    )


def ended_keys(side: Side, problems: Iterable[Problem], begun: datetime) -> dict[str, set[str]]:
    """Decision to its keys that ended: rows that nothing wants any more, and problems that are solved."""
    there = {one.id for one in problems} | side.tried_again
    solved = {
        one.id: {one.problem}
        for one in side.earlier.decisions.leaves
        if one.problem is not None and one.problem not in there and begun > one.at
    }
    return {**side.ended_keys(), **solved}

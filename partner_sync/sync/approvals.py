"""The decisions about a batch's rows: a row that was held may be written once, by who approved exactly this; a field
goes back to an old value only while nobody has withdrawn that.

An approval is taken by the submit that uses it, before the submit. Only a claim that surely sent nothing gives it back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from partner_sync.archive.decision_store import Decisions, DecisionsInForce, RestoresInForce
from partner_sync.archive.memory_records import Taken
from partner_sync.archive.records import OpenJob
from partner_sync.compare.change_keys import change_keys
from partner_sync.model import Batch


@dataclass(frozen=True)
class BatchApprovals:
    """The approvals and restores of one batch. `people` is how many must have approved a row."""

    decisions: Decisions
    batch: Batch
    people: int
    now: Callable[[], datetime]

    def missing(self, rows: Iterable[int], claim: OpenJob) -> set[int]:
        """Which of these rows need decisions that their plan had and that are no longer in force for a claim."""
        approvals, restores = self.batch.approvals, self.batch.restores
        if not (needed := [row for row in rows if row in approvals or row in restores]):
            return set()
        found = self.decisions.read()
        known = found.restores(self.now()) if restores else {}
        return {
            row
            for row in needed
            if (row in approvals and not self._in_force(found, row, claim, among=approvals[row]))
            or not self._restored(known, row)
        }

    def of(self, rows: Iterable[int], claim: OpenJob) -> tuple[Taken, ...]:
        """What a submit of these rows takes: every approval in force for them, so deciding twice allows one write."""
        if not (needed := [row for row in rows if row in self.batch.approvals]):
            return ()
        found, keys = self.decisions.read(), defaultdict[str, set[str]](set)
        for row in needed:
            for decision in self._in_force(found, row, claim) | {*self.batch.approvals[row]}:
                keys[decision].update(change_keys(self.batch.changes[row]))
        plan, batch = claim.order.plan_id, claim.batch
        return tuple(Taken(one, plan, batch, claim.token, tuple(sorted(of))) for one, of in sorted(keys.items()))

    def _in_force(
        self, found: DecisionsInForce, row: int, claim: OpenJob, among: Collection[str] | None = None
    ) -> frozenset[str]:
        keys = change_keys(self.batch.changes[row])
        return found.approvals(keys, self.now(), people=self.people, token=claim.token, among=among)

    def _restored(self, known: RestoresInForce, row: int) -> bool:
        """Whether every decision by which a field of a row goes back is in force."""
        number = self.batch.changes[row].organization_id or 0
        return all(
            any(one.id == decision for one, _ in known.get((number, field), ()))
            for field, decision in self.batch.restores.get(row, {}).items()
        )

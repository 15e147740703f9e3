"""Holds: rows that are planned and not written, each for the first reason that applies."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from partner_sync.archive.memory_records import HeldRow, MissingAccount
from partner_sync.compare.change_keys import change_keys, hold_id, mark_keys
from partner_sync.compare.earlier_runs import EarlierRuns
from partner_sync.compare.guards import Exceeded, Guards
from partner_sync.compare.organization_schema import OrganizationSchema
from partner_sync.config.load import Config
from partner_sync.model import COUNT_REASONS, HOLD_REASONS, Change, Hold, HoldReason, Kind, LeftRow, Mark, Organization

WHY: Mapping[HoldReason, str] = {
    "no_trace": "Salesforce shows this user no record of the account: purged, hidden, or never there.",
    "open_tickets": "Tickets are open, or not counted yet. Such a mark is written when they are solved.",
}


@dataclass(frozen=True)
class HeldRows:
    """What is held of the planned rows of one instance, and what is approved.

    :param waiting: organizations whose marks wait, and why: no trace of the account, or open tickets
    :param restored: the fields of organizations that go back to an old value: no guard counts them
    """

    config: Config
    schema: OrganizationSchema
    instance: str
    changes: Sequence[Change]
    partners: Sequence[Organization]
    waiting: Mapping[int, HoldReason]
    earlier: EarlierRuns
    made: datetime
    caused: frozenset[str] = frozenset()
    """Change keys that changed rules cause."""
    restored: Mapping[int, Collection[str]] = field(default_factory=dict)

    def keys(self, at: int) -> tuple[str, ...]:
        """The change keys of a row."""
        found = self._keys.get(at)
        if found is None:
            found = self._keys[at] = change_keys(self.changes[at])
        return found

    @cached_property
    def approvals(self) -> dict[int, tuple[str, ...]]:
        """Position to the ids of all approvals of a row that are in force."""
        if not self.earlier.decisions.decisions:
            return {}
        found = {at: self._approved(self.keys(at)) for at in range(len(self.changes))}
        return {at: tuple(sorted(ids)) for at, ids in found.items() if ids}

    @cached_property
    def guards(self) -> tuple[Exceeded, ...]:
        judged = [self._without_restored(change) for change in self.changes]
        counted = {at for at, change in enumerate(judged) if change.fields and not self._lifted(at, "limit")}
        return tuple(
            Guards(
                self.config.limits,
                self.schema,
                judged,
                counted,
                self.partners,
                self.earlier.marked,
                self._caused_rows(judged),
            ).exceeded()
        )

    @cached_property
    def reasons(self) -> dict[int, HoldReason]:
        """Position to the reason why a row is held: the first that applies."""
        found: dict[int, HoldReason] = {}
        exceeded = {(one.reason, at) for one in self.guards for at in one.rows}
        for reason in HOLD_REASONS:
            for at, change in enumerate(self.changes):
                if at in found or self._lifted(at, reason):
                    continue
                waits = isinstance(change, Mark) and self.waiting.get(change.organization_id) == reason
                stays = reason in COUNT_REASONS and self._held_before(at) == reason
                if waits or stays or (reason, at) in exceeded:
                    found[at] = reason
        return found

    def holds(self) -> tuple[Hold, ...]:
        """The holds, in the order of the reasons and kinds."""
        rows: dict[tuple[HoldReason, Kind], list[int]] = defaultdict(list)
        for at, reason in self.reasons.items():
            rows[reason, self.changes[at].kind].append(at)
        return tuple(self._hold(reason, kind, sorted(held)) for (reason, kind), held in rows.items())

    def remembered(self, missing: Iterable[MissingAccount], left: Iterable[LeftRow]) -> tuple[HeldRow, ...]:
        """The rows on hold or approved, for the next run.

        So are marks on hold of accounts that are still missing although this run plans no mark for them, since they
        only wait for evidence; and rows on hold that people left since.
        """
        several = {change_keys(one.change) for one in left}
        planned = several | {self.keys(at) for at, change in enumerate(self.changes) if isinstance(change, Mark)}
        waiting = (
            mark_keys(self.instance, one.organization_id, one.account_id, self.schema.mark_field) for one in missing
        )
        kept = [row for keys in waiting if keys not in planned and (row := self._before.get(keys)) is not None]
        kept += [replace(row, approved=False) for keys in several if (row := self._before.get(keys)) is not None]
        return (*(self._remembered(at) for at in sorted({*self.reasons, *self.approvals})), *kept)

    def approved_and_not_written(self, hold: Hold) -> int:
        """How many rows of a hold an approval had let through in the last run: it ended without a confirmed write."""
        rows = (
            at for at, reason in self.reasons.items() if (reason, self.changes[at].kind) == (hold.reason, hold.kind)
        )
        return sum(
            (row := self._before.get(self.keys(at))) is not None and row.approved
            for at in rows
            if at not in self.approvals
        )

    def _without_restored(self, change: Change) -> Change:
        restored = self.restored.get(change.organization_id or 0)
        if not restored:
            return change
        return replace(change, fields=tuple(one for one in change.fields if one.field not in restored))

    def _remembered(self, at: int) -> HeldRow:
        """A row for the next run. A reason that is a number stays when another comes first for a while."""
        before, reason = self._before.get(self.keys(at)), self.reasons.get(at)
        if before is not None and (reason is None or before.reason in COUNT_REASONS):
            reason = before.reason
        return HeldRow(self.keys(at), reason or "limit", self._since(at), at in self.approvals)

    def _hold(self, reason: HoldReason, kind: Kind, held: Sequence[int]) -> Hold:
        keys = [key for at in held for key in self.keys(at)]
        found = hold_id(reason, keys)
        guard = next((one for one in self.guards if (one.reason, one.kind) == (reason, kind)), None)
        conf = json.dumps({"approve": [found]})
        return Hold(
            id=found,
            instance=self.instance,
            kind=kind,
            reason=reason,
            rows=len(held),
            limit=guard.most if guard else None,
            of=guard.of if guard else len(self.partners),
            since=min(self._since(at) for at in held),
            why=self._why(reason, kind, len(held), guard),
            next_step=f"Review them on the page. To write these rows and no others: {conf}",
            changes=tuple(self.changes[at] for at in held),
        )

    def _why(self, reason: HoldReason, kind: Kind, rows: int, guard: Exceeded | None) -> str:
        counted = f"{rows} {kind}{'' if rows == 1 else 's'} in {self.instance} held for review"
        if text := WHY.get(reason):
            return f"{counted}. {text}"
        if guard is None:
            return f"{counted}: an earlier run held them, and nobody decided yet."
        share = f"{100 * guard.counted / guard.of:.0f} % of {guard.of}" if guard.of else "there are no partners yet"
        if reason == "budget":
            return f"{counted}: {guard.counted} marks in 7 days ({share}) exceed the limit of {guard.bound}."
        if reason == "rules":
            rest = f"{guard.counted} rows ({share}). The limit is {guard.bound}."
            return f"{counted}: the changed config alone causes {rest}"
        if reason == "emptied":
            return f"{counted}: {guard.counted} would empty a field ({share}). The limit is {guard.bound}."
        return f"{counted}: {guard.counted} ({share}) exceed the limit of {guard.bound}."

    def _caused_rows(self, judged: Sequence[Change]) -> list[int]:
        if not self.caused:
            return []
        return [at for at, change in enumerate(judged) if not self.caused.isdisjoint(change_keys(change))]

    def _approved(self, keys: Collection[str], lifts: HoldReason | None = None) -> frozenset[str]:
        people = self.config.approvals.people
        return self.earlier.decisions.approvals(keys, self.made, people=people, lifts=lifts)

    def _lifted(self, at: int, reason: HoldReason) -> bool:
        return at in self.approvals and bool(self._approved(self.keys(at), reason))

    @cached_property
    def _keys(self) -> dict[int, tuple[str, ...]]:
        return {}

    @cached_property
    def _before(self) -> dict[tuple[str, ...], HeldRow]:
        memory = self.earlier.memory
        return {row.keys: row for row in memory.held} if memory else {}

    def _held_before(self, at: int) -> HoldReason | None:
        row = self._before.get(self.keys(at)) if self._before else None
        return None if row is None else row.reason

    def _since(self, at: int) -> datetime:
        row = self._before.get(self.keys(at)) if self._before else None
        return self.made if row is None else row.since

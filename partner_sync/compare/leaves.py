"""Rows that people leave as they are: not written, not on hold, until a complete plan no longer wants them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from partner_sync.archive.decision_store import DecisionsInForce
from partner_sync.archive.memory_records import Decision, HoldRow
from partner_sync.compare.change_keys import change_keys, field_key
from partner_sync.model import Change, Create, LeftRow, Organization


def take_left(
    changes: Iterable[Change], decisions: DecisionsInForce, made: datetime
) -> tuple[list[Change], tuple[LeftRow, ...]]:
    """What is still to be written, and what people left of it. A create is left as a whole or not at all."""
    several = list(changes)
    if not decisions.leaves:
        return several, ()
    kept, left = list[Change](), list[LeftRow]()
    for change in several:
        found = {
            field.field: decision.id
            for field in change.fields
            if (decision := decisions.leave_of(field_key(change, field), made)) is not None
        }
        rest = tuple(one for one in change.fields if one.field not in found)
        if not found or (rest and isinstance(change, Create)):
            kept.append(change)
            continue
        fields = tuple(one for one in change.fields if one.field in found)
        left.append(LeftRow(replace(change, fields=fields), tuple(sorted(set(found.values())))))
        if rest:
            kept.append(replace(change, fields=rest))
    return kept, tuple(left)


@dataclass(frozen=True)
class ComparedRows:
    """What a plan compared of one instance, so that what it does not want any more is known.

    `settled` are accounts that no problem kept from being compared; `unsettled` are those that a problem is about.
    """

    organizations: dict[int, Organization]
    account_of: dict[int, str]
    settled: Collection[str]
    unsettled: Collection[str]
    unmarked_partners: Collection[int]

    def no_longer_wants(self, decision: Decision, row: HoldRow) -> bool:
        """Whether a row that is in no plan is surely not wanted: absence alone is no evidence of that."""
        number = row.organization_id
        if row.account_id in self.unsettled:
            return False
        if decision.kind == "create" or number is None:
            return row.account_id in self.settled
        if number not in self.organizations:
            return True
        if decision.kind == "mark":
            return number in self.account_of or number not in self.unmarked_partners
        return self.account_of.get(number) == row.account_id and row.account_id in self.settled


def ended_leaves(
    decisions: DecisionsInForce, left: Iterable[LeftRow], compared: ComparedRows, begun: datetime
) -> dict[str, set[str]]:
    """The keys of leaves that ended: approved since, or not wanted by a plan whose snapshot was begun since."""
    still = {key for one in left for key in change_keys(one.change)}
    ended: dict[str, set[str]] = defaultdict(set)
    for decision in decisions.leaves:
        for row in decision.rows:
            for key in set(row.keys) - decisions.ended_keys[decision.id] - still:
                gone = begun > decision.at and compared.no_longer_wants(decision, row)
                if gone or decisions.approved_since(decision, key):
                    ended[decision.id].add(key)
    return dict(ended)

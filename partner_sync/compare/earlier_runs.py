"""What earlier runs and people say about one instance: the input of `compare` beside the two snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from partner_sync.archive.decision_store import DecisionsInForce
from partner_sync.archive.memory_records import Memory, MissingAccount
from partner_sync.model import FieldCause, Value

MEMORY_LASTS = timedelta(hours=24)
"""After so long without a complete run, nothing is known of what happened in between."""


@dataclass(frozen=True)
class LastResults:
    """What the last complete run did: the values that it wrote and Zendesk confirmed, by organization and field, and
    the causes of what it planned, by change key."""

    values: Mapping[int, Mapping[str, Value]] = field(default_factory=dict)
    causes: Mapping[str, FieldCause] = field(default_factory=dict)


@dataclass(frozen=True)
class EarlierRuns:
    """`marked` are organizations that were marked in the last seven days without an approval; `written` are the change
    keys that the last complete run sent with a result of their own, confirmed or rejected; `released` are rows that
    rest and that people let be written again, with the time. `planned_rules` is the digest of the rules of the latest
    plan, where the memory is lost."""

    memory: Memory | None = None
    marked: frozenset[int] = frozenset()
    written: frozenset[str] = frozenset()
    decisions: DecisionsInForce = field(default_factory=DecisionsInForce)
    armed: bool = True
    released: Mapping[str, datetime] = field(default_factory=dict)
    last: LastResults = field(default_factory=LastResults)
    planned_rules: str = ""

    @property
    def base_rules(self) -> str:
        """The digest of the rules that changed rules are compared with; empty if there are none.

        Before an instance is armed there are none that anybody accepted; what arms it accepts those of the last plan.
        """
        if self.memory is None:
            return self.planned_rules
        return self.memory.accepted_rules or (self.memory.rules if self.armed else "")

    def missing(self, now: datetime) -> dict[int, MissingAccount]:
        """Organization id to what is known of its missing account.

        The evidence stays true, but after a gap nobody knows whether the account was missing all the time.
        """
        if self.memory is None:
            return {}
        gap = now - self.memory.order.made > MEMORY_LASTS
        return {one.organization_id: replace(one, since=now) if gap else one for one in self.memory.missing}

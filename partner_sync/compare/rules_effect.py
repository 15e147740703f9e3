"""What changed rules alone cause: the keys that a plan by the rules before does not have, on the same snapshots."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property

from partner_sync.compare.change_keys import change_keys
from partner_sync.compare.evidence import AccountLookup
from partner_sync.compare.other_rules import OtherRules, under_rules
from partner_sync.compare.side import Side
from partner_sync.compare.snapshots import MatchedSnapshots
from partner_sync.config.rules import rules_digest, rules_text, with_rules
from partner_sync.model import Change, Create

PlanRows = Callable[[OtherRules], Sequence[Side]]
"""Plans rows under other rules, up to the holds."""


class RulesEffect:
    """The effect of the rules of a run, against those that each instance has accepted."""

    def __init__(self, matched: MatchedSnapshots, answered: AccountLookup, plan_rows: PlanRows) -> None:
        self._matched, self._answered, self._plan_rows = matched, answered, plan_rows

    @cached_property
    def digest(self) -> str:
        """The digest of the rules of this run."""
        return rules_digest(rules_text(self._matched.config))

    def find(self, sides: Sequence[Side], texts: Callable[[str], str | None]) -> None:
        """Sets what the rules cause where they have changed; where they have not, nothing is planned twice.

        :param texts: the digest of rules to their text; None if it is lost: then everything counts as caused
        """
        changed = {side.earlier.base_rules for side in sides} - {"", self.digest}
        for base in sorted(changed):
            before = self._planned_under(texts(base), sides)
            for side in sides:
                if side.earlier.base_rules == base:
                    other = before.get(side.name)
                    side.caused = caused_keys(side.changes, _written(other) if other else frozenset())
                    missing = other.remembered if other else ()
                    side.postponed -= {one.organization_id for one in missing if one.evidence is not None}

    def _planned_under(self, text: str | None, sides: Iterable[Side]) -> dict[str, Side]:
        """Instance to what the rules of a text produce."""
        config = None if text is None else with_rules(self._matched.config, text)
        if config is None:
            return {}
        remembered = [one for side in sides if side.earlier.memory for one in side.earlier.memory.missing]
        other = under_rules(self._matched, config, self._answered, remembered, fields=self._matched.schema.kept)
        return {} if other is None else {side.name: side for side in self._plan_rows(other)}


def caused_keys(changes: Iterable[Change], before: Collection[str]) -> frozenset[str]:
    """The keys of rows that are there because of the rules. An account that is created by both rules is not."""
    found = set[str]()
    for change in changes:
        keys = set(change_keys(change)).difference(before)
        if not (isinstance(change, Create) and len(keys) < len(change.fields)):
            found |= keys
    return frozenset(found)


def _written(side: Side) -> frozenset[str]:
    """The keys that rules produce and do not hold by themselves."""
    return frozenset(
        key
        for change in side.changes
        if side.waiting.get(change.organization_id or 0) != "no_trace"
        for key in change_keys(change)
    )

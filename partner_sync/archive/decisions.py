"""The decisions of one instance: what people approved, what was withdrawn, and which submits used an approval.

instances/<instance>/decisions/<id>.json                                  a decision
instances/<instance>/decisions/<id>.withdrawn.json                        who ended it early
instances/<instance>/decisions/<id>.taken.<plan id>.<batch>.<token>.json  a submit that uses it

Objects are only added, and their content follows from what they say: to write one twice is harmless on a store without
conditional writes. `Taken` is the one object that its own writer may remove, if it knows that it sent nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from partner_sync.archive import codec
from partner_sync.archive.archive import segment
from partner_sync.archive.memory_records import Decision, Taken, Withdrawal
from partner_sync.archive.object_store import Root, children, get, put, remove
from partner_sync.model import COUNT_REASONS, HoldReason

DECISION_STEP = (
    "It says what people approved, so nothing that needs an approval is written until it can be read or is gone. If it"
    " was damaged, move it away and decide again."
)


@dataclass(frozen=True)
class DecisionsInForce:
    """The decisions of an instance as they were read once."""

    decisions: tuple[Decision, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    taken: tuple[Taken, ...] = ()

    def approvals(
        self,
        keys: Collection[str],
        now: datetime,
        *,
        people: int,
        lifts: HoldReason | None = None,
        token: str | None = None,
    ) -> frozenset[str]:
        """The ids of the approvals of a row (its change keys) that are in force; empty if the row is not approved.

        An approval covers a row whose every key it names. It lifts the reasons that are counts, and the reason of its
        own hold: with `lifts`, only approvals that lift that reason count. A submit that took an approval spent it,
        except for the claim `token` itself. With `people` above 1, that many users must have approved.
        """
        first = next(iter(keys), None)
        valid = [
            one
            for one in self._by_key.get(first, ())
            if one.id not in self.withdrawn
            and one.at <= now <= one.until
            and (lifts is None or lifts in COUNT_REASONS or lifts == one.reason)
            and all(one in self._by_key.get(key, ()) for key in keys)
            and not any(other != token for key in keys for other in self._taken_by.get((one.id, key), ()))
        ]
        return frozenset(one.id for one in valid) if len({one.by for one in valid}) >= people else frozenset()

    @cached_property
    def _by_key(self) -> dict[str | None, list[Decision]]:
        found: dict[str | None, list[Decision]] = defaultdict(list)
        for decision in self.decisions:
            for key in decision.keys:
                found[key].append(decision)
        return dict(found)

    @cached_property
    def _taken_by(self) -> dict[tuple[str, str], list[str]]:
        """Decision and change key to the tokens of the claims that took it."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for taken in self.taken:
            for key in taken.keys:
                found[taken.decision, key].append(taken.token)
        return dict(found)


class Decisions:
    """Reads and writes the decisions of an instance below the archive's `root`."""

    def __init__(self, root: Root, instance: str) -> None:
        self._folder = root / "instances" / segment(instance) / "decisions"

    def record(self, decision: Decision) -> None:
        """Records a decision. A run that is cleared records the same decision again, with its use as it is."""
        put(self._path(decision.id), codec.to_json(decision))

    def withdraw(self, decision_id: str, withdrawal: Withdrawal) -> None:
        put(self._path(f"{decision_id}.withdrawn"), codec.to_json(withdrawal))

    def take(self, taken: Iterable[Taken]) -> None:
        """Records that a submit is about to use decisions."""
        for one in taken:
            put(self._taken(one), codec.to_json(one))

    def give_back(self, taken: Iterable[Taken]) -> None:
        """Removes what `take` recorded. Only for the claim that took, and only if it surely sent nothing."""
        for one in taken:
            remove(self._taken(one))

    def read(self) -> DecisionsInForce:
        """Everything that was decided.

        :raises SnapshotError: if an object cannot be read. What is in force is not known then.
        """
        decisions, withdrawn, taken = [], set(), []
        for path in children(self._folder):
            parts = path.name.split(".")
            if parts[1:] == ["json"]:
                decisions.append(get(Decision, path, DECISION_STEP))
            elif parts[1:] == ["withdrawn", "json"]:
                withdrawn.add(parts[0])
            elif parts[1:2] == ["taken"] and parts[-1] == "json":
                taken.append(get(Taken, path, DECISION_STEP))
        return DecisionsInForce(
            tuple(one for one in decisions if one is not None),
            frozenset(withdrawn),
            tuple(one for one in taken if one is not None),
        )

    def _taken(self, taken: Taken) -> Root:
        return self._path(f"{taken.decision}.taken.{segment(taken.plan_id)}.{segment(taken.batch)}.{taken.token}")

    def _path(self, name: str) -> Root:
        return self._folder / f"{name}.json"

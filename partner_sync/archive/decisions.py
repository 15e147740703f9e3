"""The decisions of one instance: what people approved, what was withdrawn, and which submits used an approval.

instances/<instance>/decisions/<id>.json                                  a decision
instances/<instance>/decisions/<id>.withdrawn.json                        who ended it early
instances/<instance>/decisions/<id>.taken.<plan id>.<batch>.<token>.json  a submit that uses it
instances/<instance>/decisions/ended/...                                  the same, of decisions that are over

Objects are only added, and their content follows from what they say: to write one twice is harmless on a store without
conditional writes. `Taken` is the one object that its own writer may remove, if it knows that it sent nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from partner_sync.archive import codec
from partner_sync.archive.archive import segment
from partner_sync.archive.object_store import Root, children, get, put, remove
from partner_sync.archive.records import Decision, Taken, Withdrawal

DECISION_STEP = (
    "It says what people approved, so nothing that needs an approval is written until it can be read or is gone. If it"
    " was damaged, move it away and decide again."
)


@dataclass(frozen=True)
class DecisionsInForce:
    """The decisions of an instance as they were read once."""

    decisions: tuple[Decision, ...]
    withdrawn: frozenset[str]
    taken: tuple[Taken, ...]

    def approvals(
        self, keys: Collection[str], now: datetime, *, people: int, token: str | None = None
    ) -> frozenset[str]:
        """The ids of the approvals of a row (a set of change keys) that are in force; empty if the row is not approved.

        An approval covers a row with exactly keys that it names. It is spent once a submit took it, except by the
        claim `token` itself. With `people` above 1, so many users must have approved.
        """
        valid = [one for one in self.decisions if self._in_force(one, keys, now, token)]
        return frozenset(one.id for one in valid) if len({one.by for one in valid}) >= people else frozenset()

    def _in_force(self, decision: Decision, keys: Collection[str], now: datetime, token: str | None) -> bool:
        if decision.id in self.withdrawn or not decision.at <= now <= decision.until or not decision.keys:
            return False
        if not set(keys) <= set(decision.keys):
            return False
        return not any(
            taken.decision == decision.id and taken.token != token and not set(keys).isdisjoint(taken.keys)
            for taken in self.taken
        )


class Decisions:
    """Reads and writes the decisions of an instance below the archive's `root`."""

    def __init__(self, root: Root, instance: str) -> None:
        self._folder = root / "instances" / segment(instance) / "decisions"

    def record(self, decision: Decision) -> None:
        """Records a decision. A run that is cleared records the same decision again, with its use as it is."""
        if get(Decision, self._path(decision.id, "ended"), DECISION_STEP) is None:
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
        """Everything that is not over.

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

    def _path(self, name: str, *folders: str) -> Root:
        return self._folder.joinpath(*folders) / f"{name}.json"

"""The decisions of one instance: what people decided, what ended early, and which submits used an approval.

instances/<instance>/decisions/<id>.json                                  a decision
instances/<instance>/decisions/<id>.withdrawn.json                        who ended it early
instances/<instance>/decisions/<id>.ended.<plan id>.json                  its keys that ended by themselves
instances/<instance>/decisions/<id>.taken.<plan id>.<batch>.<token>.json  a submit that uses it
instances/<instance>/decisions/ended/<id>.json                            a decision of which nothing is in force

Objects are only added, and their content follows from what they say: to write one twice is harmless on a store without
conditional writes. `Taken` is the one object that its own writer may remove, if it knows that it sent nothing. Only the
decision itself moves to `ended/`: what is said about it stays, so that it cannot come back. `expiry.py` removes both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from partner_sync.archive import codec
from partner_sync.archive.archive import segment
from partner_sync.archive.memory_records import Decision, EndedKeys, Taken, Withdrawal, WrittenField
from partner_sync.archive.object_store import Root, children, get, put, put_new, remove
from partner_sync.model import COUNT_REASONS, HoldReason

DECISION_STEP = (
    "It says what people decided, so nothing that needs a decision is written until it can be read or is gone. If it"
    " was damaged, move it away and decide again."
)


RestoresInForce = Mapping[tuple[int, str], tuple[tuple[Decision, WrittenField], ...]]
"""Organization and field to the decisions by which it goes back, each with what a run wrote; the newest first."""


@dataclass(frozen=True)
class DecisionsInForce:
    """The decisions of an instance as they were read once. `withdrawn` also has ids of rows that rest."""

    decisions: tuple[Decision, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    taken: tuple[Taken, ...] = ()
    ended: tuple[EndedKeys, ...] = ()

    def approvals(
        self,
        keys: Collection[str],
        now: datetime,
        *,
        people: int,
        lifts: HoldReason | None = None,
        token: str | None = None,
        among: Collection[str] | None = None,
    ) -> frozenset[str]:
        """The ids of the approvals of a row (its change keys) that are in force; empty if the row is not approved.

        An approval covers a row whose every key it names, unless somebody left one of them since. It lifts the reasons
        that are counts, and the reason of its own hold: with `lifts`, only approvals that lift that reason count. A
        submit that took an approval spent it, except for the claim `token` itself. With `people` above 1, that many
        users must have approved. With `among`, only these approvals count.
        """
        first = next(iter(keys), None)
        valid = [
            one
            for one in self._by_key.get(first, ())
            if one.does == "allow"
            and (among is None or one.id in among)
            and self._lasts(one, now)
            and (lifts is None or lifts in COUNT_REASONS or lifts == one.reason)
            and all(one in self._by_key.get(key, ()) for key in keys)
            and not any(other.does == "leave" and other.at >= one.at for key in keys for other in self._by_key[key])
            and not any(other != token for key in keys for other in self._taken_by.get((one.id, key), ()))
        ]
        return frozenset(one.id for one in valid) if len({one.by for one in valid}) >= people else frozenset()

    def leave_of(self, key: str, now: datetime) -> Decision | None:
        """The leave of a change key (or of a problem, by its id) that is in force: its newest decision, if not over."""
        known = (one for one in self._by_key.get(key, ()) if one.id not in self.withdrawn)
        newest = max(known, key=lambda one: (one.at, one.does == "leave", one.id), default=None)
        if newest is None or newest.does != "leave" or key in self.ended_keys[newest.id]:
            return None
        return newest if self._lasts(newest, now) else None

    @cached_property
    def leaves(self) -> tuple[Decision, ...]:
        """The leaves that nobody withdrew."""
        return tuple(one for one in self.decisions if one.does == "leave" and one.id not in self.withdrawn)

    def approved_since(self, leave: Decision, key: str) -> bool:
        """Whether somebody approved a key after it was left."""
        known = (one for one in self._by_key.get(key, ()) if one.id not in self.withdrawn)
        return any(one.does == "allow" and one.at > leave.at for one in known)

    def restores(self, now: datetime) -> RestoresInForce:
        found: dict[tuple[int, str], list[tuple[Decision, WrittenField]]] = defaultdict(list)
        several = (one for one in self.decisions if one.does == "restore" and self._lasts(one, now))
        for decision in sorted(several, key=lambda one: (one.at, one.id), reverse=True):
            for written in decision.fields:
                if written.key not in self.ended_keys[decision.id]:
                    found[written.organization_id, written.field].append((decision, written))
        return {key: tuple(restores) for key, restores in found.items()}

    def lasting(self, now: datetime) -> tuple[Decision, ...]:
        """The decisions of which something is in force; an approval that submits took is not."""
        return tuple(
            one
            for one in self.decisions
            if self._lasts(one, now) and not set(one.keys) <= self.ended_keys[one.id] | self.spent_keys(one)
        )

    def spent_keys(self, decision: Decision, claims: Collection[str] = ()) -> set[str]:
        """The keys of an approval that submits took, those of `claims` (tokens) aside."""
        mine = (one for one in self.taken if one.decision == decision.id and one.token not in claims)
        return {key for taken in mine for key in taken.keys}

    def over(self, now: datetime, claims: Collection[str]) -> Iterator[Decision]:
        """The decisions of which nothing is in force, and nothing will be.

        :param claims: the tokens of open claims, which may still give back what they took
        """
        going = {one.id for one in self.decisions if self._is_over(one, now, claims)}
        staying = [one for one in self.decisions if one.does == "allow" and one.id not in going]
        for one in self.decisions:
            # A leave ends older approvals for good: it stays as long as one that it ends is there.
            ends = one.does == "leave" and any(
                other.at <= one.at and not set(one.keys).isdisjoint(other.keys) for other in staying
            )
            if one.id in going and not ends:
                yield one

    def _is_over(self, one: Decision, now: datetime, claims: Collection[str]) -> bool:
        if one.id in self.withdrawn or (one.until is not None and one.until < now):
            return True
        return set(one.keys) <= self.ended_keys[one.id] | self.spent_keys(one, claims)

    def _lasts(self, one: Decision, now: datetime) -> bool:
        return one.id not in self.withdrawn and one.at <= now and (one.until is None or now <= one.until)

    @cached_property
    def ended_keys(self) -> Mapping[str, set[str]]:
        """Decision to its keys that ended by themselves."""
        found: dict[str, set[str]] = defaultdict(set)
        for one in self.ended:
            found[one.decision].update(one.keys)
        return found

    @cached_property
    def _by_key(self) -> dict[str | None, list[Decision]]:
        """Change key to the approvals and leaves that name it."""
        found: dict[str | None, list[Decision]] = defaultdict(list)
        for decision in self.decisions:
            for key in decision.keys if decision.does != "restore" else ():
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
        """Records a decision. A run that is cleared records it again: what is known stays, with its use and its end."""
        if self.ended_decision(decision.id) is None:
            put_new(self._path(decision.id), codec.to_json(decision))

    def find(self, decision_id: str) -> Decision | None:
        """A decision, whether or not it has ended."""
        found = get(Decision, self._path(decision_id), DECISION_STEP)
        return self.ended_decision(decision_id) if found is None else found

    def ended_decision(self, decision_id: str) -> Decision | None:
        return get(Decision, self._folder / "ended" / f"{segment(decision_id)}.json", DECISION_STEP)

    def withdraw(self, decision_id: str, withdrawal: Withdrawal) -> None:
        """Ends a decision, or lets a row that rests be written again. The newest withdrawal counts."""
        before = self.withdrawal(decision_id)
        if before is None or before.at < withdrawal.at:
            put(self._path(f"{decision_id}.withdrawn"), codec.to_json(withdrawal))

    def withdrawal(self, decision_id: str) -> Withdrawal | None:
        return get(Withdrawal, self._path(f"{decision_id}.withdrawn"), DECISION_STEP)

    def end(self, ended: Iterable[EndedKeys]) -> None:
        """Records which keys ended by themselves."""
        for one in ended:
            put(self._path(f"{one.decision}.ended.{segment(one.plan_id)}"), codec.to_json(one))

    def move_ended(self, over: Iterable[Decision]) -> None:
        """Moves decisions out of the way of the last looks. Without the decision there is nothing in force."""
        for one in over:
            put(self._folder / "ended" / f"{segment(one.id)}.json", codec.to_json(one))
            remove(self._path(one.id))

    def take(self, taken: Iterable[Taken]) -> None:
        """Records that a submit is about to use decisions."""
        for one in taken:
            put(self._taken(one), codec.to_json(one))

    def give_back(self, taken: Iterable[Taken]) -> None:
        """Removes what `take` recorded. Only for the claim that took, and only if it surely sent nothing."""
        for one in taken:
            remove(self._taken(one))

    def read(self) -> DecisionsInForce:
        """Everything that was decided and has not ended as a whole.

        :raises SnapshotError: if an object cannot be read. What is in force is not known then.
        """
        decisions, said, withdrawn = [], [], set()
        for path in children(self._folder):
            parts = path.name.split(".")
            if parts[1:] == ["json"]:
                decisions.append(get(Decision, path, DECISION_STEP))
            elif parts[1:] == ["withdrawn", "json"]:
                withdrawn.add(parts[0])
            elif parts[-1] == "json":
                said.append((parts[0], parts[1], path))
        known = {one.id for one in decisions if one is not None}
        taken = [get(Taken, path, DECISION_STEP) for of, what, path in said if what == "taken" and of in known]
        ended = [get(EndedKeys, path, DECISION_STEP) for of, what, path in said if what == "ended" and of in known]
        return DecisionsInForce(
            tuple(one for one in decisions if one is not None),
            frozenset(withdrawn),
            tuple(one for one in taken if one is not None),
            tuple(one for one in ended if one is not None),
        )

    def _taken(self, taken: Taken) -> Root:
        return self._path(f"{taken.decision}.taken.{segment(taken.plan_id)}.{segment(taken.batch)}.{taken.token}")

    def _path(self, name: str) -> Root:
        return self._folder / f"{name}.json"

"""Salesforce and people in the model: accounts change, a person edits an organization, decides, withdraws, undoes."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.protocol.records import FOREVER, Archive, Batch, Change, Decision
from tests.protocol.rules import Rules
from tests.protocol.runs import Decisions
from tests.protocol.zendesk import FIELDS, ROWS, Zendesk

VALUES = (3, 2)
"""How many values each field has."""


class People:
    """`people` is how many of them must approve what is held."""

    random: random.Random
    rules: Rules
    zendesk: Zendesk
    archive: Archive
    batches: list[Batch]
    time: int
    people: int
    valid: int
    reverted: int
    narrow: bool
    """Most happens to one row, which often wants what is held."""
    say: Callable[..., None]
    next_id: Callable[[], int]
    decisions: Callable[[], Decisions]

    def __init__(self) -> None:
        self.accounts = [[0] * FIELDS for _ in range(ROWS)]
        self.held: list[Change] = []
        self.decided: list[Decision] = []

    def _row(self) -> int:
        return 0 if self.narrow and self.random.random() < 0.8 else self.random.randrange(ROWS)

    def change(self) -> None:
        row, at = self._row(), int(self.random.random() < 0.3)
        value = 2 if at == 0 and self.narrow and self.random.random() < 0.6 else self.random.randrange(VALUES[at])
        self.accounts[row][at] = value
        for one in self.decided:
            if one.kind == "restore" and one.row == row and one.change.fields[0][0] == at:
                one.wanted_otherwise |= one.change.fields[0][1] != value
        self.say(f"Salesforce: row {row} = {self.accounts[row]}")

    def edit(self) -> None:
        """A person edits an organization, often so that an approval that was used would fit again."""
        row, now = self._row(), None
        used = [
            one
            for one in self.decided[-self.reverted :]
            if one.kind == "allow" and one.sends and one.until >= self.time
        ]
        if used and self.random.random() < 0.8:
            row = used[-1].row
        if (now := self.zendesk.organizations[row]) is None:
            values = None if self.random.random() < 0.6 else [self.random.randrange(2) for _ in range(FIELDS)]
        elif self.random.random() < 0.05:
            values = None
        else:
            values = list(now)
            values[int(self.random.random() < 0.4)] = self.random.randrange(2)
        if used and row == used[-1].row and self.random.random() < 0.9:
            values = list(now or [0] * FIELDS)
            for at, before, _ in used[-1].change.fields:
                values[at] = before or 0
            values = None if used[-1].change.create else values
        if now != values:
            self.zendesk.edit(row, values)
            self.say(f"person: row {row} = {values}")

    def decide(self, kind: str, change: Change, user: int) -> None:
        until = self.time + self.valid if kind != "restore" else FOREVER
        one = Decision(self.next_id(), kind, user, change, self.time, until)
        if kind == "leave":
            for other in self.decided:
                if other.kind == "allow" and other.change == change and other.ended is None:
                    other.ended = self.time
        if kind == "restore":
            ((at, wrote, _),) = change.fields
            one.wanted_otherwise = self.accounts[change.row][at] != wrote
        self.decided.append(one)
        self.archive.decisions.add(one)
        self.say(f"decision {one.id}: user {user}: {kind} {change}")

    def approve(self) -> None:
        if self.held:
            change = self.random.choice(self.held[-4:])
            kind = "allow" if self.random.random() < 0.85 else "leave"
            user = self.random.randrange(2)
            self.decide(kind, change, user)
            if kind == "allow" and self.people == 2 and self.random.random() < 0.5:
                self.decide(kind, change, 1 - user)

    def undo(self) -> None:
        """Restores a row that a run wrote and confirmed, field by field."""
        rows = [
            batch.plan.changes[row]
            for batch in self.batches
            for row, (verdict, sent) in (batch.verdicts[-1].rows.items() if batch.verdicts else ())
            if verdict == "confirmed" and sent and batch.kind == "update" and row not in batch.plan.restores
            if all(self.accounts[row][at] == after for at, _, after in batch.plan.changes[row].fields)
        ][-2:]
        restored = {one.change for one in self.decisions().restores()}
        if rows:
            change = self.random.choice(rows)
            for at, before, after in change.fields:
                undone = Change(change.row, False, ((at, after, before),))
                if undone not in restored:
                    self.decide("restore", undone, 0)

    def withdraw(self) -> None:
        archive = self.archive
        live = [one for one in self.decided if one in (archive.decisions | archive.moved) - archive.withdrawn]
        if live and self.random.random() < 0.6:
            one = self.random.choice(live[-6:])
            archive.withdrawn.add(one)
            one.ended = self.time if one.ended is None else one.ended
            self.say(f"decision {one.id} withdrawn")

"""Undo: a field that a run wrote goes back to its value before, as long as the mapping wants what that run wrote.

A field that somebody else changed since is left alone. Fields that name the account are never restored, and nothing is
marked again: a mark needs evidence of its own run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from partner_sync.archive.decision_store import DecisionsInForce
from partner_sync.archive.memory_records import Decision, WrittenField
from partner_sync.compare.desired import DesiredAccount
from partner_sync.compare.differences import read_whole
from partner_sync.compare.missing import Mentioned, carried_id
from partner_sync.compare.organization_schema import OrganizationSchema
from partner_sync.model import NAME, Change, FieldChange, NotRestored, NotRestoredReason, Organization, Update, Value
from partner_sync.whitespace import trimmed

_Restore = tuple[Decision, WrittenField]
RESTORED = "undone"
"""The reason of a field that goes back."""


@dataclass
class Restores:
    """The restores in force in one instance. `begun` is when the account snapshot was begun: an older one does not show
    that the mapping wants something else since a decision.

    Fills `used` (organization to its fields that go back, each with the decision), `not_restored`, and `ended`
    (decision to the keys that ended).
    """

    instance: str
    schema: OrganizationSchema
    decisions: DecisionsInForce
    begun: datetime
    made: datetime
    used: dict[int, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    not_restored: list[NotRestored] = field(default_factory=list)
    ended: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _judged: set[tuple[int, str]] = field(default_factory=set)

    def desired(
        self, accounts: dict[str, DesiredAccount], matched: Mapping[str, Organization]
    ) -> dict[str, DesiredAccount]:
        """The accounts, with old values where people want these back, and present ones where somebody changed them."""
        if not self._known:
            return accounts
        changed = {
            account_id: self._account(accounts[account_id], organization)
            for account_id, organization in matched.items()
            if account_id in accounts and organization.id in self._known
        }
        return {**accounts, **changed}

    def marks(self, organizations: Iterable[Organization], mentioned: Mentioned) -> tuple[set[int], list[Update]]:
        """The organizations without an account that people do not want marked, and the updates that remove marks."""
        spared, updates, mark = set(), [], self.schema.mark_field
        for one in organizations if self._known else ():
            account_id, restores = carried_id(one), self._known.get(one.id, {}).get(mark, ())
            known = [pair for pair in restores if pair[1].account_id == account_id and pair[1].wrote is True]
            if not known or account_id is None or account_id in mentioned.accounts or one.id in mentioned.organizations:
                continue
            self._judged.add((one.id, mark))
            spared.add(one.id)
            marked = self.schema.canonical[mark](read_whole(self.instance, one).get(mark))
            if marked:
                self.used[one.id][mark] = known[0][0].id
                change = FieldChange(mark, True, False, RESTORED)
                updates.append(Update(self.instance, account_id, one.id, trimmed(one.name), (change,), RESTORED))
        return spared, updates

    def names_withheld(self, organization_ids: Iterable[int]) -> None:
        """Old names that are in use by now stay what they are."""
        for number in organization_ids:
            decision = self.used.get(number, {}).pop(NAME, None)
            for one, written in self._known.get(number, {}).get(NAME, ()):
                if one.id == decision:
                    self._left(one, written, written.wrote, "name_in_use")

    def explained(self, changes: Iterable[Change]) -> list[Change]:
        """The changes, with the reason of every field that goes back."""
        return [self._explained(one) for one in changes]

    def rest(self, organizations: Iterable[Organization]) -> None:
        """Lists what no account and no mark decided about."""
        there = {one.id for one in organizations} if self._known else set()
        for number, fields in self._known.items():
            for name, restores in fields.items():
                if (number, name) not in self._judged:
                    why: NotRestoredReason = "no_account" if number in there else "no_organization"
                    self._left(*restores[0], None, why)

    def _account(self, account: DesiredAccount, organization: Organization) -> DesiredAccount:
        have = read_whole(self.instance, organization)
        values = list(account.values)
        for name, restores in self._known[organization.id].items():
            own = [one for one in restores if one[1].account_id == account.id]
            if not own:
                continue
            self._judged.add((organization.id, name))
            if name == NAME:
                want = self._value(own, account.name, trimmed(organization.name))
                account = account._replace(name=str(want))
            elif name in self._position:
                at, canonical = self._position[name], self.schema.canonical[name]
                values[at] = self._value(own, values[at], canonical(have.get(name)))
            else:
                self._left(*own[0], None, "identity" if name in self.schema.identity else "not_mapped")
        return account._replace(values=tuple(values))

    def _value(self, restores: Iterable[_Restore], want: Value, now: Value) -> Value:
        """What a field should be, by its newest restore that still applies. Others end."""
        chosen: _Restore | None = None
        for decision, written in restores:
            if written.wrote == want:
                chosen = chosen or (decision, written)
            elif self.begun > decision.at:
                self.ended[decision.id].add(written.key)
                self._left(decision, written, now, "unwanted")
        if chosen is None:
            return want
        decision, written = chosen
        marks = written.field == self.schema.mark_field and written.before is True
        if written.field in self.schema.identity or marks:
            self._left(decision, written, now, "mark" if marks else "identity")
            self.ended[decision.id].add(written.key)
            return want
        if now not in (want, written.before):
            self._left(decision, written, now, "changed")
            return now
        if now != written.before:
            self.used[written.organization_id][written.field] = decision.id
        return written.before

    def _left(self, decision: Decision, written: WrittenField, now: Value, why: NotRestoredReason) -> None:
        self.not_restored.append(
            NotRestored(
                decision.id,
                self.instance,
                written.account_id,
                written.organization_id,
                written.field,
                written.before,
                written.wrote,
                now,
                why,
            )
        )

    def _explained(self, change: Change) -> Change:
        used = self.used.get(change.organization_id or 0)
        if not used or not isinstance(change, Update):
            return change
        fields = tuple(replace(one, reason=RESTORED) if one.field in used else one for one in change.fields)
        reasons = dict.fromkeys(one.reason for one in fields if one.reason)
        return replace(change, fields=fields, reason="; ".join(reasons))

    @cached_property
    def _position(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.schema.fields)}

    @cached_property
    def _known(self) -> dict[int, dict[str, tuple[_Restore, ...]]]:
        """Organization and field to the restores in force, the newest first."""
        found: dict[int, dict[str, tuple[_Restore, ...]]] = defaultdict(dict)
        for (number, name), restores in self.decisions.restores(self.made).items():
            found[number][name] = restores
        return dict(found)

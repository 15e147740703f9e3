"""The effect of another config on what a run planned: the same snapshots, planned by both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from partner_sync.archive.memory_records import Memory
from partner_sync.compare.earlier_runs import EarlierRuns
from partner_sync.compare.evidence import AccountLookup, folded_values
from partner_sync.compare.inputs import Answers, PlanInputs
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.compare.other_rules import OtherRules, computable, under_rules
from partner_sync.compare.plan import ComparedRun, Comparison, Questions, compare_snapshots
from partner_sync.compare.snapshots import MatchedInstance, MatchedSnapshots, match_snapshots
from partner_sync.config.load import Config
from partner_sync.config.params import Options
from partner_sync.config.rules import rules_digest, rules_text
from partner_sync.errors import SnapshotError
from partner_sync.model import KINDS, NAME, AccountsSnapshot, Change, Hold, OrganizationsSnapshot

UnknownKind = Literal["source", "target", "filter", "wider", "instance", "lookup"]
Difference = Literal["added", "removed", "changed"]
DIFFERENCES: tuple[Difference, ...] = ("added", "removed", "changed")


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that the snapshots cannot show: the `subject` it is about, and what that means for the result."""

    kind: UnknownKind
    subject: str
    meaning: str


@dataclass(frozen=True, slots=True)
class RowEffect:
    """A row that the edit adds, removes or changes, as it was planned before and after.

    `fields` are those whose change differs; `held` is whether the next run would hold it for the rules.
    """

    difference: Difference
    before: Change | None
    after: Change | None
    fields: tuple[str, ...]
    held: bool

    @property
    def change(self) -> Change:
        """The row as the edit wants it; as it was, if the edit removes it."""
        row = self.after or self.before
        assert row is not None  # noqa: S101 - one of them is there
        return row


@dataclass(frozen=True, slots=True)
class ConfigEffect:
    """What another config changes in the plan of a run, the holds that its rules cause, and what is unknown."""

    rows: tuple[RowEffect, ...]
    holds: tuple[Hold, ...]
    unknown: tuple[Unknown, ...]
    planning_only: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.unknown)


def config_effect(
    old: Config, new: Config, inputs: PlanInputs, accounts: AccountsSnapshot, organizations: OrganizationsSnapshot
) -> ConfigEffect:
    """Plans a whole run by both configs.

    :raises SnapshotError: if the snapshots of the one cannot be read by the other at all
    """
    run = replace(inputs.run, options=Options())
    matched = match_snapshots(old, accounts, organizations).with_read(inputs.adopted)
    unknown = unknown_to(matched, new)
    before = compare_snapshots(matched, run, inputs.answers.questions())
    answered = _merged(inputs.answers)
    applied = replace(new, accounts=replace(new.accounts, filter=_known_lines(new, accounts)))
    remembered = [one for earlier in run.earlier.values() if earlier.memory for one in earlier.memory.missing]
    instances = replace(matched, instances=tuple(_instances(matched, new)))
    other = under_rules(instances, applied, answered, remembered, fields={*organization_schema(new).kept, NAME})
    assert other is not None  # noqa: S101 - unknown_to() has refused what cannot be computed
    after = _plan(other, before, run, inputs.answers, rules_text(old))
    unlooked = {
        one for problem in after.plan.problems if problem.kind == "lookup_failed" for one in problem.account_ids
    }
    held = [hold for hold in after.plan.holds if hold.reason == "rules"]
    return ConfigEffect(
        rows=tuple(_rows(before, after, _by_id(one for hold in held for one in hold.changes))),
        holds=tuple(held),
        unknown=(*unknown, *_unlooked(unlooked)),
        planning_only=after.plan.planning_only,
    )


def _plan(other: OtherRules, before: Comparison, run: ComparedRun, answers: Answers, former: str) -> Comparison:
    """The plan of the next run by the new rules, which knows the rules that the run before it accepted."""
    after = {memory.instance: memory for memory in before.memories}
    earlier = {name: _next(one, after.get(name)) for name, one in run.earlier.items()}
    texts = {**answers.rules, rules_digest(former): former}
    counts = answers.questions().count_tickets
    ask = Questions(other.look_up, counts, lambda: answers.last_rows, lambda digest: texts.get(digest))
    return compare_snapshots(other.matched, replace(run, earlier=earlier), ask)


def _next(earlier: EarlierRuns, after: Memory | None) -> EarlierRuns:
    """What earlier runs left, with the rules that the run itself accepted."""
    if after is None:
        return earlier
    bare = earlier.memory or replace(after, missing=(), held=(), cases=(), streaks=())
    return replace(earlier, memory=replace(bare, rules=after.rules, accepted_rules=after.accepted_rules))


def _merged(answers: Answers) -> AccountLookup:
    asked = {one for lookup in answers.lookups for one in lookup.asked}
    found = {account: row for lookup in answers.lookups for account, row in lookup.found.items()}
    return AccountLookup(frozenset(asked), found)


def _instances(matched: MatchedSnapshots, new: Config) -> Iterator[MatchedInstance]:
    """The instances that were read and that the new config still has."""
    write = {one.name: one.write for one in new.instances}
    return (replace(one, write=write[one.name]) for one in matched.instances if one.name in write)


def _known_lines(new: Config, accounts: AccountsSnapshot) -> dict[str, str | tuple[str, ...]]:
    """The lines of a filter that the snapshot can be held against."""
    return {field: value for field, value in new.accounts.filter.items() if field in accounts.rows[0]}


# -- what differs -------------------------------------------------------------------------------------------

RowId = tuple[str, int, str, int]
"""Instance, kind, account and organization, in an order that can be sorted."""


def _rows(before: Comparison, after: Comparison, held: Mapping[RowId, Change]) -> Iterator[RowEffect]:
    """Every row that is not the same by both, in the order of the instances, kinds and accounts."""
    old, new = (_by_id((*one.plan.changes, *one.plan.withheld_changes)) for one in (before, after))
    for key in sorted(old.keys() | new.keys()):
        one, other = old.get(key), new.get(key)
        fields = _differing(one, other)
        if fields:
            difference: Difference = "added" if one is None else "removed" if other is None else "changed"
            yield RowEffect(difference, one, other, fields, key in held)


def _by_id(changes: Iterable[Change]) -> dict[RowId, Change]:
    return {(one.instance, KINDS.index(one.kind), one.account_id, one.organization_id or 0): one for one in changes}


def _differing(one: Change | None, other: Change | None) -> tuple[str, ...]:
    """The fields of two rows that are not changed in the same way."""
    values = [{field.field: (field.before, field.after) for field in row.fields} if row else {} for row in (one, other)]
    names = dict.fromkeys([*values[0], *values[1]])
    return tuple(name for name in names if values[0].get(name) != values[1].get(name))


# -- what is unknown ----------------------------------------------------------------------------------------


def unknown_to(matched: MatchedSnapshots, new: Config) -> tuple[Unknown, ...]:
    """What a new config reads and the snapshots, matched by the config that read them, do not have.

    :raises SnapshotError: if the snapshots cannot be read by the new config at all
    """
    fields = {*organization_schema(new).kept, NAME}
    if new.accounts.object != matched.config.accounts.object or computable(new, matched, fields) is None:
        raise SnapshotError(
            "The snapshots cannot show this edit: accounts.object, accounts.id, accounts.name, the id field or"
            " partners.field differ, and all that is known was read by them. Review the first run with it as a dry run."
        )
    return tuple(_unknown(matched, new))


def _unknown(matched: MatchedSnapshots, new: Config) -> Iterator[Unknown]:
    partners = sum(len(one.partners) for one in matched.instances)
    read, kept = matched.accounts.rows[0].keys(), {*matched.schema.kept, NAME}
    for one in new.attributes:
        if one.source not in read:
            meaning = f"The snapshot has no {one.source}, so any of the {partners:,} partner organizations may change."
            yield Unknown("source", one.field, meaning)
    for field in organization_schema(new).kept:
        if field not in kept:
            meaning = "The snapshot does not have its values in Zendesk. It counts as empty: at most this is written."
            yield Unknown("target", field, meaning)
    for field in new.accounts.filter:
        if field not in read:
            yield Unknown("filter", field, "The snapshot has no such field, so this line of the filter is not applied.")
    if wider := list(_wider(matched.config, new)):
        meaning = "Accounts that only the new filter reads are not in the snapshot: their changes are not shown."
        yield Unknown("wider", ", ".join(wider), meaning)
    there = {one.name for one in matched.instances}
    for instance in new.instances:
        if instance.name not in there:
            yield Unknown("instance", instance.name, "The run did not read it: nothing of it is shown.")


def _wider(old: Config, new: Config) -> Iterator[str]:
    """Lines of the filter that let more accounts pass, and new pinned accounts."""
    lines = new.accounts.filter
    for field, values in old.accounts.filter.items():
        if field not in lines or not folded_values(lines[field]) <= folded_values(values):
            yield field
    if set(new.accounts.pinned) - set(old.accounts.pinned):
        yield "pinned"


def _unlooked(account_ids: Iterable[str]) -> Iterator[Unknown]:
    several: Sequence[str] = sorted(account_ids)
    if several:
        meaning = "The run did not look these missing accounts up, so their marks are not shown."
        yield Unknown("lookup", f"{len(several):,} accounts", meaning)


def rows_by_field(effect: ConfigEffect) -> Mapping[tuple[str, str], dict[Difference, int]]:
    """Kind and field to how many rows are added, removed and changed there."""
    found: dict[tuple[str, str], dict[Difference, int]] = {}
    for row in effect.rows:
        for field in row.fields:
            counts = found.setdefault((row.change.kind, field), dict.fromkeys(DIFFERENCES, 0))
            counts[row.difference] += 1
    return found

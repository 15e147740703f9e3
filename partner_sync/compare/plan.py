"""From matched snapshots to the plan. Linear, and the same whatever the order of the input.

Steps: name conflicts, differences, missing accounts, `account_ids` of the run, limits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from partner_sync.compare.batches import batches
from partner_sync.compare.desired import Desired
from partner_sync.compare.differences import ADOPTED, UNMARKED, Changes
from partner_sync.compare.guards import limit
from partner_sync.compare.missing import Named, marks
from partner_sync.compare.name_conflicts import settle
from partner_sync.compare.problem_kinds import problem
from partner_sync.compare.snapshots import MatchedInstance, MatchedSnapshots
from partner_sync.config.load import Config
from partner_sync.config.params import Options
from partner_sync.ids import id_18
from partner_sync.model import (
    KINDS,
    Batch,
    Change,
    Create,
    Organization,
    Plan,
    PlanOrder,
    Problem,
    Update,
    Withheld,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comes of comparing: the desired state with its matches, the plan, and the plan's batches."""

    matched: MatchedSnapshots
    plan: Plan
    batches: tuple[Batch, ...]


@dataclass
class _Side:
    """One instance on its way to a plan."""

    matched: MatchedInstance
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def instance(self) -> str:
        return self.matched.name

    @property
    def write(self) -> bool:
        return self.matched.write


def compare(matched: MatchedSnapshots, options: Options, *, plan_id: str, run_id: str, made: datetime) -> Comparison:
    """All changes, problems, withheld changes and counts of one comparison."""
    config, accounts, wanted = matched.config, matched.accounts, matched.desired
    sides = [_Side(instance) for instance in matched.instances]
    for side in sides:
        _compare_accounts(matched, side)
    problems = [*wanted.problems, *_unknown(options, wanted, sides)]
    problems += [one for side in sides for one in side.problems]
    named = wanted.known.union(*(one.account_ids for one in problems))
    for side in sides:
        problems += _compare_missing(config, wanted, named, side, made)
    for side in sides:
        _narrow(config, options, side)
    order = {side.instance: at for at, side in enumerate(sides)}
    problems.sort(key=lambda one: _problem_order(one, order))
    plan = Plan(
        order=PlanOrder(accounts.begun, made, plan_id),
        run_id=run_id,
        dry_run=options.dry_run,
        config_digest=config.digest,
        reads=(accounts.proof, *(instance.proof for instance in matched.instances)),
        counts=_counts(config, len(accounts.rows), len(problems), sides),
        changes=tuple(one for side in sides for one in side.changes if side.write and not _is_withheld(one, side)),
        withheld_changes=tuple(one for side in sides for one in side.changes if _is_withheld(one, side)),
        withheld=tuple(one for side in sides for one in side.withheld),
        problems=tuple(problems),
    )
    cut = batches(plan)
    return Comparison(matched, replace(plan, digests={batch.name: batch.digest for batch in cut}), cut)


def _compare_accounts(matched: MatchedSnapshots, side: _Side) -> None:
    """What the accounts want of one instance: creates, updates, and the problems on the way to them."""
    changes, accounts = Changes(matched.schema, side.instance), matched.desired.accounts
    of_account, undecided = side.matched.matches.matched, side.matched.matches.undecided
    side.problems += side.matched.matches.problems
    if matched.config.adoption == "problem":
        refused = {one for one in accounts if one in of_account and changes.adopts(of_account[one])}
        side.problems += [_adoption(side, one, of_account[one]) for one in sorted(refused)]
        undecided = undecided | refused
    accounts = {key: account for key, account in accounts.items() if key not in undecided}
    names = settle(side.instance, side.write, accounts, of_account, side.matched.organizations)
    side.problems += names.problems
    for account in accounts.values():
        organization, named = of_account.get(account.id), account.id not in names.withheld
        change: Create | Update | None = None
        if organization is not None:
            change = changes.update(account, organization, with_name=named)
            side.counts["unchanged"] += change is None and named
        elif named:
            change = changes.create(account)
        if change is not None:
            side.changes.append(change)


def _compare_missing(
    config: Config, wanted: Desired, named: frozenset[str], side: _Side, made: datetime
) -> Sequence[Problem]:
    """Partner organizations without account: marks, and problems of those whose id says nothing."""
    loose = (one for one in side.matched.partners if one.id not in side.matched.matches.held)
    in_problems = {number for one in side.problems for number in one.organization_ids}
    found = marks(config, side.instance, loose, Named(named, in_problems, wanted.unidentified), made)
    side.changes += found.marks
    side.counts.update(found.spared)
    return found.problems


def _adoption(side: _Side, account_id: str, organization: Organization) -> Problem:
    return problem(
        "adoption",
        f"Organization {organization.id} is account {account_id}'s, but is"
        f" {f'a {organization.account_type}' if organization.account_type else 'of no type'}: no partner organization.",
        instance=side.instance,
        accounts=[account_id],
        organizations=[organization.id],
    )


def _unknown(options: Options, wanted: Desired, sides: Iterable[_Side]) -> list[Problem]:
    """Asked ids that nobody has."""
    asked = set(options.account_ids) - wanted.known
    if asked:
        for side in sides:
            for one in side.matched.organizations:
                asked -= {id_18(one.salesforce_id), id_18(one.external_id)}
    return [
        problem("account_id_unknown", f"{one} was asked for in account_ids.", accounts=[one]) for one in sorted(asked)
    ]


def _narrow(config: Config, options: Options, side: _Side) -> None:
    """What this run was asked for, and whether that is too much."""
    all_changes = len(side.changes)
    if options.account_ids:
        asked = frozenset(options.account_ids)
        side.changes = [one for one in side.changes if one.account_id in asked]
    side.counts["not_asked"] = all_changes - len(side.changes)
    side.changes.sort(key=_change_order)
    if side.write:
        side.withheld = limit(
            side.instance,
            side.changes,
            len(side.matched.partners),
            config.limits,
            options.allow_over_limit,
            options.account_ids,
        )


def _is_withheld(change: Change, side: _Side) -> bool:
    return any(one.kind == change.kind for one in side.withheld)


def _change_order(change: Change) -> tuple[int, str, int]:
    return KINDS.index(change.kind), change.account_id, change.organization_id or 0


def _problem_order(
    one: Problem, instances: Mapping[str, int]
) -> tuple[int, str, tuple[str, ...], tuple[int, ...], str]:
    at = -1 if one.instance is None else instances[one.instance]
    return at, one.kind, one.account_ids, one.organization_ids, one.detail


# -- counts -------------------------------------------------------------------------------------------------

COUNTED: Mapping[str, str] = {
    "organizations": "Organizations that were read.",
    "partner_organizations": "Those of a partner type.",
    "unchanged": "Organizations that are as their accounts want them.",
    "create": "Organizations to create.",
    "update": "Organizations to update.",
    "mark": "Organizations to mark.",
    "withheld": "Changes over a limit, not written.",
    "adopted": "Updates of organizations that were of another type.",
    "unmarked": "Updates of organizations that were marked, and whose partner is back.",
    "protected": "Organizations without account that `marks.protected` spares.",
    "marked_already": "Organizations without account that are marked already.",
    "too_recent": "Organizations without account that `marks.only_if_older` spares.",
    "not_asked": "Changes of accounts that `account_ids` left out.",
}
"""What a plan counts of each instance."""


def _counts(config: Config, accounts: int, problems: int, sides: Sequence[_Side]) -> dict[str, int]:
    """Totals of the instances that are written (of all, if none is); by instance as well, if there are several."""
    counts = {"accounts": accounts, "problems": problems}
    by_instance = {side.instance: _counted(config, side) for side in sides}
    totals = [by_instance[side.instance] for side in sides if side.write] or list(by_instance.values())
    for one in totals:
        for key, count in one.items():
            counts[key] = counts.get(key, 0) + count
    if len(sides) > 1:
        for instance, one in by_instance.items():
            counts.update({f"{instance}.{key}": count for key, count in one.items()})
    return counts


def _counted(config: Config, side: _Side) -> dict[str, int]:
    counts = side.counts.copy()
    counts.update(organizations=len(side.matched.organizations), partner_organizations=len(side.matched.partners))
    types = Counter(one.account_type for one in side.matched.partners)
    for change in side.changes:
        if not side.write:
            counts[f"would_{change.kind}"] += 1
        elif _is_withheld(change, side):
            counts["withheld"] += 1
        else:
            counts[change.kind] += 1
        if isinstance(change, Update):
            counts["adopted"] += any(one.reason.startswith(ADOPTED) for one in change.fields)
            counts["unmarked"] += any(one.reason == UNMARKED for one in change.fields)
    keys = tuple(COUNTED) if side.write else (*COUNTED, *(f"would_{kind}" for kind in KINDS))
    return {key: counts[key] for key in keys} | {f"type:{value}": types[value] for value in config.partners.values}

"""From matched snapshots to the plan, in linear time. The order of the input does not change the result.

Steps: name conflicts, differences, missing accounts, `account_ids` of the run, limits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from partner_sync.compare.batches import batches
from partner_sync.compare.desired import Desired
from partner_sync.compare.differences import Differences
from partner_sync.compare.guards import limit
from partner_sync.compare.missing import Mentioned, Spared, find_missing_accounts
from partner_sync.compare.name_conflicts import resolve_names
from partner_sync.compare.organization_schema import OrganizationSchema
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
    InstanceCounts,
    Kind,
    Organization,
    Plan,
    PlanOrder,
    Problem,
    Update,
    Withheld,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing: the desired state with its matches, the plan, and the plan's batches."""

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
    spared: Counter[Spared] = field(default_factory=Counter)
    unchanged: int = 0
    not_asked: int = 0


def compare_snapshots(
    matched: MatchedSnapshots, options: Options, *, plan_id: str, run_id: str, made: datetime
) -> Comparison:
    """All changes, problems, withheld changes and counts of one comparison."""
    config, accounts, wanted = matched.config, matched.accounts, matched.desired
    sides = [_Side(instance) for instance in matched.instances]
    for side in sides:
        _compare_accounts(matched, side)
    problems = [*wanted.problems, *_unknown(options, wanted, sides)]
    problems += [one for side in sides for one in side.problems]
    named = wanted.known.union(*(one.account_ids for one in problems))
    for side in sides:
        problems += _find_missing(config, wanted, named, side, made)
    for side in sides:
        _apply_options(config, options, side)
    order = {side.matched.name: at for at, side in enumerate(sides)}
    problems.sort(key=lambda one: _problem_order(one, order))
    counts = tuple(_counts(matched.schema, side) for side in sides)
    plan = Plan(
        order=PlanOrder(accounts.begun, made, plan_id),
        run_id=run_id,
        dry_run=options.dry_run,
        config_digest=config.digest,
        reads=(accounts.proof, *(instance.proof for instance in matched.instances)),
        counts=_plan_counts(
            len(accounts.rows), len(problems), counts, [side.matched.name for side in sides if side.matched.write]
        ),
        changes=tuple(
            one for side in sides for one in side.changes if side.matched.write and not _is_withheld(one, side)
        ),
        withheld_changes=tuple(one for side in sides for one in side.changes if _is_withheld(one, side)),
        withheld=tuple(one for side in sides for one in side.withheld),
        problems=tuple(problems),
        instances=counts,
    )
    cut = batches(plan)
    return Comparison(matched, replace(plan, digests={batch.name: batch.digest for batch in cut}), cut)


def _compare_accounts(matched: MatchedSnapshots, side: _Side) -> None:
    """The creates, updates and problems of the accounts in one instance."""
    changes, accounts = Differences(matched.schema, side.matched.name), matched.desired.accounts
    of_account, undecided = side.matched.matches.matched, side.matched.matches.undecided
    side.problems += side.matched.matches.problems
    if matched.config.adoption == "problem":
        refused = {one for one in accounts if one in of_account and changes.adopts(of_account[one])}
        side.problems += [_adoption(side, one, of_account[one]) for one in sorted(refused)]
        undecided = undecided | refused
    accounts = {key: account for key, account in accounts.items() if key not in undecided}
    names = resolve_names(side.matched.name, side.matched.write, accounts, of_account, side.matched.organizations)
    side.problems += names.problems
    for account in accounts.values():
        organization, named = of_account.get(account.id), account.id not in names.withheld
        change: Create | Update | None = None
        if organization is not None:
            change = changes.update(account, organization, with_name=named)
            side.unchanged += change is None and named
        elif named:
            change = changes.create(account)
        if change is not None:
            side.changes.append(change)


def _find_missing(
    config: Config, wanted: Desired, named: frozenset[str], side: _Side, made: datetime
) -> Sequence[Problem]:
    """Partner organizations without an account: marks, and problems of those without a usable id."""
    unmatched = (one for one in side.matched.partners if one.id not in side.matched.matches.held)
    in_problems = {number for one in side.problems for number in one.organization_ids}
    found = find_missing_accounts(
        config, side.matched.name, unmatched, Mentioned(named, in_problems, wanted.unidentified), made
    )
    side.changes += found.marks
    side.spared = found.spared
    return found.problems


def _adoption(side: _Side, account_id: str, organization: Organization) -> Problem:
    return problem(
        "adoption",
        f"Organization {organization.id} belongs to account {account_id}, but its type is"
        f" {organization.account_type or 'empty'}, not a partner type.",
        instance=side.matched.name,
        accounts=[account_id],
        organizations=[organization.id],
    )


def _unknown(options: Options, wanted: Desired, sides: Iterable[_Side]) -> list[Problem]:
    """Ids of `account_ids` that no account and no organization has."""
    asked = set(options.account_ids) - wanted.known
    if asked:
        for side in sides:
            for one in side.matched.organizations:
                asked -= {id_18(one.salesforce_id), id_18(one.external_id)}
    return [
        problem("account_id_unknown", f"No account has the id {one} of account_ids.", accounts=[one])
        for one in sorted(asked)
    ]


def _apply_options(config: Config, options: Options, side: _Side) -> None:
    """Applies `account_ids` of the run, then the limits."""
    all_changes = len(side.changes)
    if options.account_ids:
        asked = frozenset(options.account_ids)
        side.changes = [one for one in side.changes if one.account_id in asked]
    side.not_asked = all_changes - len(side.changes)
    side.changes.sort(key=_change_order)
    if side.matched.write:
        side.withheld = limit(
            side.matched.name,
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


def _counts(schema: OrganizationSchema, side: _Side) -> InstanceCounts:
    partners = side.matched.partners
    types = Counter(one.account_type for one in partners)
    kinds = Counter(change.kind for change in side.changes if not _is_withheld(change, side))
    written, read_only = (kinds, Counter[Kind]()) if side.matched.write else (Counter[Kind](), kinds)
    updates = [change for change in side.changes if isinstance(change, Update)]
    return InstanceCounts(
        instance=side.matched.name,
        organizations=len(side.matched.organizations),
        partner_organizations=len(partners),
        unchanged=side.unchanged,
        create=written["create"],
        update=written["update"],
        mark=written["mark"],
        would_create=read_only["create"],
        would_update=read_only["update"],
        would_mark=read_only["mark"],
        withheld=len(side.changes) - kinds.total(),
        adopted=sum(one.adopted for one in updates),
        unmarked=sum(field.field == schema.mark_field for one in updates for field in one.fields),
        protected=side.spared["protected"],
        marked_already=side.spared["marked_already"],
        too_recent=side.spared["too_recent"],
        not_asked=side.not_asked,
        types={value: types[value] for value in schema.partner_types},
    )


def _plan_counts(
    accounts: int, problems: int, instances: Sequence[InstanceCounts], written: Collection[str]
) -> dict[str, int]:
    """Totals of the written instances (of all, if none is), then each instance's own counts if there are several."""
    counts = {"accounts": accounts, "problems": problems}
    by_instance = {one.instance: _counted(one, written=one.instance in written) for one in instances}
    for one in [by_instance[name] for name in written] or by_instance.values():
        for key, count in one.items():
            counts[key] = counts.get(key, 0) + count
    if len(instances) > 1:
        for name, one in by_instance.items():
            counts.update({f"{name}.{key}": count for key, count in one.items()})
    return counts


def _counted(one: InstanceCounts, *, written: bool) -> dict[str, int]:
    counts = {key: count for key, count in asdict(one).items() if key not in ("instance", "types")}
    return {key: count for key, count in counts.items() if not (written and key.startswith("would_"))} | {
        f"type:{value}": count for value, count in one.types.items()
    }

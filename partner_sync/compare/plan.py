"""From matched snapshots to the plan, in linear time. The order of the input does not change the result.

Steps, for each instance: values that people put back, name conflicts, differences, missing accounts with their
evidence, rows that people left, values that rest, holds, open tickets, `account_ids` of the run. Functions of the
caller ask for evidence and tickets in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from partner_sync.archive.memory_records import Memory
from partner_sync.compare.batches import batches
from partner_sync.compare.cases import open_cases
from partner_sync.compare.causes import LastReads, ReadLast
from partner_sync.compare.desired import Desired
from partner_sync.compare.earlier_runs import EarlierRuns
from partner_sync.compare.evidence import AccountLookup, AccountRow
from partner_sync.compare.plan_decisions import acknowledged, ended_keys, with_decisions
from partner_sync.compare.problem_kinds import problem
from partner_sync.compare.rules_effect import RulesEffect
from partner_sync.compare.side import Side
from partner_sync.compare.snapshots import MatchedSnapshots
from partner_sync.compare.tickets import CountTickets, TicketCounts, organizations_to_ask
from partner_sync.config.params import Options
from partner_sync.ids import id_18
from partner_sync.model import Batch, Change, Element, Hold, InstanceCounts, Kind, Plan, PlanOrder, Problem, Update

LookUp = Callable[[Sequence[str]], AccountLookup]


@dataclass(frozen=True)
class Questions:
    """What `compare` asks for: accounts by id, tickets of organizations, account rows of the last snapshot."""

    look_up: LookUp
    count_tickets: CountTickets
    last_rows: Callable[[], Mapping[str, AccountRow]] = dict
    rules: Callable[[str], str | None] = lambda _: None
    """The digest of accepted rules to their text; None if it is lost."""
    last_reads: ReadLast = lambda *_: LastReads()


@dataclass(frozen=True)
class ComparedRun:
    """The run that compares: its id, when it was due, its options, and what earlier runs left for each instance."""

    run_id: str
    run_after: datetime
    plan_id: str
    made: datetime
    options: Options = field(default_factory=Options)
    earlier: Mapping[str, EarlierRuns] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing: the desired state with its matches, the plan, its batches, and what to remember.

    `ended` are keys of decisions that the plan shows to have ended, by instance and decision.
    """

    matched: MatchedSnapshots
    plan: Plan
    batches: tuple[Batch, ...]
    memories: tuple[Memory, ...]
    rules: str
    """The digest of the rules that made the plan."""
    ended: Mapping[str, Mapping[str, Collection[str]]] = field(default_factory=dict)


def compare_snapshots(matched: MatchedSnapshots, run: ComparedRun, ask: Questions) -> Comparison:
    """All changes, problems, holds and counts of one comparison."""
    accounts = matched.accounts
    sides, problems, answered = _plan_rows(matched, run, ask)
    effect = RulesEffect(
        matched,
        answered,
        lambda other: _plan_rows(other.matched, run, Questions(other.look_up, ask.count_tickets))[0],
    )
    effect.find(sides, ask.rules)
    for side in sides:
        side.explain(ask.last_reads)
    _count_tickets(sides, ask.count_tickets)
    asked = frozenset(run.options.account_ids)
    order = PlanOrder(accounts.begun, run.made, run.plan_id)
    changes, approvals = list[Change](), dict[int, tuple[str, ...]]()
    holds, memories, counts = list[Hold](), list[Memory](), list[InstanceCounts]()
    for side in sides:
        written, allowed, held = side.narrow(asked)
        waits = bool(written) and not side.earlier.armed
        held, memory = _remember(side, held, order, run, waits=waits, rules=effect.digest)
        counts.append(_counts(side, written, held))
        holds += held
        problems += side.problems
        if side.matched.write:
            approvals |= {len(changes) + at: ids for at, ids in allowed.items()}
            changes += written
            memories.append(memory)
    at = {side.name: number for number, side in enumerate(sides)}
    problems = [acknowledged(one, sides, run.made) for one in problems]
    problems.sort(key=lambda one: _problem_order(one, at))
    plan = Plan(
        order=order,
        run_id=run.run_id,
        dry_run=run.options.dry_run,
        config_digest=matched.config.digest,
        reads=(accounts.proof, *(instance.proof for instance in matched.instances)),
        counts=_plan_counts(
            len(accounts.rows), len(problems), counts, [side.name for side in sides if side.matched.write]
        ),
        changes=tuple(changes),
        holds=tuple(holds),
        problems=tuple(problems),
        instances=tuple(counts),
        approvals=approvals,
        waiting_since={one.instance: one.waiting_since for one in memories if one.waiting_since is not None},
        unread=matched.unread,
        planning_only=tuple(side.name for side in sides if side.matched.write and not side.earlier.armed),
    )
    plan = with_decisions(plan, sides, run.made)
    cut = batches(plan)
    digests = {batch.name: batch.digest for batch in cut}
    plan = replace(plan, digests=digests, elements=_elements(plan, fail=matched.config.problems == "fail"))
    ended = {side.name: ended_keys(side, plan.problems, accounts.begun) for side in sides}
    return Comparison(matched, plan, cut, tuple(memories), effect.digest, ended)


def _plan_rows(
    matched: MatchedSnapshots, run: ComparedRun, ask: Questions
) -> tuple[list[Side], list[Problem], AccountLookup]:
    """The rows of all instances before anything is held, problems of accounts, and what Salesforce was asked."""
    wanted = matched.desired
    sides = [Side(matched, one, run.earlier.get(one.name, EarlierRuns()), run.made) for one in matched.instances]
    _compare_accounts(sides, ask.look_up)
    problems = [*wanted.problems, *_unknown(run.options, wanted, sides)]
    named = wanted.known.union(*(one.account_ids for side in sides for one in side.problems))
    named = named.union(*(one.account_ids for one in problems))
    return sides, problems, _find_missing(sides, wanted, named, ask)


def _elements(plan: Plan, *, fail: bool) -> tuple[Element, ...]:
    withheld = any(hold.opens_case for hold in plan.holds)
    due: dict[Element, bool] = {
        "withheld": withheld,
        "instances": bool(plan.unread),
        "problems": fail and any(one.acknowledged is None for one in plan.problems),
    }
    return () if plan.dry_run else tuple(name for name, is_due in due.items() if is_due)


def _compare_accounts(sides: Iterable[Side], look_up: LookUp) -> None:
    """Compares every account. Ids that lost their case are looked up first: Salesforce may have exactly these."""
    several = list(sides)
    ids = sorted({own for side in several for own in side.lost_case_ids()})
    twins = look_up(ids) if ids else AccountLookup()
    for side in several:
        side.compare_accounts(twins)


def _find_missing(sides: Iterable[Side], wanted: Desired, named: frozenset[str], ask: Questions) -> AccountLookup:
    """Finds the missing accounts of all instances, asks for evidence once, and decides about marks."""
    found = [(side, side.find_missing(wanted, named)) for side in sides]
    ids = sorted({account_id for _, missing in found for account_id in missing.to_ask})
    lookup, last_rows = (ask.look_up(ids), ask.last_rows()) if ids else (AccountLookup(), {})
    for side, missing in found:
        side.decide_marks(missing, lookup, last_rows)
        side.rest()
    return lookup


def _count_tickets(sides: Sequence[Side], count_tickets: CountTickets) -> None:
    """Counts the open tickets of marks that nothing else holds."""
    if not sides or sides[0].all.config.marks.open_tickets == "ignore":
        return
    known = {(side.name, one.organization_id): one for side in sides for one in side.remembered}
    asked = organizations_to_ask(
        (mark for side in sides if side.matched.write for mark in side.marks_that_pass()), known
    )
    counts = count_tickets(asked) if asked else TicketCounts()
    for side in sides:
        if side.matched.write:
            side.with_tickets(asked, counts)


def _remember(
    side: Side, holds: tuple[Hold, ...], order: PlanOrder, run: ComparedRun, *, waits: bool, rules: str
) -> tuple[tuple[Hold, ...], Memory]:
    """The holds, those that make this run red among them, and what the next run should know."""
    held, earlier = side.hold(), side.earlier.memory
    opens = side.earlier.armed and not (run.options.dry_run or run.options.account_ids)
    most = next((one.most for one in held.guards if (one.reason, one.kind) == ("limit", "mark")), None)
    shown, cases = open_cases(
        holds,
        earlier.cases if earlier else (),
        run_id=run.run_id if opens else None,
        made=run.made,
        most_marks=most,
        unwritten=held.approved_and_not_written,
    )
    memory = Memory(
        order=order,
        instance=side.name,
        run_id=run.run_id,
        run_after=run.run_after,
        accounts=side.all.accounts.digest,
        organizations=side.matched.digest,
        missing=side.remembered,
        held=held.remembered(side.remembered, side.left),
        cases=cases,
        streaks=side.streaks,
        waiting_since=((earlier and earlier.waiting_since) or run.made) if waits else None,
        rules=rules,
        accepted_rules=side.accepted_rules(holds, rules),
    )
    return shown, memory


def _unknown(options: Options, wanted: Desired, sides: Iterable[Side]) -> list[Problem]:
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


def _problem_order(
    one: Problem, instances: Mapping[str, int]
) -> tuple[int, str, tuple[str, ...], tuple[int, ...], str]:
    at = -1 if one.instance is None else instances[one.instance]
    return at, one.kind, one.account_ids, one.organization_ids, one.detail


def _counts(side: Side, changes: Collection[Change], holds: Iterable[Hold]) -> InstanceCounts:
    schema, partners = side.all.schema, side.matched.partners
    types = Counter(one.account_type for one in partners)
    kinds = Counter(change.kind for change in changes)
    written, read_only = (kinds, Counter[Kind]()) if side.matched.write else (Counter[Kind](), kinds)
    planned = [*changes, *(change for hold in holds for change in hold.changes)]
    updates = [change for change in planned if isinstance(change, Update)]
    return InstanceCounts(
        instance=side.name,
        organizations=len(side.matched.organizations),
        partner_organizations=len(partners),
        unchanged=side.unchanged,
        create=written["create"],
        update=written["update"],
        mark=written["mark"],
        would_create=read_only["create"],
        would_update=read_only["update"],
        would_mark=read_only["mark"],
        withheld=len(planned) - len(changes),
        left=len(side.left),
        restored=sum(change.organization_id in side.restores.used for change in changes),
        adopted=sum(one.adopted for one in updates),
        unmarked=sum(
            one.field == schema.mark_field and one.field not in side.restores.used.get(change.organization_id, ())
            for change in updates
            for one in change.fields
        ),
        protected=side.spared["protected"],
        marked_already=side.spared["marked_already"],
        too_recent=side.spared["too_recent"],
        in_grace=side.spared["in_grace"],
        not_marked=side.spared["not_marked"],
        mark_undone=side.spared["mark_undone"],
        not_asked=len(side.changes) - len(planned),
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

"""Renders the outcome of a run for a terminal. Pure.

It has over 300 lines because it is one summary, section by section.

Everything that comes from Salesforce, Zendesk or an error is sanitized: markup in a name is shown, not interpreted.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from partner_sync.archive.records import RowVerdict, RunRecord, VerdictTally
from partner_sync.cli.sanitize import sanitize
from partner_sync.history.labels import (
    DECISION_LABELS,
    HOLD_LABELS,
    NOT_RESTORED_LABELS,
    PLANNING_ONLY,
    cause_label,
    tickets_label,
)
from partner_sync.local.outcome import RunOutcome, write_totals
from partner_sync.model import KINDS, Change, Hold, Kind, Mark, Plan, Problem, ReadProof, Update, Value, Verdict

KIND_STYLES = {"create": "green", "update": "yellow", "mark": "magenta"}
VERDICT_STYLES: dict[Verdict, str] = {
    "confirmed": "green",
    "rejected": "bold red",
    "superseded": "yellow",
    "unknown": "bold red",
}
NOT_CONFIRMED: tuple[Verdict, ...] = ("rejected", "unknown", "superseded")


@dataclass(frozen=True)
class Limits:
    """How many of each kind are shown: changes (`reasons` if they have that many), fields, problems, verdict rows.

    `more` is the command that shows all.
    """

    changes: int = 3
    reasons: int = 6
    fields: int = 4
    problems: int = 3
    rows: int = 10
    more: str = "make run ALL=1"


EXAMPLES = Limits()
EVERYTHING = Limits(*(sys.maxsize,) * 5)


def render(outcome: RunOutcome, limits: Limits = EXAMPLES) -> RenderableType:
    """The whole summary. Failures come last, where a reader looks first."""
    parts: list[RenderableType] = []
    if outcome.record:
        plan = outcome.record.plan
        parts += _reads(plan)
        parts += _planned(outcome, plan, limits)
        parts += _problems(plan.problems, limits)
        parts += _holds(outcome.plan.holds if outcome.plan else plan.holds, limits, outcome.rehearsal)
        parts += _decisions(outcome.plan or plan, limits)
        parts += _verdicts(outcome, limits)
    parts += _failures(outcome)
    parts += _end(outcome)
    return Group(*parts)


def _reads(plan: Plan) -> Iterator[RenderableType]:
    yield _title("Read", "incomplete" if plan.unread else "complete")
    table = _grid()
    for proof in plan.reads:
        pages = _count(proof.pages, "page")
        table.add_row(
            Text(sanitize(proof.system), "cyan"),
            Text(_proof(proof)),
            Text(f"{pages}, {_count(proof.calls, 'call')}", "dim"),
        )
    for one in plan.unread:
        table.add_row(Text(f"Zendesk {sanitize(one.instance)}", "cyan"), Text("not read", "bold red"))
    yield _inset(table)
    for one in plan.unread:
        yield _inset(Text(f"Nothing is planned for {sanitize(one.instance)}. {sanitize(one.why)}"), 4)


def _proof(proof: ReadProof) -> str:
    counted = "of" if proof.read == proof.announced else "read, counted"
    gone = f", {proof.gone:,} confirmed gone" * bool(proof.gone)
    changed = ", by what changed" if proof.kind == "changed" else ""
    differed = f", {len(proof.differed):,} not as changed reads had them" if proof.differed else ""
    return f"{proof.read:,} {counted} {proof.announced:,}{gone}{changed}{differed}"


def _planned(outcome: RunOutcome, plan: Plan, limits: Limits) -> Iterator[RenderableType]:
    if not outcome.changes:
        return
    unwritten = f"planning only: nothing is written in {', '.join(map(sanitize, plan.planning_only))}"
    unchanged = plan.counts.get("unchanged", 0)
    notes = ["dry run: nothing is written"] if plan.dry_run else [unwritten] * bool(plan.planning_only)
    notes += [f"{unchanged:,} already in sync"] * bool(unchanged)
    yield _title("Plan", "; ".join(notes))
    for instance in sorted({change.instance for change in outcome.changes}):
        for kind in KINDS:
            number = sum((change.instance, change.kind) == (instance, kind) for change in outcome.changes)
            if number:
                head = Text.assemble((f"{kind} {number:,}", KIND_STYLES[kind]), (f"  in {sanitize(instance)}", "dim"))
                yield _inset(head)
                yield from _changes(outcome.changes, instance, kind, limits)


def _changes(changes: Sequence[Change], instance: str, kind: Kind, limits: Limits) -> Iterator[RenderableType]:
    """Examples of one kind, so chosen that every reason for an update appears."""
    some = [change for change in changes if (change.instance, change.kind) == (instance, kind)]
    by_reason: dict[str, Change] = {}
    for change in some:
        by_reason.setdefault(change.reason if isinstance(change, Update) else "", change)
    shown = list(by_reason.values())[: limits.reasons]
    shown += [change for change in some if change not in shown][: max(0, limits.changes - len(shown))]
    for change in some if len(shown) == len(some) else shown:
        yield from _change(change, limits)
    if len(some) > len(shown):
        yield _inset(Text(f"{_count(len(some) - len(shown), f'more {kind}')}: {limits.more}", "dim"), 4)


def _change(change: Change, limits: Limits) -> Iterator[RenderableType]:
    known = tickets_label(change.tickets, change.users) if isinstance(change, Mark) else ""
    reason = f"  {sanitize(change.reason)}{f' ({known})' if known else ''}"
    yield _inset(_cut(Text.assemble((sanitize(change.name), "bold"), (reason, "dim"))), 4)
    changed = [each for each in change.fields if each.before != each.after]
    for each in changed[: limits.fields]:
        reason = f"  ({sanitize(each.reason)})" if each.reason not in ("", change.reason) else ""
        yield _inset(
            _cut(
                Text.assemble(
                    f"{sanitize(each.field)}: ",
                    (display_value(each.before), "red" if each.before is not None else "dim"),
                    " -> ",
                    (display_value(each.after), "green" if each.after is not None else "dim"),
                    (f"{reason}{cause_label(each.cause)}", "dim"),
                )
            ),
            6,
        )
    if len(changed) > limits.fields:
        yield _inset(Text(_count(len(changed) - limits.fields, "more field"), "dim"), 6)


def _problems(problems: Sequence[Problem], limits: Limits) -> Iterator[RenderableType]:
    if not problems:
        return
    open_ones = [problem for problem in problems if problem.acknowledged is None]
    need = "item needs" if len(open_ones) == 1 else "items need"
    acknowledged = f", {len(problems) - len(open_ones):,} acknowledged" * (len(open_ones) < len(problems))
    yield _title("Problems", f"{len(open_ones):,} {need} attention{acknowledged}; nothing else waits for them")
    by_kind: dict[str, list[Problem]] = defaultdict(list)
    for problem in open_ones:
        by_kind[problem.kind].append(problem)
    for kind, some in sorted(by_kind.items()):
        yield _inset(Text.assemble((sanitize(kind).replace("_", " "), "yellow"), (f" {len(some)}", "yellow")))
        for problem in some[: limits.problems]:
            where = f"{sanitize(problem.instance)}: " if problem.instance else ""
            yield _inset(Text.assemble(where + sanitize(problem.detail), (f"  problem {problem.id}", "dim")), 4)
        if len(some) > limits.problems:
            yield _inset(Text(f"{len(some) - limits.problems:,} more: {limits.more}", "dim"), 4)
        yield _inset(Text(sanitize(some[0].advice), "dim italic"), 6)


def _holds(holds: Sequence[Hold], limits: Limits, rehearsal: bool) -> Iterator[RenderableType]:
    if not holds:
        return
    yield _title("On hold", "planned, not written")
    for item in holds:
        head = (f"{item.kind} {item.rows:,}", "bold red" if item.opens_case else KIND_STYLES[item.kind])
        since = f"since {item.since:%Y-%m-%d %H:%M} UTC"
        reason = f"  in {sanitize(item.instance)}, {HOLD_LABELS[item.reason]}, {since}, hold {sanitize(item.id)}"
        yield _inset(Text.assemble(head, (reason, "dim")))
        yield from _changes(item.changes, item.instance, item.kind, limits)
        yield _inset(Text(sanitize(item.why)), 4)
        if rehearsal:
            continue
        yield _inset(Text(sanitize(item.next_step), "bold"), 4)
        yield _inset(Text(f"To leave them as they are: {_conf('leave', item.id)}"), 4)


def _decisions(plan: Plan, limits: Limits) -> Iterator[RenderableType]:
    """The decisions in force, what could not be undone, and how to take back what this run wrote."""
    if plan.decisions:
        yield _title("Decisions", "in force; all of them: python -m partner_sync.decisions")
    for one in plan.decisions:
        rows = f"{one.rows:,} of {_count(one.of, 'row')}"
        head = (f"{DECISION_LABELS[one.does]} {rows}", "cyan")
        yield _inset(Text.assemble(head, (f"  in {sanitize(one.instance)}, decision {sanitize(one.id)}", "dim")))
        if one.rows < one.of:
            yield _inset(Text(f"{_count(one.of - one.rows, 'row')} already done, or no longer the same"), 4)
        missed = [field for field in plan.not_restored if field.decision == one.id]
        for field in missed[: limits.rows]:
            where = f"organization {field.organization_id}, {sanitize(field.field)}"
            yield _inset(Text(f"not undone: {where}: {NOT_RESTORED_LABELS[field.why]}"), 4)
        if len(missed) > limits.rows:
            yield _inset(Text(f"{len(missed) - limits.rows:,} more: {limits.more}", "dim"), 4)
        yield _inset(Text(f"To end it early: {_conf('withdraw', one.id)}", "bold"), 4)


def _conf(param: str, value: str) -> str:
    return f"CONF='{json.dumps({param: [value]})}' make run"


def _verdicts(outcome: RunOutcome, limits: Limits) -> Iterator[RenderableType]:
    if not outcome.verdicts:
        return
    counts = VerdictTally.of(outcome.verdicts)
    totals = write_totals(outcome.verdicts)
    yield _title("Verdicts", f"{_count(totals.rows, 'row')} sent in {_count(totals.jobs, 'bulk job')} and read back")
    yield _inset(
        Text("  ").join(
            Text(f"{verdict} {counts[verdict]:,}", style)
            for verdict, style in VERDICT_STYLES.items()
            if counts[verdict]
        )
    )
    for verdict in NOT_CONFIRMED:
        rows = [row for row in outcome.verdicts if row.verdict == verdict]
        for row in rows[: limits.rows]:
            yield from _row(row)
        if len(rows) > limits.rows:
            yield _inset(Text(f"{len(rows) - limits.rows:,} more {verdict}: {limits.more}", "dim"), 4)


def _row(row: RowVerdict) -> Iterator[RenderableType]:
    subject = f"organization {row.organization_id}" if row.organization_id else f"account {sanitize(row.account_id)}"
    verdict = (f"{row.verdict}  ", VERDICT_STYLES[row.verdict])
    yield _inset(_cut(Text.assemble(verdict, (sanitize(row.name), "bold"), (f"  {row.kind}, {subject}", "dim"))), 4)
    yield _inset(Text(sanitize(row.reason)), 6)
    if row.vendor_words:
        yield _inset(Text(f'Zendesk responded: "{sanitize(row.vendor_words)}"', "dim"), 6)


def _failures(outcome: RunOutcome) -> Iterator[RenderableType]:
    if outcome.state == "success":
        return
    yield _title("Failed", "" if outcome.record else "there is no plan: the run ended before compare did")
    names: dict[str, list[str]] = defaultdict(list)
    for failure in outcome.failures:
        names[failure.message].append(failure.name)
    for message, tasks in names.items():
        yield _inset(Text(sanitize(", ".join(tasks)), "bold red"))
        for line in message.splitlines():
            yield _inset(Text(sanitize(line)), 4)
    if not outcome.failures:
        yield _inset(Text("No task gives a reason. See the log."))


def _end(outcome: RunOutcome) -> Iterator[RenderableType]:
    yield Text()
    yield Text.assemble(_result(outcome), (f"  {outcome.seconds:.1f} s", "dim"))
    table = _grid()
    if outcome.record:
        reads = sum(outcome.record.calls_to_read.values())
        writes = write_totals(outcome.verdicts).calls
        table.add_row(
            Text("Calls", "dim"), Text(f"{reads + writes:,}: {reads:,} to read, {writes:,} to write and confirm")
        )
        table.add_row(Text("Archive", "dim"), Text(outcome.archive, overflow="fold"))
        if not outcome.rehearsal:
            table.add_row(Text("Page", "dim"), Text("make up shows every change of this run and what became of it"))
        undoes = outcome.rehearsal or (outcome.plan is not None and outcome.plan.restores)
        if not undoes and any(row.written and row.kind != "create" for row in outcome.verdicts):
            table.add_row(Text("Undo", "dim"), Text(_conf("undo", sanitize(outcome.record.trigger.run_id))))
    if outcome.systems:
        table.add_row(Text("Systems", "dim"), Text(outcome.systems))
    table.add_row(Text("Log", "dim"), Text(outcome.log, overflow="fold"))
    yield _inset(table)


def _result(outcome: RunOutcome) -> tuple[str, str]:
    if outcome.state != "success":
        return "The DAG run failed.", "bold red"
    if not outcome.record:
        return "The DAG run succeeded, but compare left no record.", "bold red"
    held = len(outcome.withheld_changes)
    on_hold = f", {held:,} on hold" * bool(held)
    if outcome.record.plan.dry_run:
        return f"Dry run: {_count(len(outcome.changes), 'change')} planned{on_hold}. Nothing was written.", "bold green"
    if not outcome.writable:
        return _nothing_written(outcome.record, len(outcome.changes), held)
    confirmed = VerdictTally.of(outcome.verdicts)["confirmed"]
    unwritten = len(outcome.changes) - outcome.writable
    only = f" {PLANNING_ONLY}: {_count(unwritten, 'change')}." * bool(unwritten)
    return f"{confirmed:,} of {_count(outcome.writable, 'change')} confirmed{on_hold}.{only}", "bold green"


def _nothing_written(record: RunRecord, planned: int, held: int) -> tuple[str, str]:
    """Why a run that succeeded had nothing to write."""
    if record.plan.planning_only:
        on_hold = f", {held:,} on hold" * bool(held)
        return f"{PLANNING_ONLY}. {_count(planned, 'change')} planned{on_hold}.", "bold yellow"
    if held:
        return f"Nothing was written: {_count(held, 'change')} on hold.", "bold yellow"
    whose = "the accounts in account_ids" if record.trigger.params.get("account_ids") else "all partners"
    return f"Nothing to do: {whose} are in sync. Nothing was written.", "bold green"


# -- texts and shapes ---------------------------------------------------------------------------------------


def display_value(value: Value) -> str:
    """A field's value for people: (empty), yes, no, or the text."""
    if value is None:
        return "(empty)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return sanitize(value)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _title(title: str, rest: str = "") -> RenderableType:
    return Group(Text(), Rule(Text.assemble((title, "bold"), ("  " + rest if rest else "", "dim")), align="left"))


def _grid() -> Table:
    return Table.grid(padding=(0, 2))


def _inset(what: RenderableType, by: int = 2) -> Padding:
    return Padding(what, (0, 0, 0, by), expand=False)


def _cut(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text

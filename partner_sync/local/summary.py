"""What one run did, for the eye and for machines. Pure: archive data in, rich renderables or a dict out.

Everything that comes from Salesforce, Zendesk or an error is text, made plain: markup in a name is shown, not obeyed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from partner_sync.archive.records import RowVerdict, RunRecord
from partner_sync.cli.sanitize import plain
from partner_sync.model import KINDS, Change, Kind, Plan, Problem, Value, Verdict, Withheld

CHANGES_SHOWN, REASONS_SHOWN, FIELDS_SHOWN, PROBLEMS_SHOWN, ROWS_SHOWN = 3, 6, 4, 3, 10
"""Of each kind: changes, or more where they have more reasons; fields of one change; problems; rows of a verdict.
The archive has all of them."""
KIND_STYLES = {"create": "green", "update": "yellow", "mark": "magenta"}
VERDICT_STYLES: dict[Verdict, str] = {
    "confirmed": "green",
    "rejected": "bold red",
    "superseded": "yellow",
    "unknown": "bold red",
}


@dataclass(frozen=True)
class Failure:
    """A task instance that failed; `label` is the batch of a mapped one."""

    task: str
    label: str
    message: str

    @property
    def name(self) -> str:
        return f"{self.task} {self.label}".strip()


@dataclass(frozen=True)
class Summary:
    """All there is to say about one run. No `record` where `compare` did not come to its end."""

    state: str
    seconds: float
    record: RunRecord | None
    plan: Plan | None
    """With its changes, where it has any."""
    verdicts: Sequence[RowVerdict]
    failures: Sequence[Failure]
    archive: str
    log: str
    systems: str = ""
    """Which ones these were, where a reader could take them for others."""

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.plan.changes if self.plan else ()

    @property
    def withheld_changes(self) -> tuple[Change, ...]:
        return self.plan.withheld_changes if self.plan else ()


@dataclass(frozen=True)
class Work:
    """What was sent to Zendesk, by the verdicts."""

    jobs: int
    rows: int
    calls: int


def work(verdicts: Iterable[RowVerdict]) -> Work:
    """A job counts once, however many lines name it; the lines of a batch carry the calls of the whole batch."""
    jobs, rows = set(), 0
    calls: dict[tuple[str, str], int] = defaultdict(int)
    for row in verdicts:
        if row.written:
            rows += 1
            jobs.add(row.job_id)
        calls[row.plan_id, row.batch] = max(calls[row.plan_id, row.batch], row.calls)
    return Work(len(jobs), rows, sum(calls.values()))


def facts(summary: Summary) -> dict[str, object]:
    """The same for machines: what `last-run.json` holds."""
    done = work(summary.verdicts)
    record = summary.record
    return {
        "state": summary.state,
        "seconds": round(summary.seconds, 1),
        "run_id": record.trigger.run_id if record else None,
        "dry_run": record.plan.dry_run if record else None,
        "planned": {kind: sum(change.kind == kind for change in summary.changes) for kind in KINDS},
        "withheld": sum(item.count for item in record.plan.withheld) if record else 0,
        "problems": dict(sorted(Counter(problem.kind for problem in record.plan.problems).items())) if record else {},
        "verdicts": dict(sorted(Counter(row.verdict for row in summary.verdicts).items())),
        "jobs": done.jobs,
        "rows_written": done.rows,
        "failed_tasks": [failure.name for failure in summary.failures],
        "archive": summary.archive,
        "log": summary.log,
    }


# -- for the eye --------------------------------------------------------------------------------------------


def render(summary: Summary) -> RenderableType:
    """The whole summary. What ended badly comes last, since that is where a reader looks first."""
    parts: list[RenderableType] = []
    if summary.record:
        plan = summary.record.plan
        parts += _reads(plan)
        parts += _changes(summary)
        parts += _problems(plan.problems)
        parts += _withheld(summary, plan.withheld)
        parts += _verdicts(summary)
    parts += _failures(summary)
    parts += _end(summary)
    return Group(*parts)


def _reads(plan: Plan) -> Iterator[RenderableType]:
    yield _title("Read", "all that was announced" if all(proof.read == proof.announced for proof in plan.reads) else "")
    table = _grid()
    for proof in plan.reads:
        pages = _count(proof.pages, "page")
        table.add_row(
            Text(plain(proof.system), "cyan"),
            Text(f"{proof.read:,} of {proof.announced:,}"),
            Text(f"{pages}, {_count(proof.calls, 'call')}", "dim"),
        )
    yield _inset(table)


def _changes(summary: Summary) -> Iterator[RenderableType]:
    plan = summary.record.plan if summary.record else None
    if plan is None or not summary.changes:
        return
    unchanged = plan.counts.get("unchanged", 0)
    notes = ["a dry run: shown, not written"] * plan.dry_run + [f"{unchanged:,} more in step"] * bool(unchanged)
    yield _title("Plan", "; ".join(notes))
    for instance in sorted({change.instance for change in summary.changes}):
        for kind in KINDS:
            number = sum((change.instance, change.kind) == (instance, kind) for change in summary.changes)
            if number:
                yield _inset(
                    Text.assemble((f"{kind} {number:,}", KIND_STYLES[kind]), (f"  in {plain(instance)}", "dim"))
                )
                yield from _first(summary.changes, instance, kind)


def _first(changes: Sequence[Change], instance: str, kind: Kind) -> Iterator[RenderableType]:
    """The first changes, so chosen that every reason is seen once."""
    some = [change for change in changes if (change.instance, change.kind) == (instance, kind)]
    by_reason: dict[str, Change] = {}
    for change in some:
        by_reason.setdefault(_without_ids(change.reason), change)
    examples = list(by_reason.values())[:REASONS_SHOWN]
    examples += [change for change in some if change not in examples][: max(0, CHANGES_SHOWN - len(examples))]
    for change in examples:
        yield from _change(change)
    if len(some) > len(examples):
        yield _inset(Text(f"and {len(some) - len(examples):,} more", "dim"), 4)


def _without_ids(reason: str) -> str:
    return " ".join(word for word in reason.split() if word.isalpha())


def _change(change: Change) -> Iterator[RenderableType]:
    yield _inset(_cut(Text.assemble((plain(change.name), "bold"), (f"  {plain(change.reason)}", "dim"))), 4)
    told = [each for each in change.fields if each.before != each.after]
    for each in told[:FIELDS_SHOWN]:
        reason = f"  ({plain(each.reason)})" if each.reason not in ("", change.reason) else ""
        yield _inset(
            _cut(
                Text.assemble(
                    f"{plain(each.field)}: ",
                    (shown(each.before), "red" if each.before is not None else "dim"),
                    " -> ",
                    (shown(each.after), "green" if each.after is not None else "dim"),
                    (reason, "dim"),
                )
            ),
            6,
        )
    if len(told) > FIELDS_SHOWN:
        yield _inset(Text(f"and {_count(len(told) - FIELDS_SHOWN, 'more field')}", "dim"), 6)


def _problems(problems: Sequence[Problem]) -> Iterator[RenderableType]:
    if not problems:
        return
    yield _title("Problems", f"{len(problems):,} for a person to look at; they held up nothing else")
    by_kind: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        by_kind[problem.kind].append(problem)
    for kind, some in sorted(by_kind.items()):
        yield _inset(Text.assemble((plain(kind).replace("_", " "), "yellow"), (f" {len(some)}", "yellow")))
        for problem in some[:PROBLEMS_SHOWN]:
            where = f"{plain(problem.instance)}: " if problem.instance else ""
            yield _inset(Text(where + plain(problem.detail)), 4)
        if len(some) > PROBLEMS_SHOWN:
            yield _inset(Text(f"and {len(some) - PROBLEMS_SHOWN:,} more", "dim"), 4)
        yield _inset(Text(plain(some[0].advice), "dim italic"), 6)


def _withheld(summary: Summary, withheld: Sequence[Withheld]) -> Iterator[RenderableType]:
    if not withheld:
        return
    yield _title("Withheld", "planned, over a limit, not written")
    for item in withheld:
        numbers = f"{item.kind} {item.count:,}, limit {item.limit:,}"
        of = f"  in {plain(item.instance)}, {item.partner_organizations:,} partner organizations"
        yield _inset(Text.assemble((numbers, "bold red"), (of, "dim")))
        yield from _first(summary.withheld_changes, item.instance, item.kind)
        yield _inset(Text(plain(item.why)), 4)
        yield _inset(Text(plain(item.next_step), "bold"), 4)


def _verdicts(summary: Summary) -> Iterator[RenderableType]:
    if not summary.verdicts:
        return
    counts = Counter(row.verdict for row in summary.verdicts)
    done = work(summary.verdicts)
    yield _title("Verdicts", f"{_count(done.rows, 'row')} sent in {_count(done.jobs, 'bulk job')}, each read back")
    yield _inset(
        Text("  ").join(
            Text(f"{verdict} {counts[verdict]:,}", style)
            for verdict, style in VERDICT_STYLES.items()
            if counts[verdict]
        )
    )
    worth_a_look: tuple[Verdict, ...] = ("rejected", "unknown", "superseded")
    for verdict in worth_a_look:
        rows = [row for row in summary.verdicts if row.verdict == verdict]
        for row in rows[:ROWS_SHOWN]:
            yield from _row(row)
        if len(rows) > ROWS_SHOWN:
            yield _inset(Text(f"and {len(rows) - ROWS_SHOWN:,} more {verdict}", "dim"), 4)


def _row(row: RowVerdict) -> Iterator[RenderableType]:
    subject = f"organization {row.organization_id}" if row.organization_id else f"account {plain(row.account_id)}"
    verdict = (f"{row.verdict}  ", VERDICT_STYLES[row.verdict])
    yield _inset(_cut(Text.assemble(verdict, (plain(row.name), "bold"), (f"  {row.kind}, {subject}", "dim"))), 4)
    yield _inset(Text(plain(row.reason)), 6)
    if row.vendor_words:
        yield _inset(Text(f'Zendesk said: "{plain(row.vendor_words)}"', "dim"), 6)


def _failures(summary: Summary) -> Iterator[RenderableType]:
    if summary.state == "success":
        return
    yield _title("Failed", "" if summary.record else "there is no plan: the run ended before compare did")
    names: dict[str, list[str]] = defaultdict(list)
    for failure in summary.failures:
        names[failure.message].append(failure.name)
    for message, tasks in names.items():
        yield _inset(Text(plain(", ".join(tasks)), "bold red"))
        for line in message.splitlines():
            yield _inset(Text(plain(line)), 4)
    if not summary.failures:
        yield _inset(Text("No task says why; the log may."))


def _end(summary: Summary) -> Iterator[RenderableType]:
    yield Text()
    yield Text.assemble(_result(summary), (f"  {summary.seconds:.1f} s", "dim"))
    table = _grid()
    if summary.record:
        reads = summary.record.plan.reads
        calls = sum(proof.calls for proof in reads), work(summary.verdicts).calls
        table.add_row(
            Text("Calls", "dim"), Text(f"{sum(calls):,}: {calls[0]:,} to read, {calls[1]:,} to write and confirm")
        )
        table.add_row(Text("Archive", "dim"), Text(summary.archive, overflow="fold"))
    if summary.systems:
        table.add_row(Text("Systems", "dim"), Text(summary.systems))
    table.add_row(Text("Log", "dim"), Text(summary.log, overflow="fold"))
    yield _inset(table)


def _result(summary: Summary) -> tuple[str, str]:
    if summary.state != "success":
        return "The DAG run failed.", "bold red"
    if not summary.record:
        return "The DAG run succeeded, but compare left no record.", "bold red"
    if summary.record.plan.dry_run:
        withheld = f", {len(summary.withheld_changes):,} withheld" if summary.withheld_changes else ""
        planned = _count(len(summary.changes), "change")
        return f"Dry run: {planned} planned{withheld}. Nothing was written.", "bold green"
    if not summary.changes:
        whose = "those asked for" if summary.record.trigger.params.get("account_ids") else "the organizations"
        return f"Nothing to do: {whose} are in step. Nothing was written.", "bold green"
    confirmed = sum(row.verdict == "confirmed" for row in summary.verdicts)
    return f"{confirmed:,} of {_count(len(summary.changes), 'change')} confirmed.", "bold green"


# -- words and shapes ---------------------------------------------------------------------------------------


def shown(value: Value) -> str:
    """A field's value as a person says it."""
    if value is None:
        return "(empty)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(value)


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

"""The outcome of one run: data from the archive and the metadata database, and its numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from partner_sync.archive.records import RowVerdict, RunRecord, VerdictTally
from partner_sync.model import KINDS, Change, Hold, Plan


@dataclass(frozen=True)
class FailedTask:
    """A task instance that failed; `label` is the batch of a mapped task."""

    task: str
    label: str
    message: str

    @property
    def name(self) -> str:
        return f"{self.task} {self.label}".strip()


@dataclass(frozen=True)
class RunOutcome:
    """The result of one run. `record` is None if `compare` did not finish; `plan` has its changes.

    Of a rehearsal there is nothing to decide, to undo, or to view on the page.
    """

    state: str
    seconds: float
    record: RunRecord | None
    plan: Plan | None
    verdicts: Sequence[RowVerdict]
    failures: Sequence[FailedTask]
    archive: str
    log: str
    systems: str = ""
    rehearsal: bool = False

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.plan.changes if self.plan else ()

    @property
    def writable(self) -> int:
        """How many changes are to be written: those of armed instances."""
        planning_only = self.plan.planning_only if self.plan else ()
        return sum(change.instance not in planning_only for change in self.changes)

    @property
    def withheld_changes(self) -> tuple[Change, ...]:
        return self.plan.withheld_changes if self.plan else ()


@dataclass(frozen=True)
class WriteTotals:
    """How much was sent to Zendesk."""

    jobs: int
    rows: int
    calls: int


def write_totals(verdicts: Iterable[RowVerdict]) -> WriteTotals:
    """Counts each job once. Every verdict of a batch carries the calls of the whole batch, so their maximum counts."""
    jobs, rows = set(), 0
    calls: dict[tuple[str, str], int] = defaultdict(int)
    for row in verdicts:
        if row.written:
            rows += 1
            jobs.add(row.job_id)
        calls[row.plan_id, row.batch] = max(calls[row.plan_id, row.batch], row.calls)
    return WriteTotals(len(jobs), rows, sum(calls.values()))


def _hold(hold: Hold) -> dict[str, object]:
    return {key: getattr(hold, key) for key in ("id", "instance", "kind", "reason", "rows")}


def _decisions(plan: Plan) -> list[dict[str, object]]:
    """The decisions in force, each with how many rows of the plan it is about."""
    return [
        {"id": one.id, "does": one.does, "rows": one.rows} for one in sorted(plan.decisions, key=lambda one: one.id)
    ]


def _calls(record: RunRecord | None, writes: int) -> dict[str, int]:
    """Calls by system, token requests not counted. Only Zendesk is written."""
    calls = record.calls_to_read if record else {"salesforce": 0, "zendesk": 0}
    return {**calls, "zendesk": calls["zendesk"] + writes}


def _read(plan: Plan) -> dict[str, str]:
    """How each instance was read."""
    read = {one.instance: one.kind for one in plan.reads if one.instance is not None}
    return {**read, **{one.instance: "unreachable" for one in plan.unread}}


def facts(outcome: RunOutcome) -> dict[str, object]:
    """The outcome as JSON, for `last-run.json`."""
    totals = write_totals(outcome.verdicts)
    record = outcome.record
    return {
        "state": outcome.state,
        "seconds": round(outcome.seconds, 1),
        "run_id": record.trigger.run_id if record else None,
        "dry_run": record.plan.dry_run if record else None,
        "planned": {kind: sum(change.kind == kind for change in outcome.changes) for kind in KINDS},
        "withheld": sum(hold.rows for hold in record.plan.holds) if record else 0,
        "holds": [_hold(hold) for hold in record.plan.holds] if record else [],
        "resting": sum(problem.kind == "resting" for problem in record.plan.problems) if record else 0,
        "decisions": _decisions(record.plan) if record else [],
        "calls": _calls(record, totals.calls),
        "read": _read(record.plan) if record else {},
        "problems": dict(sorted(Counter(problem.kind for problem in record.plan.problems).items())) if record else {},
        "verdicts": dict(sorted(VerdictTally.of(outcome.verdicts).items())),
        "jobs": totals.jobs,
        "rows_written": totals.rows,
        "failed_tasks": [failure.name for failure in outcome.failures],
        "archive": outcome.archive,
        "log": outcome.log,
    }

"""What state a run is in, as far as the archive shows it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from partner_sync.archive.records import Failure, RunRecord
from partner_sync.errors import VerdictError, WithheldError
from partner_sync.history.results import Cause, RunState

SILENT_FOR = timedelta(minutes=60)
"""A run that archived nothing for this long has ended: Airflow times it out after 55 minutes."""

OF_ROWS = frozenset({VerdictError.__name__, WithheldError.__name__})
"""Errors of a task that only repeat what verdicts and holds show."""


@dataclass(frozen=True)
class RunEvidence:
    """What a run archived. `batches` are those of its plan, `verdicts_at` is when the newest verdicts of each came."""

    record: RunRecord | None
    failures: Collection[Failure]
    batches: Collection[str]
    verdicts_at: Mapping[str, datetime]
    verdicts: Mapping[str, int]
    last_sign: datetime


@dataclass(frozen=True)
class RunStatus:
    """The state of a run. `cause` is set where it failed; `why` explains a state other than success in a few words."""

    state: RunState
    cause: Cause | None = None
    why: str = ""


def run_status(evidence: RunEvidence, now: datetime) -> RunStatus:
    """The state of a run at `now`."""
    failures = _open_failures(evidence)
    final = [failure for failure in failures if not failure.retryable]
    ended = {failure.batch for failure in final}
    retried = {failure.batch for failure in failures if failure.retryable}  # newer verdicts follow
    batches, seen = evidence.batches, evidence.verdicts_at
    waiting = [batch for batch in batches if batch not in ended and (batch not in seen or batch in retried)]
    silent = now - evidence.last_sign > SILENT_FOR
    record = evidence.record
    if record is None or any(failure.batch is None for failure in failures):
        return _before_writing(failures, final, silent)
    if record.plan.dry_run:
        return RunStatus("dry run")
    if waiting and not silent:
        return RunStatus("running", None, f"{len(batches) - len(waiting)} of {len(batches)} batches")
    withheld = [
        f"{item.rows:,} {item.kind}{'' if item.rows == 1 else 's'} on hold in {item.instance}"
        for item in record.plan.holds
        if item.opens_case
    ]
    unread = [f"{one.instance} was not read" for one in record.plan.unread]
    rows = [f"{evidence.verdicts[name]:,} {name}" for name in ("rejected", "unknown") if evidence.verdicts.get(name)]
    tasks = _failed(failure for failure in failures if failure.error not in OF_ROWS)
    silence = [f"{len(waiting)} of {len(batches)} batches have no result"] if waiting else []
    causes: tuple[tuple[Cause, list[str]], ...] = (
        ("task", [*unread, *tasks]),
        ("silence", silence),
        ("withheld", withheld),
        ("rows", rows),
    )
    cause = next((cause for cause, found in causes if found), None)
    why = ", ".join([*unread, *withheld, *rows, *tasks, *silence])
    done: RunState = "planning only" if record.plan.planning_only else "success"
    return RunStatus("failed" if cause else done, cause, why)


def _open_failures(evidence: RunEvidence) -> list[Failure]:
    """The newest failure of each task and batch, unless a newer plan or newer verdicts followed it."""
    newest: dict[tuple[str, str | None], Failure] = {}
    for failure in sorted(evidence.failures, key=lambda each: each.at):
        newest[failure.task, failure.batch] = failure
    made = evidence.record.plan.order.made if evidence.record else None
    return [
        failure
        for failure in newest.values()
        if (made is None or failure.at > made) and not _followed(failure, evidence.verdicts_at)
    ]


def _followed(failure: Failure, verdicts_at: Mapping[str, datetime]) -> bool:
    at = verdicts_at.get(failure.batch) if failure.batch is not None else None
    return at is not None and at > failure.at


def _before_writing(failures: list[Failure], final: list[Failure], silent: bool) -> RunStatus:
    if final:
        return RunStatus("failed", "task", ", ".join(_failed(final)))
    why = ", ".join(_failed(failures))
    if silent:
        return RunStatus("failed", "task" if failures else "silence", why or "it ended without a plan or an error")
    return RunStatus("running", None, f"{why}; Airflow tries again" if why else "")


def _failed(failures: Iterable[Failure]) -> list[str]:
    return [
        f"{failure.task}{f' {failure.batch}' if failure.batch else ''} failed ({failure.error})" for failure in failures
    ]

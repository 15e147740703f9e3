"""What state a run is in, as far as the archive can know it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from partner_sync.history.answers import RunState
from partner_sync.model import Failure, RunRecord

SILENT_FOR = timedelta(minutes=60)
"""After so long without a sign a run is not going on any more: Airflow ends it after 55 minutes."""


@dataclass(frozen=True)
class Signs:
    """What a run left behind. `batches` are those of its plan, `told` maps a batch to when its newest verdicts came."""

    record: RunRecord | None
    failures: Collection[Failure]
    batches: Collection[str]
    told: Mapping[str, datetime]
    verdicts: Mapping[str, int]
    last_sign: datetime


def standing(signs: Signs) -> list[Failure]:
    """The newest failure of each task and batch that nothing came after."""
    newest: dict[tuple[str, str | None], Failure] = {}
    for failure in sorted(signs.failures, key=lambda one: one.at):
        newest[failure.task, failure.batch] = failure
    made = signs.record.plan.order.made if signs.record else None
    return [one for one in newest.values() if (made is None or one.at > made) and not _answered(one, signs.told)]


def _answered(failure: Failure, told: Mapping[str, datetime]) -> bool:
    at = told.get(failure.batch) if failure.batch is not None else None
    return at is not None and at > failure.at


def judge(signs: Signs, now: datetime) -> tuple[RunState, str]:
    """The state of a run and, where it is not well, why in a few words."""
    failures = standing(signs)
    final = [one for one in failures if not one.retryable]
    ended = {one.batch for one in final}
    tried_again = {one.batch for one in failures if one.retryable}  # what was told by then is not the last word
    waiting = [one for one in signs.batches if one not in ended and (one not in signs.told or one in tried_again)]
    silent = now - signs.last_sign > SILENT_FOR
    record = signs.record
    if record is None or any(one.batch is None for one in failures):
        return _before_writing(failures, final, silent)
    if record.plan.dry_run:
        return "dry run", ""
    if waiting and not silent:
        return "going on", f"{len(signs.batches) - len(waiting)} of {len(signs.batches)} batches"
    reasons = [f"{item.count} of kind {item.kind} withheld in {item.instance}" for item in record.plan.withheld]
    reasons += [f"{signs.verdicts[name]} {name}" for name in ("rejected", "unknown") if signs.verdicts.get(name)]
    reasons += _failed(one for one in failures if one.error not in ("VerdictError", "WithheldError"))
    if waiting:
        reasons.append(f"{len(waiting)} of {len(signs.batches)} batches left no verdict")
    return ("failed", ", ".join(reasons)) if reasons else ("success", "")


def _before_writing(failures: list[Failure], final: list[Failure], silent: bool) -> tuple[RunState, str]:
    if final:
        return "failed", ", ".join(_failed(final))
    said = ", ".join(_failed(failures))
    if silent:
        return "failed", said or "it ended without a plan, and without a word"
    return "going on", f"{said}; Airflow tries again" if said else ""


def _failed(failures: Iterable[Failure]) -> list[str]:
    return [f"{one.task}{f' {one.batch}' if one.batch else ''} failed ({one.error})" for one in failures]

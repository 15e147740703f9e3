"""How an organization is, by what is known of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from partner_sync.history.labels import HOLD_LABELS, OUTCOME_LABELS, problem_label
from partner_sync.history.organization_results import CurrentField, CurrentState, LastWrite
from partner_sync.history.results import ChangeRow, ProblemRow
from partner_sync.model import Value


@dataclass(frozen=True)
class LastRead:
    """A partner as it was read last. `desired` is None without an account, `existing` without an organization."""

    begun: datetime
    name: str
    desired: Mapping[str, Value] | None
    existing: Mapping[str, Value] | None
    marked: bool


@dataclass(frozen=True)
class DatedChange:
    """A change, and when the account snapshot of its plan was begun."""

    begun: datetime
    change: ChangeRow


@dataclass(frozen=True)
class OrganizationState:
    """How an organization is, since when, and why in one sentence."""

    now: CurrentState
    since: datetime | None
    sentence: str


def current_fields(changes: Sequence[DatedChange], last_read: LastRead | None) -> tuple[CurrentField, ...]:
    """Every field that is synced or was ever changed: desired value, existing value, and our last write.

    `changes` begin with the newest.
    """
    written: dict[str, tuple[DatedChange, LastWrite]] = {}
    named: dict[str, None] = {}
    if last_read:
        named = dict.fromkeys([*(last_read.desired or {}), *(last_read.existing or {})])
    for dated in changes:
        change = dated.change
        for field in change.fields:
            named.setdefault(field.field)
            if field.field in written or change.outcome != "confirmed" or change.written_at is None:
                continue
            last = LastWrite(
                change.written_at, field.before, field.after, field.reason, change.run_id, change.plan_id, change.n
            )
            written[field.field] = dated, last
    found = []
    for name in named if last_read else sorted(named):
        writer, last_write = written.get(name, (None, None))
        desired = (last_read.desired or {}).get(name) if last_read else None
        existing = (last_read.existing or {}).get(name) if last_read else None
        if last_read and writer and last_write and writer.begun >= last_read.begun:
            existing = last_write.after  # written since the read
        known = last_read is not None and (name in (last_read.desired or {}) or name in (last_read.existing or {}))
        wanted = last_read is not None and last_read.desired is not None
        found.append(CurrentField(name, known, wanted and desired != existing, desired, existing, last_write))
    return tuple(found)


def organization_state(
    changes: Sequence[DatedChange],
    problems: Sequence[ProblemRow],
    latest: datetime | None,
    last_read: LastRead | None,
    instance_read: datetime | None,
) -> OrganizationState:
    """The state as of `latest`, the last run over all accounts.

    `changes` begin with the newest. `instance_read` is when the instance was read last, with or without this partner.
    """
    if problems:
        kinds = sorted({problem_label(problem.kind) for problem in problems})
        since = min(problem.first_seen for problem in problems)
        return OrganizationState("problem", since, f"{', '.join(kinds)}.")
    last = next((dated for dated in changes if dated.change.outcome not in ("dry run", "planning only")), None)
    if last is not None and (instance_read is None or last.begun >= instance_read):
        return _by_change(last, latest)
    if last_read is not None:
        return _by_last_read(last, last_read)
    if instance_read is not None and changes and instance_read > changes[0].begun:
        return OrganizationState("not known", None, "The last run did not find it among the partners.")
    if latest is None or not changes:
        why = "Nothing has been written yet." if changes else "Its problem is solved."
        return OrganizationState("not known", None, why)
    return OrganizationState("not known", None, "Only runs that write nothing have planned changes for it.")


def _by_change(last: DatedChange, latest: datetime | None) -> OrganizationState:
    change = last.change
    if change.outcome == "confirmed":
        if change.kind == "mark":
            return OrganizationState("marked", last.begun, f"Reason: {change.reason}.")
        return OrganizationState("as desired", last.begun, "All synced fields match its account.")
    is_or_was = "is" if change.outcome in ("waiting", "withheld") else "was"
    summary = f"Its last {change.kind} {is_or_was} {OUTCOME_LABELS[change.outcome]}"
    if latest is not None and last.begun < latest:
        return OrganizationState("as desired", latest, f"{summary}. Later runs found no difference.")
    why = HOLD_LABELS[change.hold_reason] if change.hold_reason else change.verdict_reason
    return OrganizationState("differs", last.begun, f"{summary}{f': {why}' if why else ''}.")


def _by_last_read(last: DatedChange | None, read: LastRead) -> OrganizationState:
    since = last.begun if last is not None and last.change.outcome == "confirmed" else None
    if read.desired is None:
        if read.marked:
            evidence = f"Reason: {last.change.reason}." if last and since and last.change.kind == "mark" else ""
            return OrganizationState("marked", since, evidence or "No account has its id.")
        return OrganizationState("not known", None, "The last run found no account for it.")
    if read.existing is None:
        return OrganizationState("differs", read.begun, "The last run found no organization for its account.")
    different = [name for name, value in read.desired.items() if read.existing.get(name) != value]
    if different:
        return OrganizationState("differs", read.begun, f"Different at the last read: {', '.join(different)}.")
    return OrganizationState("as desired", since, "All synced fields match its account.")

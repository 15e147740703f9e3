"""The messages to the team: ids, counts, the next step and a link. No names, since many people read a chat."""

from __future__ import annotations

from dataclasses import dataclass

from partner_sync.alerts.deadline import OVERDUE
from partner_sync.alerts.ended_run import EndedRun
from partner_sync.archive.records import AlarmCause, AlarmNote, VerdictTally
from partner_sync.model import KINDS, Kind, Plan

HOURS = f"{OVERDUE.total_seconds() / 3600:g} hours"

TEXTS: dict[AlarmCause, str] = {
    "failed": "a run failed",
    "hung": "a run took too long and was stopped",
    "overdue": f"no run has succeeded for {HOURS}",
    "unreachable": "an instance could not be read",
    "withheld": "changes are held for review",
    "problems": "problems fail the run",
    "rejected": "rows are rejected or unknown",
    "planning_only": "changes have waited a day, since the schedule only plans",
}

STEPS: dict[AlarmCause, str] = {
    "failed": "read the last line of the failed task's log: it names the cause and the next step.",
    "hung": "read the log of the task that did not end. The next run continues from what was sent.",
    "overdue": "check that the DAG is not paused and that scheduler and workers run; read the logs of failed tasks.",
    "unreachable": "check Connection and status page of each instance that was not read. The others were synced.",
    "withheld": "review the held changes in the plan.",
    "problems": "fix the problems of the plan: each names its fix.",
    "rejected": (
        "read the log of each failed batch: it names the rows. Zendesk's messages are in the archive. Fix the cause;"
        " the next run plans these rows again."
    ),
    "planning_only": "review the plan, then start a run by hand without dry_run: from then on the schedule writes.",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A title of one line and a text of a few. `well` is whether no alarm is open."""

    title: str
    text: str
    well: bool


def message(note: AlarmNote, ended: EndedRun) -> Message:
    """One message of the alarm log, sent at the end or the deadline of a run."""
    known = [cause for cause in note.open if cause not in note.new]
    lines = [f"Run: {ended.run_id}"]
    lines += [f"New: {TEXTS[cause]}" for cause in note.new]
    lines += [f"Still open: {TEXTS[cause]}, since {note.open[cause]:%Y-%m-%d %H:%M} UTC" for cause in known]
    lines += [f"Recovered: {TEXTS[cause]}" for cause in note.recovered]
    if ended.task:
        lines.append(f"Task: {ended.task}")
    if ended.plan is not None:
        lines += _counts(ended.plan, ended.verdicts)
    lines += [f"Archive: {line}" for line in ended.unreadable.splitlines()]
    lines += [f"Next: {step}" for step in _steps(note, ended)]
    lines.append(f"Link: {ended.link}")
    if note.open:
        lines.append("You get the next message when this changes, and a reminder once a day until then.")
    return Message(f"Partner Sync: {_title(note)}", "\n".join(lines), not note.open)


def _title(note: AlarmNote) -> str:
    if note.new:
        return "; ".join(TEXTS[cause] for cause in note.new)
    still_open = f"still open: {'; '.join(TEXTS[cause] for cause in note.open)}"
    if note.recovered:
        return f"recovered in part, {still_open}" if note.open else "recovered"
    return still_open


def _counts(plan: Plan, verdicts: VerdictTally) -> list[str]:
    planned = [_of_kind(plan.counts[kind], kind) for kind in KINDS if plan.counts.get(kind)]
    lines = [f"Plan: {plan.id}", f"Planned: {', '.join(planned) or 'no changes'}"]
    if planned and not plan.dry_run:
        lines.append(f"Verdicts: {verdicts or 'none'}")
    withheld = [f"{_of_kind(held.rows, held.kind)} in {held.instance}" for held in plan.holds]
    lines += [f"Held for review: {', '.join(withheld)}"] if withheld else []
    lines += [f"Not read: {', '.join(one.instance for one in plan.unread)}"] if plan.unread else []
    problems = sum(one.acknowledged is None for one in plan.problems)
    return [*lines, f"Problems: {problems}"] if problems else lines


def _of_kind(count: int, kind: Kind) -> str:
    return f"{count:,} {kind}{'' if count == 1 else 's'}"


def _steps(note: AlarmNote, ended: EndedRun) -> list[str]:
    if not note.open:
        return ["nothing. A whole run succeeded."]
    fix = ["fix the archive. Until it can be read and written, a failure may be reported more than once."]
    return (fix if ended.unreadable else []) + [step for cause in note.open for step in _steps_of(cause, ended)]


def _steps_of(cause: AlarmCause, ended: EndedRun) -> list[str]:
    """The next steps for a cause: those of the run's plan, if it has some."""
    if cause == "failed" and cause in ended.causes and ended.plan is None:
        named = f"the log of {ended.task}" if ended.task else "the failed task's log"
        return [f"read the last line of {named}: it names the cause and the next step. The run wrote nothing."]
    held = [hold.next_step for hold in ended.plan.holds if hold.is_case] if ended.plan else []
    if cause == "withheld" and held:
        return held
    return [STEPS[cause]]

"""The messages to the team: ids, counts, the next step and a link. No names, since many people read a chat."""

from __future__ import annotations

from dataclasses import dataclass, field

from partner_sync.alerts.states import OVERDUE, MessageKind
from partner_sync.archive.records import RunRecord, VerdictTally
from partner_sync.model import KINDS, Kind, Plan

HOURS = f"{OVERDUE.total_seconds() / 3600:g} hours"

TITLES: dict[MessageKind, str] = {
    "hung": "Partner Sync: a run took too long and was stopped",
    "failed": "Partner Sync: a run failed",
    "withheld": "Partner Sync: changes are held for review",
    "overdue": f"Partner Sync: no run has succeeded for {HOURS}",
    "recovered": "Partner Sync: recovered",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A title of one line and a text of a few."""

    what: MessageKind
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run as the archive has it: its record (None without a plan), its rows by verdict, and the task it ended with.

    `unread` is why the archive could not be read, if so.
    """

    run_id: str
    link: str
    task: str | None = None
    record: RunRecord | None = None
    verdicts: VerdictTally = field(default_factory=VerdictTally)
    unread: str = ""

    @property
    def plan(self) -> Plan | None:
        return self.record.plan if self.record else None

    @property
    def whole(self) -> bool:
        """Whether the run was no dry run and covered all accounts."""
        return (
            self.record is not None and not self.record.plan.dry_run and not self.record.trigger.params["account_ids"]
        )

    @property
    def only_withheld(self) -> bool:
        """Whether changes were withheld and every other change was written."""
        if self.plan is None or not any(hold.opens_case for hold in self.plan.holds):
            return False
        return self.verdicts["confirmed"] + self.verdicts["superseded"] == sum(
            self.plan.counts.get(kind, 0) for kind in KINDS
        )


def message(what: MessageKind, ended: EndedRun) -> Message:
    """One message about a run."""
    lines = [f"Run: {ended.run_id}"]
    if ended.task and what not in ("recovered", "overdue"):
        lines.append(f"Task: {ended.task}")
    if ended.plan is not None:
        lines += _counts(ended.plan, ended.verdicts)
    lines += [f"Archive: {line}" for line in ended.unread.splitlines()]
    lines += [f"Next: {step}" for step in _steps(what, ended)]
    lines.append(f"Link: {ended.link}")
    if what != "recovered":
        lines.append("You get the next message when a whole run succeeds.")
    return Message(what, TITLES[what], "\n".join(lines))


def _counts(plan: Plan, verdicts: VerdictTally) -> list[str]:
    planned = [_of_kind(plan.counts[kind], kind) for kind in KINDS if plan.counts.get(kind)]
    lines = [f"Plan: {plan.id}", f"Planned: {', '.join(planned) or 'no changes'}"]
    if planned and not plan.dry_run:
        lines.append(f"Verdicts: {verdicts or 'none'}")
    withheld = [f"{_of_kind(held.rows, held.kind)} in {held.instance}" for held in plan.holds]
    lines += [f"Held for review: {', '.join(withheld)}"] if withheld else []
    return [*lines, f"Problems: {len(plan.problems)}"] if plan.problems else lines


def _of_kind(count: int, kind: Kind) -> str:
    return f"{count:,} {kind}{'' if count == 1 else 's'}"


def _steps(what: MessageKind, ended: EndedRun) -> list[str]:
    if what == "recovered":
        return ["nothing. A whole run succeeded."]
    if what == "overdue":
        return ["check that the DAG is not paused and that scheduler and workers run; read the logs of failed tasks"]
    if what == "hung":
        return ["read the log of the task that did not end. The next run continues from what was sent."]
    fix = ["fix the archive. Until it can be read and written, a failure may be reported more than once."]
    return (fix if ended.unread else []) + _steps_of(ended)


def _steps_of(ended: EndedRun) -> list[str]:
    if ended.plan is None:
        named = f"the log of {ended.task}" if ended.task else "the failed task's log"
        return [f"read the last line of {named}: it names the cause and the next step. The run wrote nothing."]
    steps = [held.next_step for held in ended.plan.holds if held.opens_case]
    if ended.verdicts.failed:
        steps.append(
            "read the log of each failed batch: it names the rows. Zendesk's messages are in the archive. Fix the"
            " cause; the next run plans these rows again."
        )
    return steps or ["read the last line of the failed task's log: it names the cause and the next step."]

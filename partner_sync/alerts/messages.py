"""What the team is told: ids, counts, the next step and a link. No names: more people read a chat than Airflow."""

from __future__ import annotations

from dataclasses import dataclass, field

from partner_sync.alerts.states import OVERDUE, What
from partner_sync.archive.records import RunRecord, VerdictTally
from partner_sync.model import KINDS, Plan

HOURS = f"{OVERDUE.total_seconds() / 3600:g} hours"

TITLES: dict[What, str] = {
    "hung": "Partner Sync: a run took too long and was stopped",
    "failed": "Partner Sync: a run failed",
    "withheld": "Partner Sync: changes are withheld",
    "overdue": f"Partner Sync: no run has succeeded for {HOURS}",
    "recovered": "Partner Sync: recovered",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A title of one line and a text of a few."""

    what: What
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """What is known of a run: its record, unless it made no plan, its rows by verdict, and the task it ended with.

    `unread` says why something that is not known may still be in the archive.
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
        """Whether the run was about everything, for real."""
        return (
            self.record is not None and not self.record.plan.dry_run and not self.record.trigger.params["account_ids"]
        )

    @property
    def only_withheld(self) -> bool:
        """Whether all that was to be written was written well, and something was withheld."""
        if self.plan is None or not self.plan.withheld:
            return False
        return self.verdicts["confirmed"] + self.verdicts["superseded"] == sum(
            self.plan.counts.get(kind, 0) for kind in KINDS
        )


def message(what: What, ended: Ended) -> Message:
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
        lines.append("The next message comes when a whole run has succeeded, none until then.")
    return Message(what, TITLES[what], "\n".join(lines))


def _counts(plan: Plan, verdicts: VerdictTally) -> list[str]:
    planned = [f"{plan.counts[kind]} {kind}" for kind in KINDS if plan.counts.get(kind)]
    lines = [f"Plan: {plan.id}", f"Planned: {', '.join(planned) or 'no changes'}"]
    if planned and not plan.dry_run:
        lines.append(f"Verdicts: {verdicts or 'none'}")
    withheld = [f"{one.count} {one.kind} in {one.instance} (limit {one.limit})" for one in plan.withheld]
    lines += [f"Withheld: {', '.join(withheld)}"] if withheld else []
    return [*lines, f"Problems: {len(plan.problems)}"] if plan.problems else lines


def _steps(what: What, ended: Ended) -> list[str]:
    if what == "recovered":
        return ["nothing; a whole run has succeeded again"]
    if what == "overdue":
        return ["look whether the DAG is paused, whether scheduler and workers run, and how the failed tasks' logs end"]
    if what == "hung":
        return ["look into the log of the task that did not end; what was sent is remembered, the next run goes on"]
    mend = ["mend the archive: until it can be read and written, a failure may be told more than once"]
    return (mend if ended.unread else []) + _steps_of(ended)


def _steps_of(ended: Ended) -> list[str]:
    if ended.plan is None:
        named = f"the log of {ended.task}" if ended.task else "the failed task's log"
        return [f"the last line of {named} names cause and next step; a run without a plan has written nothing"]
    steps = [one.next_step for one in ended.plan.withheld]
    if ended.verdicts.failed:
        steps.append(
            "the log of each failed batch names its rows, the archive has Zendesk's words; mend the cause, the next run"
            " plans these rows again"
        )
    return steps or ["the last line of the failed task's log names cause and next step"]

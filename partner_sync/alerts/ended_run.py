"""A run at its end or deadline, as the archive has it: which causes of an alarm it shows, and which it proves over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from partner_sync.archive.records import ALARM_CAUSES, AlarmCause, Failure, RunRecord, VerdictTally
from partner_sync.model import KINDS, Plan

WAITED = timedelta(days=1)
"""After this time, changes that wait until an instance is armed are a cause of an alarm."""
RunEnd = Literal["succeeded", "failed", "hung", "late"]
"""How a run ended. Hung: Airflow stopped it after its time limit. Late: it missed its deadline, and may go on."""


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run with its record (None without a plan), its rows by verdict, and the failures of its tasks.

    `task` is the task that ended the run, if it failed; `unreadable` is why the archive could not be read, if so.
    """

    run_id: str
    link: str
    end: RunEnd
    task: str | None = None
    record: RunRecord | None = None
    verdicts: VerdictTally = field(default_factory=VerdictTally)
    failures: tuple[Failure, ...] = ()
    unreadable: str = ""

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
    def causes(self) -> frozenset[AlarmCause]:
        """The causes that the run shows. `alerts/deadline.py` decides whether a late run means `overdue`."""
        if self.end == "late" or (self.end == "succeeded" and not self.whole):
            return frozenset()
        found = self._shown_by_plan()
        if self.end == "hung":
            found.add("hung")
        elif self.end == "failed" and (self._broke() or not found):
            found.add("failed")
        return frozenset(found)

    @property
    def over(self) -> frozenset[AlarmCause]:
        """The causes that the run proves over: those that a whole run, which did all it had to do, does not show.

        A red run counts too, or one row that Zendesk rejects every hour would keep every other alarm open. What was
        not read proves nothing, and only success ends `overdue`.
        """
        if not self.whole or self.end not in ("succeeded", "failed") or "failed" in self.causes:
            return frozenset()
        unproved: set[AlarmCause] = {"overdue"} if self.end == "failed" else set()
        if self.plan and self.plan.unread:
            unproved |= {"withheld", "problems", "rejected"}
        return frozenset(ALARM_CAUSES) - self.causes - unproved

    def _shown_by_plan(self) -> set[AlarmCause]:
        plan = self.plan
        if plan is None or plan.dry_run:
            return set()
        shown: dict[AlarmCause, bool] = {
            "rejected": self.verdicts.failed > 0,
            "withheld": any(hold.is_case for hold in plan.holds),
            "planning_only": any(plan.order.made - since >= WAITED for since in plan.waiting_since.values()),
            "unreachable": bool(plan.unread),
            "problems": any(failure.batch == "problems" for failure in self._final(plan)),
        }
        return {cause for cause, is_shown in shown.items() if is_shown}

    def _broke(self) -> bool:
        """Whether a task ended without its result: no plan, `compare` after its plan, or a batch without verdicts."""
        plan = self.plan
        if plan is None or any(failure.batch is None for failure in self._final(plan)):
            return True
        return self.verdicts.total() < sum(plan.counts.get(kind, 0) for kind in KINDS)

    def _final(self, plan: Plan) -> list[Failure]:
        """Failures that Airflow did not retry, without those before the newest plan: cleared tasks ran again."""
        return [failure for failure in self.failures if failure.at >= plan.order.made and not failure.retryable]

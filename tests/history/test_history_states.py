"""What state a run is in, by what it archived: a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.archive.records import Failure, RunRecord, Trigger
from partner_sync.history.run_states import RunEvidence, RunStatus, run_status
from partner_sync.model import Plan, PlanOrder, UnreadInstance
from tests.history.past import a_hold, a_mark

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
TRIGGER = Trigger("partner_sync", "r", "scheduled", None, NOON, NOON, {})
PLAN = Plan(PlanOrder(NOON, NOON, "p"), "r", False, "d", (), {}, (), (), ())
RECORD = RunRecord(TRIGGER, {}, PLAN)
DRY = RunRecord(TRIGGER, {}, replace(PLAN, dry_run=True))
HOLD = a_hold(*(a_mark(number) for number in range(37)))
WITHHELD = RunRecord(TRIGGER, {}, replace(PLAN, holds=(HOLD, a_hold(a_mark(40), reason="no_trace", opens_case=False))))
SAME_CASE = RunRecord(TRIGGER, {}, replace(PLAN, holds=(replace(HOLD, opens_case=False),)))
UNARMED = RunRecord(TRIGGER, {}, replace(PLAN, planning_only=("global",)))
UNREAD = RunRecord(TRIGGER, {}, replace(PLAN, unread=(UnreadInstance("gov", "no answer"),)))
SOON, LATER = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)


def failed(task="gather_accounts", batch=None, error="ConfigError", at=SOON, retryable=False, try_number=1):
    return Failure(TRIGGER, task, batch, try_number, at, error, "message", "", retryable)


def evidence(record=None, failures=(), batches=(), seen=(), verdicts=None):
    return RunEvidence(record, failures, batches, dict.fromkeys(seen, SOON), verdicts or {}, SOON)


VERDICT = failed("sync", "a", "VerdictError", LATER)
CASES = {
    "nothing yet": (evidence(), 5, "running", None, ""),
    "nothing, for too long": (evidence(), 90, "failed", "silence", "it ended without a plan or an error"),
    "a gather task failed": (
        evidence(failures=[failed()]),
        5,
        "failed",
        "task",
        "gather_accounts failed (ConfigError)",
    ),
    "a gather task is tried again": (
        evidence(failures=[failed(error="UnavailableError", retryable=True)]),
        5,
        "running",
        None,
        "gather_accounts failed (UnavailableError); Airflow tries again",
    ),
    "tries ran out of time": (
        evidence(failures=[failed(error="UnavailableError", retryable=True)]),
        90,
        "failed",
        "task",
        "gather_accounts failed (UnavailableError)",
    ),
    "a batch that nobody knows of yet is tried again": (
        evidence(
            RECORD, [failed("sync", "a", "UnavailableError", LATER, retryable=True)], ["a"], ["a"], {"unknown": 1}
        ),
        5,
        "running",
        None,
        "0 of 1 batches",
    ),
    "a failure before the plan is past": (
        evidence(RECORD, [failed(at=NOON - timedelta(minutes=1))]),
        5,
        "success",
        None,
        "",
    ),
    "compare failed when it was cleared": (
        evidence(RECORD, [failed("compare", at=LATER)]),
        5,
        "failed",
        "task",
        "compare failed (ConfigError)",
    ),
    "nothing to do": (evidence(RECORD), 5, "success", None, ""),
    "a dry run": (evidence(DRY), 5, "dry run", None, ""),
    "batches to come": (evidence(RECORD, batches=["a", "b"], seen=["a"]), 5, "running", None, "1 of 2 batches"),
    "batches that never came": (
        evidence(RECORD, batches=["a", "b"], seen=["a"]),
        90,
        "failed",
        "silence",
        "1 of 2 batches have no result",
    ),
    "all confirmed": (evidence(RECORD, batches=["a"], seen=["a"], verdicts={"confirmed": 3}), 5, "success", None, ""),
    "rejected rows": (
        evidence(RECORD, [VERDICT], ["a"], ["a"], {"confirmed": 3, "rejected": 2, "unknown": 1}),
        5,
        "failed",
        "rows",
        "2 rejected, 1 unknown",
    ),
    "superseded rows are no fault": (
        evidence(RECORD, batches=["a"], seen=["a"], verdicts={"superseded": 1}),
        5,
        "success",
        None,
        "",
    ),
    "a batch that cannot be written": (
        evidence(RECORD, [failed("sync", "a", "SnapshotError")], ["a"]),
        5,
        "failed",
        "task",
        "sync a failed (SnapshotError)",
    ),
    "a batch that was cleared and written": (
        evidence(
            RECORD, [failed("sync", "a", "SnapshotError", NOON + timedelta(seconds=1))], ["a"], ["a"], {"confirmed": 1}
        ),
        5,
        "success",
        None,
        "",
    ),
    "a hold that opens a case": (evidence(WITHHELD), 5, "failed", "withheld", "37 marks on hold in global"),
    "a later hold of the same case": (evidence(SAME_CASE), 5, "success", None, ""),
    "planning only": (evidence(UNARMED), 5, "planning only", None, ""),
    "planning only, and rejected rows elsewhere": (
        evidence(UNARMED, [VERDICT], ["a"], ["a"], {"rejected": 2}),
        5,
        "failed",
        "rows",
        "2 rejected",
    ),
    "an instance that was not read": (evidence(UNREAD), 5, "failed", "task", "gov was not read"),
}


@pytest.mark.parametrize(("left", "minutes", "state", "cause", "why"), CASES.values(), ids=CASES)
def test_the_state_of_a_run_follows_from_what_it_archived(left, minutes, state, cause, why):
    assert RunStatus(state, cause, why) == run_status(left, NOON + timedelta(minutes=minutes))

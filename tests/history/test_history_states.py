"""What state a run is in, by the signs it left: a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.history.run_states import Signs, judge
from partner_sync.model import Failure, Plan, PlanOrder, RunRecord, Trigger, Withheld

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
TRIGGER = Trigger("partner_sync", "r", "scheduled", None, NOON, NOON, {})
PLAN = Plan(PlanOrder(NOON, NOON, "p"), "r", False, "d", (), {}, (), (), (), ())
RECORD = RunRecord(TRIGGER, {}, PLAN)
DRY = RunRecord(TRIGGER, {}, replace(PLAN, dry_run=True))
WITHHELD = RunRecord(TRIGGER, {}, replace(PLAN, withheld=(Withheld("global", "mark", 37, 10, 176, "why", "next"),)))
SOON, LATER = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)


def failed(task="gather_accounts", batch=None, error="ConfigError", at=SOON, retryable=False, try_number=1):
    return Failure(TRIGGER, task, batch, try_number, at, error, "message", "", retryable)


def signs(record=None, failures=(), batches=(), told=(), verdicts=None):
    return Signs(record, failures, batches, dict.fromkeys(told, SOON), verdicts or {}, SOON)


VERDICT = failed("sync", "a", "VerdictError", LATER)
CASES = {
    "nothing yet": (signs(), 5, "going on", ""),
    "nothing, for too long": (signs(), 90, "failed", "it ended without a plan, and without a word"),
    "a gather task failed": (signs(failures=[failed()]), 5, "failed", "gather_accounts failed (ConfigError)"),
    "a gather task is tried again": (
        signs(failures=[failed(error="UnavailableError", retryable=True)]),
        5,
        "going on",
        "gather_accounts failed (UnavailableError); Airflow tries again",
    ),
    "tries ran out of time": (
        signs(failures=[failed(error="UnavailableError", retryable=True)]),
        90,
        "failed",
        "gather_accounts failed (UnavailableError)",
    ),
    "a batch that nobody knows of yet is tried again": (
        signs(RECORD, [failed("sync", "a", "UnavailableError", LATER, retryable=True)], ["a"], ["a"], {"unknown": 1}),
        5,
        "going on",
        "0 of 1 batches",
    ),
    "a failure before the plan is past": (
        signs(RECORD, [failed(at=NOON - timedelta(minutes=1))]),
        5,
        "success",
        "",
    ),
    "compare failed when it was cleared": (
        signs(RECORD, [failed("compare", at=LATER)]),
        5,
        "failed",
        "compare failed (ConfigError)",
    ),
    "nothing to do": (signs(RECORD), 5, "success", ""),
    "a dry run": (signs(DRY), 5, "dry run", ""),
    "batches to come": (signs(RECORD, batches=["a", "b"], told=["a"]), 5, "going on", "1 of 2 batches"),
    "batches that never came": (
        signs(RECORD, batches=["a", "b"], told=["a"]),
        90,
        "failed",
        "1 of 2 batches left no verdict",
    ),
    "all confirmed": (signs(RECORD, batches=["a"], told=["a"], verdicts={"confirmed": 3}), 5, "success", ""),
    "rejected rows": (
        signs(RECORD, [VERDICT], ["a"], ["a"], {"confirmed": 3, "rejected": 2, "unknown": 1}),
        5,
        "failed",
        "2 rejected, 1 unknown",
    ),
    "superseded rows are no fault": (
        signs(RECORD, batches=["a"], told=["a"], verdicts={"superseded": 1}),
        5,
        "success",
        "",
    ),
    "a batch that cannot be written": (
        signs(RECORD, [failed("sync", "a", "SnapshotError")], ["a"]),
        5,
        "failed",
        "sync a failed (SnapshotError)",
    ),
    "a batch that was cleared and written": (
        signs(
            RECORD, [failed("sync", "a", "SnapshotError", NOON + timedelta(seconds=1))], ["a"], ["a"], {"confirmed": 1}
        ),
        5,
        "success",
        "",
    ),
    "withheld": (signs(WITHHELD), 5, "failed", "37 of kind mark withheld in global"),
}


@pytest.mark.parametrize(("left", "minutes", "state", "why"), CASES.values(), ids=CASES)
def test_the_state_of_a_run_follows_from_its_signs(left, minutes, state, why):
    assert (state, why) == judge(left, NOON + timedelta(minutes=minutes))

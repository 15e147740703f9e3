"""Which causes of an alarm a run shows, and which it proves over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.alerts.ended_run import EndedRun
from partner_sync.archive.records import ALARM_CAUSES, Failure, RunRecord, Trigger, VerdictTally
from partner_sync.model import Hold, Plan, PlanOrder, UnreadInstance

AT = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
HELD = Hold("3f2a91c0de12", "global", "mark", "limit", 37, 12, 60, AT, "37 marks held", "approve", is_case=True)
ORDINARY = replace(HELD, reason="no_trace", is_case=False)
PLAN = Plan(
    order=PlanOrder(AT, AT, "20260301T120000Z-abc123"),
    run_id="scheduled__1",
    dry_run=False,
    config_digest="",
    reads=(),
    counts={"create": 3, "update": 30, "problems": 1},
    changes=(),
    holds=(),
    problems=(),
    digests={"create 1-3": "", "update 1-30": ""},
)
TRIGGER = Trigger("partner_sync", "scheduled__1", "scheduled", None, AT, AT, {"account_ids": []})
WRITTEN = VerdictTally(confirmed=30, superseded=3)
REJECTED = VerdictTally(confirmed=32, rejected=1)
DRY, NARROWED = {"dry_run": True}, {"account_ids": ["0014M00001sDiGEQA0"]}


def ended(end, verdicts=WRITTEN, failures=(), params=None, **plan) -> EndedRun:
    trigger = replace(TRIGGER, params=TRIGGER.params | (params or {}))
    record = RunRecord(trigger, {}, replace(PLAN, **plan))
    return EndedRun("scheduled__1", "", end, record=record, verdicts=verdicts, failures=tuple(failures))


def failure(error: str, task: str, batch: str | None = None, *, retryable: bool = False, minutes: int = 1) -> Failure:
    return Failure(TRIGGER, task, batch, 1, AT + timedelta(minutes=minutes), error, "", "", retryable)


WITHHELD = failure("WithheldError", "sync", "withheld")
PROBLEMS = failure("PermanentError", "sync", "problems")


@pytest.mark.parametrize(
    ("run", "causes"),
    [
        (EndedRun("scheduled__1", "", "failed"), {"failed"}),
        (EndedRun("scheduled__1", "", "hung"), {"hung"}),
        (ended("succeeded"), set()),
        (ended("failed"), {"failed"}),
        (ended("failed", REJECTED), {"rejected"}),
        (ended("failed", VerdictTally(confirmed=32, unknown=1)), {"rejected"}),
        (ended("failed", VerdictTally(confirmed=20)), {"failed"}),
        (ended("failed", VerdictTally(confirmed=20, rejected=1)), {"failed", "rejected"}),
        (ended("failed", failures=[WITHHELD], holds=(HELD,)), {"withheld"}),
        (ended("failed", REJECTED, holds=(HELD,)), {"withheld", "rejected"}),
        (ended("failed", VerdictTally(), holds=(HELD,)), {"withheld", "failed"}),
        (ended("failed", unread=(UnreadInstance("eu", "no answer"),)), {"unreachable"}),
        (ended("failed", failures=[PROBLEMS]), {"problems"}),
        (ended("failed", REJECTED, [PROBLEMS, WITHHELD], holds=(HELD,)), {"problems", "rejected", "withheld"}),
        (ended("failed", failures=[failure("StorageError", "compare")], holds=(HELD,)), {"withheld", "failed"}),
        (ended("hung", REJECTED, holds=(HELD,)), {"hung", "rejected", "withheld"}),
        (ended("succeeded", holds=(HELD,)), {"withheld"}),
        (ended("succeeded", holds=(ORDINARY,)), set()),
        (ended("failed", holds=(HELD,), **DRY), {"failed"}),
        (ended("succeeded", waiting_since={"global": AT - timedelta(hours=23)}), set()),
        (ended("succeeded", waiting_since={"global": AT - timedelta(hours=24)}), {"planning_only"}),
        (ended("late", REJECTED, holds=(HELD,)), set()),
    ],
)
def test_a_run_shows_every_cause_that_its_record_has(run, causes):
    assert causes == run.causes


@pytest.mark.parametrize(
    "over",
    [
        failure("StorageError", "compare", retryable=True),
        failure("AuthenticationError", "gather_accounts", minutes=-1),
        failure("StorageError", "sync", "update 1-30"),
        failure("VerdictError", "sync", "update 1-30"),
    ],
    ids=["tried again", "before the plan", "a batch that has verdicts", "rejected rows"],
)
def test_a_failure_that_was_overcome_or_has_a_cause_of_its_own_is_not_shown_as_failed(over):
    assert {"rejected"} == ended("failed", REJECTED, [over]).causes


@pytest.mark.parametrize(
    ("run", "not_over"),
    [
        (ended("succeeded"), set()),
        (ended("succeeded", holds=(HELD,)), {"withheld"}),
        (ended("failed", REJECTED), {"rejected", "overdue"}),
        (ended("failed", holds=(HELD,)), {"withheld", "overdue"}),
        (ended("failed", failures=[PROBLEMS]), {"problems", "overdue"}),
        (
            ended("failed", unread=(UnreadInstance("eu", "no answer"),)),
            {"unreachable", "overdue", "rejected", "withheld", "problems"},
        ),
    ],
)
def test_a_whole_run_that_did_all_it_had_to_do_proves_over_what_it_does_not_show(run, not_over):
    assert set(ALARM_CAUSES) - not_over == run.over


@pytest.mark.parametrize(
    "run",
    [
        EndedRun("scheduled__1", "", "failed"),
        EndedRun("scheduled__1", "", "succeeded", unreadable="no connection"),
        ended("failed"),
        ended("failed", VerdictTally(confirmed=20, rejected=1)),
        ended("hung"),
        ended("late"),
        ended("succeeded", dry_run=True),
        ended("succeeded", params=NARROWED),
        ended("failed", REJECTED, params=NARROWED),
    ],
)
def test_a_run_that_broke_or_hung_or_was_not_whole_proves_nothing(run):
    assert frozenset() == run.over


def test_a_dry_run_or_one_of_some_accounts_is_not_whole():
    assert ended("succeeded").whole
    assert not ended("succeeded", params=NARROWED).whole
    assert not ended("succeeded", **DRY).whole
    assert not EndedRun("scheduled__1", "", "failed").whole


def test_what_a_green_dry_run_or_a_green_run_of_some_accounts_holds_is_no_cause():
    assert frozenset() == ended("succeeded", holds=(HELD,), **DRY).causes
    assert frozenset() == ended("succeeded", params=NARROWED, holds=(HELD,)).causes

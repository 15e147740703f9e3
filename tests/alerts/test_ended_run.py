"""Which causes of an alarm a run shows, and which it proves over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.alerts.ended_run import EndedRun
from partner_sync.archive.records import ALARM_CAUSES, Failure, RunRecord, Trigger, VerdictTally
from partner_sync.model import Plan, PlanOrder, Withheld

AT = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
HELD = Withheld("global", "mark", 37, 12, 60, "37 of kind mark in global", 'trigger with {"mark": 37}')
PLAN = Plan(
    order=PlanOrder(AT, AT, "20260301T120000Z-abc123"),
    run_id="scheduled__1",
    dry_run=False,
    config_digest="",
    reads=(),
    counts={"create": 3, "update": 30, "problems": 1},
    changes=(),
    withheld_changes=(),
    withheld=(),
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
        (ended("failed", failures=[WITHHELD], withheld=(HELD,)), {"withheld"}),
        (ended("failed", REJECTED, withheld=(HELD,)), {"withheld", "rejected"}),
        (ended("failed", VerdictTally(), withheld=(HELD,)), {"withheld", "failed"}),
        (ended("failed", unread=("eu",)), {"unreachable"}),
        (ended("failed", failures=[PROBLEMS]), {"problems"}),
        (ended("failed", REJECTED, [PROBLEMS, WITHHELD], withheld=(HELD,)), {"problems", "rejected", "withheld"}),
        (ended("failed", failures=[failure("StorageError", "compare")], withheld=(HELD,)), {"withheld", "failed"}),
        (ended("hung", REJECTED, withheld=(HELD,)), {"hung", "rejected", "withheld"}),
        (ended("succeeded", withheld=(HELD,)), {"withheld"}),
        (ended("failed", withheld=(HELD,), **DRY), {"failed"}),
        (ended("late", REJECTED, withheld=(HELD,)), set()),
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
        (ended("succeeded", withheld=(HELD,)), {"withheld"}),
        (ended("failed", REJECTED), {"rejected", "overdue"}),
        (ended("failed", withheld=(HELD,)), {"withheld", "overdue"}),
        (ended("failed", failures=[PROBLEMS]), {"problems", "overdue"}),
        (ended("failed", unread=("eu",)), {"unreachable", "overdue", "rejected", "withheld", "problems"}),
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
    assert frozenset() == ended("succeeded", withheld=(HELD,), **DRY).causes
    assert frozenset() == ended("succeeded", params=NARROWED, withheld=(HELD,)).causes

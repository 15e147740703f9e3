"""The messages to the team have ids, counts, the next step and a link, and no names."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.alerts.ended_run import EndedRun
from partner_sync.alerts.messages import Message, message
from partner_sync.archive.records import ALARM_CAUSES, AlarmNote, RunRecord, Trigger, VerdictTally
from partner_sync.model import Create, FieldChange, Hold, Plan, PlanOrder, Problem, UnreadInstance

AT = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
NAME = "Initech & Söhne"
CREATE = Create("global", "0014M00001sDiGEQA0", NAME, (FieldChange("name", None, NAME),), "no organization")
APPROVE = 'To write these rows and no others: {"approve": ["3f2a91c0de12"]}'
HELD = Hold("3f2a91c0de12", "global", "mark", "limit", 37, 12, 60, AT, "37 marks held", APPROVE, is_case=True)
PROBLEM = Problem("name_taken", "global", ("0014M00001sDiGEQA0",), (42,), f"{NAME} is taken", "rename it")
PLAN = Plan(
    order=PlanOrder(AT, AT, "20260301T120000Z-abc123"),
    run_id="scheduled__1",
    dry_run=False,
    config_digest="",
    reads=(),
    counts={"create": 3, "update": 30, "problems": 1},
    changes=(CREATE,),
    holds=(HELD,),
    problems=(PROBLEM,),
)
TRIGGER = Trigger("partner_sync", "scheduled__1", "scheduled", None, AT, AT, {"account_ids": []})
RECORD = RunRecord(TRIGGER, {}, PLAN)
LINK = "https://airflow.example/dags/partner_sync/runs/scheduled__1"


def sent(*new, still=(), recovered=(), end="failed", **known) -> Message:
    """The message with these new, known and recovered causes."""
    since = AT - timedelta(days=2)
    note = AlarmNote("scheduled__1", AT, dict.fromkeys(new, AT) | dict.fromkeys(still, since), new, recovered)
    return message(note, EndedRun(run_id="scheduled__1", link=LINK, end=end, **known))


@pytest.mark.parametrize(
    "causes", [{"recovered": ALARM_CAUSES}, {"still": ALARM_CAUSES}, *({"still": (one,)} for one in ALARM_CAUSES)]
)
@pytest.mark.parametrize("new", [(), ("failed",)], ids=["", "new"])
@pytest.mark.parametrize("record", [None, RECORD])
def test_every_message_has_the_run_a_next_step_and_the_link_and_no_name(causes, new, record):
    one = sent(*new, **causes, record=record, task="sync update 1-30", verdicts=VerdictTally(confirmed=33))
    lines = one.text.splitlines()
    assert "Run: scheduled__1" == lines[0]
    assert f"Link: {LINK}" in lines
    assert [line for line in lines if line.startswith("Next: ")]
    assert "Initech" not in one.title + one.text
    assert 1 == len(one.title.splitlines())


def test_a_withheld_plan_says_how_much_and_how_to_go_on():
    one = sent("withheld", record=RECORD, task="sync withheld", verdicts=VerdictTally(confirmed=33))
    assert "Planned: 3 creates, 30 updates" in one.text
    assert "Verdicts: 33 confirmed" in one.text
    assert "Held for review: 37 marks in global" in one.text
    assert "Problems: 1" in one.text
    assert f"Next: {APPROVE}" in one.text


def test_an_instance_that_was_not_read_is_named():
    one = sent(
        "unreachable",
        record=replace(
            RECORD, plan=replace(PLAN, unread=(UnreadInstance("eu", "no answer"), UnreadInstance("us", "no answer")))
        ),
    )
    assert "Not read: eu, us" in one.text


def test_rows_that_are_not_confirmed_come_with_their_next_step():
    record = replace(RECORD, plan=replace(PLAN, holds=()))
    one = sent("rejected", record=record, task="sync update 1-30", verdicts=VerdictTally(confirmed=32, rejected=1))
    assert "Verdicts: 32 confirmed, 1 rejected" in one.text
    assert "plans these rows again" in one.text


def test_a_run_without_a_plan_names_the_log_to_read():
    one = sent("failed", task="gather_accounts")
    assert "the last line of the log of gather_accounts: it names the cause and the next step" in one.text


def test_a_cause_that_another_run_showed_is_not_explained_by_this_run():
    assert "The run wrote nothing" not in sent(still=("failed",), end="succeeded").text


def test_the_title_has_what_is_new_and_the_text_also_what_is_still_open_and_what_recovered():
    one = sent("failed", "hung", still=("withheld",), recovered=("overdue",))
    assert "Partner Sync: a run failed; a run took too long and was stopped" == one.title
    assert "New: a run failed" in one.text
    assert "Still open: changes are held for review, since 2026-02-27 12:00 UTC" in one.text
    assert "Recovered: no run has succeeded for 2 hours" in one.text


def test_a_recovery_says_in_its_title_what_is_still_open():
    one = sent(still=("rejected",), recovered=("failed",))
    assert "Partner Sync: recovered in part, still open: rows are rejected or unknown" == one.title
    assert not one.well


def test_when_nothing_is_open_any_more_the_title_says_recovered():
    one = sent(recovered=("failed", "rejected"), end="succeeded")
    assert ("Partner Sync: recovered", True) == (one.title, one.well)
    assert "You get the next message when" not in one.text


def test_a_reminder_lists_all_that_is_open():
    one = sent(still=("withheld", "rejected"))
    assert "Partner Sync: still open: changes are held for review; rows are rejected or unknown" == one.title
    assert "You get the next message when this changes, and a reminder once a day until then." in one.text

"""The messages to the team have ids, counts, the next step and a link, and no names."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from partner_sync.alerts.messages import EndedRun, message
from partner_sync.archive.records import RunRecord, Trigger, VerdictTally
from partner_sync.model import Create, FieldChange, Plan, PlanOrder, Problem, Withheld

AT = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
NAME = "Initech & Söhne"
CREATE = Create("global", "0014M00001sDiGEQA0", NAME, (FieldChange("name", None, NAME),), "no organization")
WITHHELD = Withheld("global", "mark", 37, 12, 60, "37 of kind mark in global", 'trigger with {"mark": 37}')
PROBLEM = Problem("name_taken", "global", ("0014M00001sDiGEQA0",), (42,), f"{NAME} is taken", "rename it")
PLAN = Plan(
    order=PlanOrder(AT, AT, "20260301T120000Z-abc123"),
    run_id="scheduled__1",
    dry_run=False,
    config_digest="",
    reads=(),
    counts={"create": 3, "update": 30, "problems": 1},
    changes=(CREATE,),
    withheld_changes=(),
    withheld=(WITHHELD,),
    problems=(PROBLEM,),
)
TRIGGER = Trigger("partner_sync", "scheduled__1", "scheduled", None, AT, AT, {"account_ids": []})
RECORD = RunRecord(TRIGGER, {}, PLAN)
LINK = "https://airflow.example/dags/partner_sync/runs/scheduled__1"


def ended(**known) -> EndedRun:
    return EndedRun(run_id="scheduled__1", link=LINK, **known)


@pytest.mark.parametrize("what", ["hung", "failed", "withheld", "overdue", "recovered"])
@pytest.mark.parametrize("record", [None, RECORD])
def test_every_message_has_the_run_a_next_step_and_the_link_and_no_name(what, record):
    said = message(what, ended(record=record, task="sync update 1-30", verdicts=VerdictTally(confirmed=33)))
    lines = said.text.splitlines()
    assert "Run: scheduled__1" == lines[0]
    assert f"Link: {LINK}" in lines
    assert [line for line in lines if line.startswith("Next: ")]
    assert "Initech" not in said.title + said.text
    assert 1 == len(said.title.splitlines())


def test_a_withheld_plan_says_how_much_and_how_to_go_on():
    said = message("withheld", ended(record=RECORD, task="sync withheld", verdicts=VerdictTally(confirmed=33)))
    assert "Planned: 3 creates, 30 updates" in said.text
    assert "Verdicts: 33 confirmed" in said.text
    assert "Held for review: 37 marks in global (limit 12)" in said.text
    assert "Problems: 1" in said.text
    assert 'Next: trigger with {"mark": 37}' in said.text


def test_rows_that_are_not_confirmed_come_with_their_next_step():
    record = replace(RECORD, plan=replace(PLAN, withheld=()))
    said = message(
        "failed", ended(record=record, task="sync update 1-30", verdicts=VerdictTally(confirmed=32, rejected=1))
    )
    assert "Verdicts: 32 confirmed, 1 rejected" in said.text
    assert "plans these rows again" in said.text


def test_a_run_without_a_plan_names_the_log_to_read():
    said = message("failed", ended(task="gather_accounts"))
    assert "the last line of the log of gather_accounts: it names the cause and the next step" in said.text


def test_only_the_first_message_of_an_alarm_announces_the_next_one():
    assert "You get the next message when" in message("failed", ended()).text
    assert "You get the next message when" not in message("recovered", ended()).text


@pytest.mark.parametrize(
    ("verdicts", "only"),
    [({"confirmed": 33}, True), ({"confirmed": 30, "superseded": 3}, True), ({"confirmed": 32, "rejected": 1}, False)],
)
def test_a_run_is_only_withheld_when_everything_else_is_well(verdicts, only):
    assert only == ended(record=RECORD, verdicts=VerdictTally(verdicts)).only_withheld


def test_a_dry_run_or_one_of_some_accounts_is_not_whole():
    some = replace(TRIGGER, params={"account_ids": ["0014M00001sDiGEQA0"]})
    assert ended(record=RECORD).whole
    assert not ended(record=replace(RECORD, trigger=some)).whole
    assert not ended(record=replace(RECORD, plan=replace(PLAN, dry_run=True))).whole
    assert not ended().whole

"""A message when a cause of an alarm is new or over, and once a day: by real mail and a webhook, through real runs."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from partner_sync.errors import ConfigError
from partner_sync.sandbox import large_world
from tests.webhook import Webhook, serving

SMTP, APPRISE = "AIRFLOW_CONN_PARTNER_SYNC_SMTP", "AIRFLOW_CONN_PARTNER_SYNC_APPRISE"


class Mailbox:
    """A mail server on loopback that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"

    @property
    def subjects(self) -> list[str]:
        return [mail["Subject"] for _, mail in self.mails]

    def text(self, number: int = -1) -> str:
        (part,) = self.mails[number][1].get_payload()
        return part.get_payload(decode=True).decode()


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@pytest.fixture
def mailbox(monkeypatch) -> Iterator[Mailbox]:
    """Mail goes to a server on loopback."""
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    extra = {"from_email": "airflow@example.com", "to": "support-ops@example.com"}
    where = {"conn_type": "smtp", "host": "127.0.0.1", "port": controller.port}
    monkeypatch.setenv(SMTP, json.dumps({**where, "extra": {**extra, "disable_tls": True, "disable_ssl": True}}))
    try:
        yield box
    finally:
        controller.stop()


@pytest.fixture
def webhook(monkeypatch) -> Iterator[Webhook]:
    """Apprise goes to a web server on loopback."""
    with serving(Webhook()) as hook:
        monkeypatch.setenv(APPRISE, hook.connection)
        yield hook


def a_world(**changes: int) -> Any:
    return large_world(accounts=60, organizations=90, **changes)


def failed_run(world: Any) -> str:
    """A run whose query Salesforce refuses."""
    fault = world.sandbox.fault("status", system="salesforce", path="/services/data/*", status=400, times=None)
    state = world.run().state
    world.sandbox.remove_faults(fault)
    return str(state)


def revoked_run(world: Any) -> str:
    """A run whose credentials Zendesk no longer accepts."""
    fault = world.sandbox.fault("status", system="zendesk", path="/api/v2/*", status=401, times=None)
    state = world.run().state
    world.sandbox.remove_faults(fault)
    return str(state)


def alarms(world: Any) -> list[str]:
    return sorted(path.name for path in (world.folder / "archive" / "alarms").glob("*.json"))


def test_while_no_connection_exists_nothing_is_told_and_nothing_is_remembered(stage):
    world = stage(a_world())
    assert "failed" == failed_run(world)
    assert [] == alarms(world)


def test_one_message_when_runs_fail_one_when_it_is_over_and_none_in_between(stage, mailbox, webhook):
    world = stage(a_world(updates=2))
    assert ["failed", "failed"] == [failed_run(world), failed_run(world)]
    assert ["Partner Sync: a run failed"] == mailbox.subjects == webhook.titles
    assert ["success", "success"] == [world.run().state, world.run().state]
    assert ["Partner Sync: a run failed", "Partner Sync: recovered"] == mailbox.subjects == webhook.titles
    assert ["support-ops@example.com"] == mailbox.mails[0][0]
    assert ["failure", "success"] == [one["type"] for one in webhook.got]
    assert "read the last line of the log of gather_accounts: it names the cause" in webhook.got[0]["message"]
    assert "/dags/partner_sync/runs/manual__" in mailbox.text(0)


def test_withheld_marks_are_told_with_their_numbers_and_the_conf_that_goes_on(stage, webhook):
    world = stage(a_world(marks=20, updates=1))
    names = {one["name"] for one in world.sandbox.organizations()} | {one["Name"] for one in world.sandbox.accounts()}
    run = world.run()
    assert "failed" == run.state
    (hold,) = run.plan.holds
    (told,) = webhook.got
    assert "Partner Sync: changes are held for review" == told["title"]
    assert "Task: sync withheld" in told["message"]
    assert "Held for review: 20 marks in global" in told["message"]
    assert f'{{"approve": ["{hold.id}"]}}' in told["message"]
    assert "Verdicts: 1 confirmed" in told["message"]
    assert [] == [name for name in names if name in told["message"]]
    assert "success" == world.run().state  # the case is red once, and open until somebody decides
    assert 1 == len(webhook.got)
    assert "success" == world.run(approve=[hold.id]).state
    assert "Partner Sync: recovered" == webhook.titles[-1]


def test_a_dry_run_or_a_run_of_some_accounts_does_not_end_an_alarm(stage, webhook):
    world = stage(a_world(updates=2))
    some = world.sandbox.cases()["update_owner"][:1]
    assert ["failed", "success"] == [failed_run(world), world.run(dry_run=True).state]
    assert "success" == world.run(account_ids=some).state
    assert ["Partner Sync: a run failed"] == webhook.titles
    assert "success" == world.run().state
    assert "Partner Sync: recovered" == webhook.titles[-1]


def test_a_rejected_row_is_told_by_count_and_task(stage, webhook):
    world = stage(a_world(updates=3))
    world.sandbox.fault("fail_rows", rows=[0], times=1)
    assert "failed" == world.run().state
    (told,) = webhook.got
    assert "Task: sync update 1-3" in told["message"]
    assert "Verdicts: 2 confirmed, 1 rejected" in told["message"]


def test_a_row_that_is_rejected_every_hour_silences_no_other_cause(stage, webhook):
    world = stage(a_world(updates=3))
    world.config(lambda text: text.replace("\nafter = 3", "\nafter = 20"))  # it does not rest meanwhile
    rejects = world.sandbox.fault("fail_rows", rows=[0], times=None)
    assert ["failed"] * 2 == [world.run().state, world.run().state]
    assert ["Partner Sync: rows are rejected or unknown"] == webhook.titles
    for _ in range(2):  # also the second time: the run in between proved that the first time is over
        webhook.got.clear()
        assert ["failed"] * 2 == [revoked_run(world), revoked_run(world)]
        assert ["Partner Sync: a run failed"] == webhook.titles
        assert "Still open: rows are rejected or unknown, since " in webhook.got[-1]["message"]
        assert "failed" == world.run().state
        assert "Partner Sync: recovered in part, still open: rows are rejected or unknown" == webhook.titles[-1]
    world.sandbox.remove_faults(rejects)
    assert "success" == world.run().state
    assert "Partner Sync: recovered" == webhook.titles[-1]


def test_marks_over_their_limit_and_a_rejected_row_recover_each_by_itself(stage, webhook):
    world = stage(a_world(marks=20, updates=1))
    rejects = world.sandbox.fault("fail_rows", rows=[0], times=None)
    assert "failed" == world.run().state
    assert ["Partner Sync: changes are held for review; rows are rejected or unknown"] == webhook.titles
    world.sandbox.remove_faults(rejects)
    run = world.run()
    assert "success" == run.state
    assert "Recovered: rows are rejected or unknown" in webhook.got[-1]["message"]
    assert "success" == world.run(approve=[hold.id for hold in run.record.plan.holds]).state
    assert "Recovered: changes are held for review" in webhook.got[-1]["message"]
    assert 3 == len(webhook.got)


def test_problems_that_fail_every_run_silence_no_other_cause(stage, webhook):
    world = stage()
    world.config(lambda text: text.replace('problems = "report"', 'problems = "fail"'))
    assert "failed" == world.run().state
    assert ["Partner Sync: problems fail the run"] == webhook.titles
    assert "failed" == revoked_run(world)
    assert "Partner Sync: a run failed" == webhook.titles[-1]


def test_one_channel_that_is_down_does_not_silence_the_other(stage, mailbox, webhook):
    webhook.status = 500
    world = stage(a_world())
    assert "failed" == failed_run(world)
    assert ["Partner Sync: a run failed"] == mailbox.subjects
    assert ["000001.arrived.json", "000001.json"] == alarms(world)


# -- what Airflow calls outside of a run --------------------------------------------------------------------


@pytest.fixture
def archive(tmp_path, monkeypatch) -> Any:
    monkeypatch.setenv("PARTNER_SYNC_ARCHIVE", str(tmp_path))
    return tmp_path / "alarms"


def context(reason: str = "timed_out") -> dict[str, Any]:
    """What Airflow hands a DAG's callback when it has no task instance to tell of."""
    return {"dag": None, "run_id": "scheduled__2026-03-01T12:00:00+00:00", "reason": reason}


def past(note: Path, age: timedelta) -> None:
    """A message of the alarm log was announced so long ago."""
    at = datetime.now(timezone.utc) - age
    note.write_text(json.dumps({**json.loads(note.read_text()), "at": at.isoformat()}))


def test_a_run_that_hung_is_told_as_such(database, archive, webhook):
    from partner_sync.alerts import callbacks

    callbacks.failed(context("timed_out"))
    callbacks.failed(context("timed_out"))
    assert ["Partner Sync: a run took too long and was stopped"] == webhook.titles


def test_while_an_alarm_is_open_whatever_ends_first_after_a_day_reminds_of_all_that_are_open(
    database, archive, webhook
):
    from partner_sync.alerts import callbacks

    callbacks.failed(context("timed_out"))
    callbacks.failed(context("task_failure"))
    webhook.got.clear()
    newest = archive / "000002.json"
    past(newest, timedelta(hours=23))
    missed(timedelta(seconds=2))
    assert [] == webhook.got
    past(newest, timedelta(hours=25))
    missed(timedelta(seconds=2))
    missed(timedelta(seconds=2))
    assert [
        "Partner Sync: still open: a run failed; a run took too long and was stopped",
    ] == webhook.titles


def test_a_message_that_reached_nobody_is_tried_again_later(database, archive, webhook):
    from partner_sync.alerts import callbacks

    webhook.status = 500
    with pytest.raises(ConfigError, match=r"partner_sync_apprise did not accept the message \(OSError\)"):
        callbacks.failed(context())
    callbacks.failed(context())  # not at once: another may be telling it
    assert 1 == len(webhook.got)
    webhook.status = 200
    past(archive / "000001.json", timedelta(minutes=11))
    callbacks.failed(context())
    callbacks.failed(context())
    assert 2 == len(webhook.got)


def test_of_runs_that_fail_at_once_one_tells(database, archive, webhook):
    from concurrent.futures import ThreadPoolExecutor

    from partner_sync.alerts import callbacks

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(callbacks.failed, [context()] * 8))
    assert 1 == len(webhook.got)


def missed(queued: timedelta) -> list[Any]:
    """What the triggerer does when a run that was queued so long ago missed its deadline, by the path in the DAG."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.triggers.callback import CallbackTrigger

    dag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags["partner_sync"]
    (alert,) = DagSerialization.serialize_dag(dag)["deadline"]
    callback, now = alert["callback"]["__data__"], datetime.now(timezone.utc)
    run = {"dag_id": "partner_sync", "dag_run_id": "scheduled__1", "run_after": "2026-03-01T12:00:00Z"}
    run["queued_at"] = (now - queued).isoformat()
    told = {"dag_run": run, "deadline": {"id": "1", "deadline_time": now.isoformat()}}
    trigger = CallbackTrigger(callback["path"], {**callback["kwargs"], "context": told})

    async def events() -> list[Any]:
        return [event.payload["state"] async for event in trigger.run()]

    return asyncio.run(events())


def test_while_the_archive_is_out_of_reach_every_failure_is_told_and_says_so(database, tmp_path, monkeypatch, webhook):
    from partner_sync.alerts import callbacks

    nowhere = tmp_path / "a file"
    nowhere.write_text("no folder")
    monkeypatch.setenv("PARTNER_SYNC_ARCHIVE", str(nowhere))
    run = {"run_id": "scheduled__1", "dag_run_id": "scheduled__1", "run_after": "2026-03-01T12:00:00Z"}
    for _ in range(2):
        callbacks.failed({"run_id": "scheduled__1", "dag_run": run})
    assert ["Partner Sync: a run failed"] * 2 == webhook.titles
    assert "Archive: Object storage did not read " in webhook.got[0]["message"]
    assert "Next: fix the archive. " in webhook.got[0]["message"]


def test_a_failure_whose_record_is_damaged_is_told_once_and_says_so(database, archive, webhook):
    from partner_sync.alerts import callbacks

    record = archive.parent / "runs" / "2026-03-01" / "scheduled__1" / "run.json"
    record.parent.mkdir(parents=True)
    record.write_text("{")
    run = {"run_id": "scheduled__1", "dag_run_id": "scheduled__1", "run_after": "2026-03-01T12:00:00Z"}
    for _ in range(2):
        callbacks.failed({"run_id": "scheduled__1", "dag_run": run})
    assert ["Partner Sync: a run failed"] == webhook.titles
    assert "run.json" in webhook.got[0]["message"]


def test_a_connection_that_names_nobody_is_told_by_the_name_of_what_is_missing(database, archive, monkeypatch):
    from partner_sync.alerts import callbacks

    monkeypatch.setenv(
        SMTP, json.dumps({"conn_type": "smtp", "host": "127.0.0.1", "extra": {"from_email": "a@example.com"}})
    )
    monkeypatch.setenv(APPRISE, json.dumps({"conn_type": "apprise"}))
    with pytest.raises(ConfigError) as raised:
        callbacks.failed(context())
    assert ["partner_sync_smtp, extra.to", "partner_sync_apprise, extra.config"] == [
        one.key for one in raised.value.findings
    ]


HOURS = timedelta(hours=2)


def test_a_missed_deadline_is_told_by_the_callback_that_the_triggerer_imports(database, archive, webhook):
    assert ["running", "success"] == [str(getattr(state, "value", state)) for state in missed(HOURS)]
    missed(HOURS)
    assert ["Partner Sync: no run has succeeded for 2 hours"] == webhook.titles
    assert "/dags/partner_sync/runs/scheduled__1" in webhook.got[0]["message"]


def test_a_backfilled_run_whose_date_is_past_is_no_missed_deadline(database, archive, webhook):
    missed(timedelta(seconds=2))
    assert [] == webhook.got


def test_a_missed_deadline_is_not_told_when_another_run_has_succeeded_lately(stage, webhook, monkeypatch):
    world = stage(a_world())
    assert "success" == world.run().state
    monkeypatch.setenv("PARTNER_SYNC_ARCHIVE", str(world.folder / "archive"))
    missed(HOURS)
    assert [] == webhook.got

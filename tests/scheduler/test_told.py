"""The team is told by the real processes: the DAG processor, and the triggerer when a deadline is missed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from partner_sync.local.environment import embedded
from tests.scheduler.running import Airflow, Run, until
from tests.webhook import Webhook

FAILED, RECOVERED = "Partner Sync: a run failed", "Partner Sync: recovered"
OVERDUE = "Partner Sync: no run has succeeded for 2 hours"


def failed_run(airflow: Airflow) -> Run:
    """A run whose query Salesforce refuses."""
    body = json.dumps([{"errorCode": "MALFORMED_QUERY", "message": "no"}])
    answer = {"status": 400, "body": body, "content_type": "application/json", "times": None}
    fault = airflow.sandbox.fault("status", system="salesforce", path="/services/data/*", **answer)
    run = airflow.finished(airflow.trigger(logical_date=datetime.now(timezone.utc)))
    airflow.sandbox.remove_faults(fault)
    assert "failed" == run.state
    return run


@pytest.fixture(scope="module")
def first_failed(airflow: Airflow, first_run: Run, webhook: Webhook) -> Run:
    """The first of two failed runs, after which a third succeeded; the team was well before."""
    assert "success" == airflow.finished(airflow.trigger()).state
    until("no alarm is open", 60, lambda: not webhook.titles or webhook.titles[-1] == RECOVERED)
    webhook.got.clear()
    first = failed_run(airflow)
    until("the failure is told", 60, lambda: webhook.got)
    failed_run(airflow)
    assert "success" == airflow.finished(airflow.trigger()).state
    until("the recovery is told", 60, lambda: len(webhook.got) > 1)
    return first


def test_the_dag_processor_tells_once_that_runs_fail_and_once_that_it_is_over(first_failed, webhook):
    assert [FAILED, RECOVERED] == webhook.titles[:2]
    assert f"/dags/partner_sync/runs/{first_failed.id}" in webhook.got[0]["message"]
    assert "Task: gather_accounts" in webhook.got[0]["message"]


@contextmanager
def triggerer(airflow: Airflow, webhook: Webhook) -> Iterator[None]:
    """A triggerer on the same database; `up` has none, since nothing there is deferred."""
    environ = embedded(dict(os.environ), airflow.home, {"AIRFLOW_CONN_PARTNER_SYNC_APPRISE": webhook.connection})
    environ |= {"PARTNER_SYNC_ARCHIVE": f"file://{airflow.home.archive}"}
    command = [sys.executable, "-m", "airflow", "triggerer", "--skip-serve-logs"]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def test_the_triggerer_tells_that_no_run_has_succeeded_for_two_hours(airflow, first_failed, webhook):
    _three_hours_pass(airflow, first_failed)
    with triggerer(airflow, webhook):
        until("the missed deadline is told", 60, lambda: len(webhook.got) > 2)
    assert [FAILED, RECOVERED, OVERDUE] == webhook.titles
    assert f"/dags/partner_sync/runs/{first_failed.id}" in webhook.got[-1]["message"]


def _three_hours_pass(airflow: Airflow, run: Run) -> None:
    """The last success and a failed run, its deadline too, are moved into the past; the rest is Airflow's doing."""
    path = airflow.home.archive / "alarms" / "succeeded.json"
    note: dict[str, Any] = json.loads(path.read_text())
    note["at"] = (datetime.now(timezone.utc) - timedelta(hours=3)).isoformat()
    path.write_text(json.dumps(note))
    now = datetime.now(timezone.utc)
    due, queued = (f"{now - timedelta(hours=hours):%Y-%m-%d %H:%M:%S.%f}" for hours in (1, 3))
    of_run = "dagrun_id = (SELECT id FROM dag_run WHERE run_id = ?)"
    with closing(sqlite3.connect(airflow.home.airflow / "airflow.db", timeout=30)) as database, database:
        changed = database.execute(f"UPDATE deadline SET deadline_time = ? WHERE {of_run}", (due, run.id)).rowcount
        database.execute("UPDATE dag_run SET queued_at = ? WHERE run_id = ?", (queued, run.id))
    assert 1 == changed

"""What it takes to have the team told by the real processes: runs that fail, and hours that pass."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.scheduler.running import Airflow, Run


def failed_run(airflow: Airflow) -> Run:
    """A run whose query Salesforce refuses."""
    body = json.dumps([{"errorCode": "MALFORMED_QUERY", "message": "no"}])
    answer = {"status": 400, "body": body, "content_type": "application/json", "times": None}
    fault = airflow.sandbox.fault("status", system="salesforce", path="/services/data/*", **answer)
    run = airflow.finished(airflow.trigger(logical_date=datetime.now(timezone.utc)))
    airflow.sandbox.remove_faults(fault)
    assert "failed" == run.state
    return run


def three_hours_pass(airflow: Airflow, run: Run) -> None:
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

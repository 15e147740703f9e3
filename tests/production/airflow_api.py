"""Airflow's REST API, for a client that survives what the tests do to the server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

import requests

DAG = "/api/v2/dags/partner_sync"
ENDED = ("success", "failed")


class AirflowApi:
    def __init__(self, address: str, user: str, password: str) -> None:
        self._address, self._login = address, {"username": user, "password": password}
        self._session = requests.Session()
        self._session.trust_env = False

    def request(self, method: str, path: str, body: Any = None, patience: float = 90, **query: Any) -> Any:
        """One call, repeated while the server is away. Raises requests.HTTPError for an answer it does not get over."""
        until = time.monotonic() + patience
        while True:
            try:
                if "Authorization" not in self._session.headers:
                    self._authorize()
                answer = self._session.request(method, self._address + path, json=body, params=query, timeout=20)
                if answer.status_code == 401:
                    self._authorize()
                elif answer.status_code < 500:
                    answer.raise_for_status()
                    is_json = answer.content and "json" in answer.headers.get("Content-Type", "")
                    return answer.json() if is_json else answer.text
            except (requests.ConnectionError, requests.Timeout):
                pass
            if time.monotonic() > until:
                raise AssertionError(f"{method} {path} got no answer for {patience} s")
            time.sleep(0.5)

    def _authorize(self) -> None:
        answer = self._session.post(f"{self._address}/auth/token", json=self._login, timeout=20)
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    # -- the DAG --------------------------------------------------------------------------------------------

    def wait_for_dag(self, seconds: float = 120) -> None:
        def there() -> bool:
            try:
                return bool(self.request("GET", DAG))
            except requests.HTTPError:
                return False

        wait_until(there, seconds, "the DAG is parsed")

    def connect(self, conn_id: str, kind: str, extra: Any) -> None:
        """Makes a Connection, as somebody does under Admin."""
        body = {"connection_id": conn_id, "conn_type": kind, "extra": json.dumps(extra)}
        self.request("POST", "/api/v2/connections", body)

    def disconnect(self, conn_id: str) -> None:
        self.request("DELETE", f"/api/v2/connections/{conn_id}")

    def pause(self, paused: bool) -> None:
        self.request("PATCH", DAG, {"is_paused": paused})

    def trigger(self, logical_date: datetime | None = None, run_after: datetime | None = None, **conf: Any) -> str:
        """Starts a manual run; of runs that wait, the one with the earliest `run_after` is first.

        Its id is ours, so a repeated call cannot start two.
        """
        run_id = f"manual__{uuid4().hex[:12]}"
        times = {
            "logical_date": logical_date.isoformat() if logical_date else None,
            "run_after": run_after.isoformat() if run_after else None,
        }
        try:
            self.request("POST", f"{DAG}/dagRuns", {"dag_run_id": run_id, "conf": conf, **times})
        except requests.HTTPError as error:
            if error.response.status_code != 409:
                raise
        return run_id

    def occupy(self, logical_date: datetime) -> None:
        """Takes a date's place with a run that is over before it began: the scheduler does not add one of its own."""
        run_id = self.trigger(logical_date)
        self.request("PATCH", f"{DAG}/dagRuns/{run_id}", {"state": "success"})

    def scheduled(self) -> list[str]:
        """The ids of the runs that the schedule made."""
        runs = self.request("GET", f"{DAG}/dagRuns", run_type="scheduled")["dag_runs"]
        return [run["dag_run_id"] for run in runs]

    def run(self, run_id: str) -> dict[str, Any]:
        return dict(self.request("GET", f"{DAG}/dagRuns/{run_id}"))

    def wait(self, run_id: str, seconds: float = 900) -> str:
        """The state a run ends in."""
        wait_until(lambda: self.run(run_id)["state"] in ENDED, seconds, f"{run_id} ends", every=1.0)
        return str(self.run(run_id)["state"])

    def tasks(self, run_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self.request("GET", f"{DAG}/dagRuns/{run_id}/taskInstances", limit=100, offset=len(found))
            found += page["task_instances"]
            if len(found) >= page["total_entries"]:
                return found

    def clear(self, run_id: str, *task_ids: Any, downstream: bool = False) -> None:
        body = {
            "dag_run_id": run_id,
            "task_ids": list(task_ids),
            "include_downstream": downstream,
            "only_failed": False,
            "reset_dag_runs": True,
            "dry_run": False,
        }
        self.request("POST", f"{DAG}/clearTaskInstances", body)

    def log(self, run_id: str, task_id: str, try_number: int, map_index: int = -1) -> str:
        path = f"{DAG}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        return str(self.request("GET", path, map_index=map_index))

    def backfill(self, first: datetime, last: datetime, runs_at_once: int = 1) -> int:
        body = {
            "dag_id": "partner_sync",
            "from_date": first.isoformat(),
            "to_date": last.isoformat(),
            "max_active_runs": runs_at_once,
            "reprocess_behavior": "none",
            "run_backwards": False,
            "dag_run_conf": {},
        }
        return int(self.request("POST", "/api/v2/backfills", body)["id"])

    def backfilled(self, first: datetime, last: datetime) -> list[str]:
        """The ids of the runs that backfills made for these intervals, in their order."""
        runs = self.request("GET", f"{DAG}/dagRuns", run_type="backfill", order_by="logical_date")["dag_runs"]
        return [run["dag_run_id"] for run in runs if first <= moment(run["logical_date"]) <= last]


def moment(text: str) -> datetime:
    """A time of the REST API."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def wait_until(holds: Callable[[], Any], seconds: float, what: str, every: float = 0.3) -> Any:
    until = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > until:
            raise AssertionError(f"after {seconds} s it does not hold that {what}")
        time.sleep(every)
    return found


def now() -> datetime:
    return datetime.now(timezone.utc)

"""A running Airflow by its REST API, and behind its back: its processes, the archive, the sandbox that it works on."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
import requests

from partner_sync.archive.archive import Archive
from partner_sync.archive.records import OpenJob, RowVerdict, RunRecord
from partner_sync.local.home import ADMIN, Home
from partner_sync.model import Plan
from partner_sync.sandbox import Controls, salesforce_id

T = TypeVar("T")

RUN_SECONDS = 180
END_SECONDS = 30
"""How long `up` takes to end everything when a component has ended."""
FINISHED = ("success", "failed")


def until(what: str, seconds: float, look: Callable[[], T]) -> T:
    """The first answer of `look` that is true; fails when there is none in time."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {seconds} s")
        time.sleep(0.2)
    return found


@dataclass(frozen=True)
class Run:
    """What came of one DAG run: its row and its task instances (by label or id) in the REST API, and the archive's."""

    row: dict[str, Any]
    tasks: dict[str, dict[str, Any]]
    record: RunRecord | None
    plan: Plan | None
    verdicts: list[RowVerdict]

    @property
    def id(self) -> str:
        return str(self.row["dag_run_id"])

    @property
    def state(self) -> str:
        return str(self.row["state"])

    def states(self) -> dict[str, str]:
        return {label: task["state"] for label, task in self.tasks.items()}

    def counts(self) -> dict[tuple[str, str], int]:
        """How many rows of each batch have which verdict."""
        return dict(Counter((row.batch, row.verdict) for row in self.verdicts))


class Airflow:
    """The running Airflow as its REST API shows it, and the sandbox and the archive that it works on."""

    def __init__(self, process: psutil.Popen, log: Path, url: str, home: Home, sandbox: Controls) -> None:
        self.home, self.sandbox, self.archive = home, sandbox, Archive(home.archive)
        self._process, self._log, self.url = process, log, url
        self._session = requests.Session()
        self._session.trust_env = False

    def runs(self, seconds: float = 0.0) -> bool:
        """True, as long as `up` runs; fails with what `up` wrote last if it has ended, or ends within `seconds`."""
        with suppress(psutil.TimeoutExpired):
            code = self._process.wait(seconds)
            pytest.fail(f"`up` ended with {code}: {self._log.read_text()[-6000:]}")
        return True

    # -- the REST API ---------------------------------------------------------------------------------------

    def healthy(self) -> bool:
        """Whether scheduler and DAG processor live, we are logged in, and the DAG is there."""
        with suppress(requests.RequestException):
            health = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=10).json()
            if all(health[part]["status"] == "healthy" for part in ("scheduler", "dag_processor")):
                self._log_in()
                return self.call("GET", "/dags/partner_sync").ok
        return False

    def _log_in(self) -> None:
        login = {"username": ADMIN, "password": self.home.password()}
        answer = self._session.post(f"{self.url}/auth/token", json=login, timeout=10)
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """One call; repeated where SQLite was locked for too long, which Airflow answers with 500."""
        for _ in range(3):
            try:
                answer = self._session.request(method, f"{self.url}/api/v2{path}", timeout=30, **arguments)
            except requests.ConnectionError:
                self.runs(END_SECONDS)
                raise
            if answer.status_code != 500:
                break
        return answer

    def get(self, path: str, **params: Any) -> Any:
        answer = self.call("GET", path, params=params)
        assert answer.ok, answer.text
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        answer = self.call("POST", path, json=body)
        assert answer.ok, answer.text
        return answer.json()

    def run_ids(self, **of: str) -> set[str]:
        return {row["dag_run_id"] for row in self.get("/dags/partner_sync/dagRuns", limit=100, **of)["dag_runs"]}

    def unpause(self) -> None:
        assert self.call("PATCH", "/dags/partner_sync", json={"is_paused": False}).ok

    def trigger(self, *, logical_date: datetime | None = None, **conf: Any) -> str:
        """Starts a run under an id of our own, so that a repeated POST is not a second run. Returns the id."""
        run_id = f"test-{uuid.uuid4().hex[:8]}"
        date = logical_date and logical_date.isoformat()
        body = {"dag_run_id": run_id, "logical_date": date, "conf": conf}
        answer = self.call("POST", "/dags/partner_sync/dagRuns", json=body)
        assert answer.ok or answer.status_code == 409, answer.text
        return run_id

    def occupy(self, logical_date: datetime) -> None:
        """Takes a date's place with a run that is over before it began: the scheduler does not add one of its own."""
        run_id = self.trigger(logical_date=logical_date)
        assert self.call("PATCH", f"/dags/partner_sync/dagRuns/{run_id}", json={"state": "success"}).ok

    def clear(self, run_id: str, *task_ids: Any, downstream: bool = False) -> None:
        """Clears what is named, failed or not; a list of id and map index is one mapped task."""
        self.post(
            "/dags/partner_sync/clearTaskInstances",
            dag_run_id=run_id,
            task_ids=list(task_ids),
            include_downstream=downstream,
            only_failed=False,
            dry_run=False,
        )

    def backfill(self, first: datetime, last: datetime, at_once: int) -> list[str]:
        """Starts a backfill of all intervals from `first` to `last`. Returns the ids of its runs, in their order."""
        dates = {"from_date": first.isoformat(), "to_date": last.isoformat()}
        body = {"dag_id": "partner_sync", "max_active_runs": at_once, **dates}
        answer = self.call("POST", "/backfills", json=body)
        assert answer.ok or answer.status_code == 409, answer.text
        runs = self.get("/dags/partner_sync/dagRuns", run_type="backfill", order_by="logical_date")
        return [run["dag_run_id"] for run in runs["dag_runs"]]

    def finished(self, run_id: str) -> Run:
        """The run, once it is over."""
        path = f"/dags/partner_sync/dagRuns/{run_id}"
        row = until(run_id, RUN_SECONDS, lambda: (row := self.get(path))["state"] in FINISHED and row)
        folder = self.archive.run_folder(run_id, datetime.fromisoformat(row["run_after"].replace("Z", "+00:00")))
        record = self.archive.run(folder)
        plan = record and self.archive.plan(folder, record.plan.id)
        verdicts = self.archive.verdicts(folder, record.plan.id) if record else []
        return Run(row, self.tasks(run_id), record, plan, verdicts)

    def tasks(self, run_id: str) -> dict[str, dict[str, Any]]:
        """The task instances by label, or by id where they have none."""
        rows = self.get(f"/dags/partner_sync/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {row["rendered_map_index"] or row["task_id"]: row for row in rows}

    def sync(self, run_id: str, map_index: int) -> dict[str, Any]:
        """One mapped task instance; its label is not known before it has ended."""
        return self.get(f"/dags/partner_sync/dagRuns/{run_id}/taskInstances/sync/{map_index}")

    # -- behind its back ------------------------------------------------------------------------------------

    def processes(self) -> list[psutil.Process]:
        """Every process of this Airflow: what `up` started, and what that started."""
        with suppress(psutil.NoSuchProcess):
            return [self._process, *self._process.children(recursive=True)]
        return []

    def process_of(self, task: dict[str, Any]) -> psutil.Process:
        """The process that executes a task instance; Airflow writes the instance's id into its title."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                if f"airflow worker -- {task['id']}" in " ".join(process.cmdline()):
                    return process
        pytest.fail(f"no process executes {task['id']}")

    def open_jobs(self) -> list[OpenJob]:
        return [entry for entry in self.archive.open_jobs("global") if not entry.settled]

    def submitted(self, batch: str) -> OpenJob:
        """The entry of the open-job register of a batch, once it holds a job id."""

        def entries() -> list[OpenJob]:
            return [entry for entry in self.open_jobs() if entry.batch == batch and entry.job_id]

        return until(f"the job of {batch} is open", 60, entries)[0]

    # -- the world ------------------------------------------------------------------------------------------

    def new_account(self, name: str = "") -> None:
        """A partner account without an organization."""
        account_id = salesforce_id(f"0014M00009{uuid.uuid4().hex[:5]}")
        new = {"Id": account_id, "Account_ID_18__c": account_id, "Name": name or f"Newcomer {account_id}"}
        self.sandbox.put_account(**{**self.sandbox.accounts()[0], "Partner_Track__c": "Open", **new})

    def new_owner(self, *account_ids: str) -> None:
        """Gives accounts another owner, whose name is new."""
        owner = f"Owner {uuid.uuid4().hex[:8]}"
        self.sandbox.put_accounts({"Id": account_id, "Account_Owner_Calc__c": owner} for account_id in account_ids)

    def in_sync(self) -> list[str]:
        """Ids of accounts that have exactly one organization, and one that is as the account wants it."""
        by_account: dict[str, list[dict[str, Any]]] = {}
        for organization in self.sandbox.organizations():
            by_account.setdefault(organization["organization_fields"]["salesforce_id"], []).append(organization)
        return [row["Id"] for row in self.sandbox.accounts() if _in_sync(row, by_account.get(row["Id"], []))]

    def out_of_sync(self) -> list[str]:
        """Ids of all other accounts."""
        return sorted({row["Id"] for row in self.sandbox.accounts()} - set(self.in_sync()))

    def writes(self, since: int) -> Counter[tuple[int, str]]:
        """How often each organization was created or updated since then. A write without effect counts as well."""
        return Counter((write["organization_id"], write["action"]) for write in self.sandbox.writes(since))


def _in_sync(account: dict[str, Any], organizations: list[dict[str, Any]]) -> bool:
    wanted = {
        "sfdc_short_id": account["Id"][:15],
        "account_owner": account["Account_Owner_Calc__c"],
        "technical_account_manager": account["Technical_Account_Manager_Name__c"],
    }
    if len(organizations) != 1 or organizations[0]["name"] != account["Name"]:
        return False
    fields = organizations[0]["organization_fields"]
    return not fields["mark_for_deletion"] and all(fields[key] == value for key, value in wanted.items())

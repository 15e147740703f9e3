"""Runs the real DAG by `dag.test()` with short waits, against its own sandbox and archive."""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from partner_sync.archive.archive import Archive
from partner_sync.archive.records import OpenJob, RowVerdict, RunRecord
from partner_sync.errors import SnapshotError
from partner_sync.model import Plan
from partner_sync.sandbox import Sandbox, World, default_world
from tests import oracle

REPOSITORY = Path(__file__).parents[2]
TOML = (REPOSITORY / "dags" / "partner_sync.toml").read_text()
FAST = """
[retry]
first_seconds = 0.1
max_seconds = 0.5

[calls]
connect_seconds = 1
read_seconds = 1
attempts = 2
first_wait_seconds = 0.05
max_wait_seconds = 0.5
reserve_percent = 0

[sync]
jobs_in_flight = 20
poll_seconds = 0.05
polling_seconds = 2
reschedule_seconds = 0.2
submit_seconds = 1
job_minutes = 0.1
max_plan_age_hours = 6
submits = 3
"""
"""Replaces the last tables of the shipped file: the same settings, with waits of at most a second."""

ALL = 6
"""Changes that the plan for a small world has."""

_dates = itertools.count()


def next_date() -> datetime:
    """A logical date that no other run of the tests has."""
    return datetime(2026, 2, 1, tzinfo=timezone.utc) + timedelta(hours=next(_dates))


def without_limit_of_creates(text: str) -> str:
    """A config for worlds in which most accounts are new."""
    return text.replace("[limits.create]\nfloor = 50\nmax_percent = 20", "[limits.create]\nmax_count = 1000")


def with_instance(name: str) -> Callable[[str], str]:
    """Adds an instance that is written, by the Connection `zendesk_<name>`, to a config."""
    row = f'[[instances]]\nname = "{name}"\nconnection = "zendesk_{name}"\nwrite = true\n\n[[attributes]]'
    return lambda text: text.replace("[[attributes]]", row, 1)


@dataclass
class Run:
    """The result of a DAG run: its state, the states of its tasks by id or label, and its archived record.

    `failures` are the errors of all tries in order, each with its task id; `dag_run` is Airflow's own record.
    """

    state: str
    tasks: dict[str, str]
    tries: dict[str, int]
    record: RunRecord | None
    plan: Plan | None
    verdicts: list[RowVerdict] = field(default_factory=list)
    failures: list[tuple[str, BaseException]] = field(default_factory=list)
    dag_run: Any = None

    def errors(self, task_id: str) -> list[BaseException]:
        """The errors of the tries of a task."""
        return [error for name, error in self.failures if name == task_id]

    def counts(self) -> dict[str, int]:
        """Verdicts by name."""
        found: dict[str, int] = {}
        for row in self.verdicts:
            found[row.verdict] = found.get(row.verdict, 0) + 1
        return found


class Stage:
    """A sandbox, a config and an archive, on which the DAG runs."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.archive = Archive(folder / "archive")
        self.connections = {f"{name}_default": value for name, value in sandbox.connections().items()}
        self.environ: dict[str, str] = {}
        self.config(lambda text: text)

    def config(self, change: Callable[[str], str]) -> None:
        """Writes the shipped config with short waits, after `change`."""
        shipped = TOML[: TOML.index("[retry]")]
        (self.folder / "partner_sync.toml").write_text(change(shipped + FAST))

    def run(
        self,
        before: Mapping[str, Callable[[], Any]] | None = None,
        after_failure: Callable[[], Any] = lambda: None,
        **conf: Any,
    ) -> Run:
        """Runs the DAG with `conf` as its params.

        Calls `before` of a task id when that task first starts, and `after_failure` after each failed try.
        """
        with self.environment(), listening(before or {}, after_failure) as failures:
            result = tested(next_date(), conf)
        return self._look(result, failures)

    def look_at(self, date: datetime, failures: list[tuple[str, BaseException]]) -> Run:
        """The current state of the run of a logical date, with the given failures of its tasks."""
        from airflow import settings
        from airflow.models.dagrun import DagRun

        session = settings.Session()
        session.expire_all()
        return self._look(session.query(DagRun).filter_by(dag_id="partner_sync", logical_date=date).one(), failures)

    def clear(self, run: Run, *task_ids: str) -> Run:
        """Clears tasks of a run, as a person does, and runs it to its end."""
        with self.environment(), listening({}) as failures:
            result = cleared(parsed(), run.dag_run, task_ids)
        return self._look(result, failures)

    def as_scheduled(self, run: Run, **conf: Any) -> Run:
        """Runs all tasks of a run again, as a run that the schedule started: `dag.test()` starts runs by hand only."""
        return self.as_started_by(None, run, "scheduled", **conf)

    def as_started_by(self, user: str | None, run: Run, run_type: str = "manual", **conf: Any) -> Run:
        """Runs all tasks of a run again, as a run of another user, with other params."""
        from airflow import settings
        from airflow.models.dagrun import DagRun

        session = settings.Session()
        found = session.query(DagRun).filter_by(dag_id="partner_sync", run_id=run.dag_run.run_id).one()
        found.run_type, found.triggering_user_name, found.conf = run_type, user, conf
        session.commit()
        return self.clear(run, "gather_accounts", "gather_organizations", "compare", "sync")

    @contextmanager
    def environment(self) -> Iterator[None]:
        """Sets the environment of one run, and restores it afterwards."""
        values = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(value) for name, value in self.connections.items()}
        values |= {
            "PARTNER_SYNC_CONFIG": str(self.folder / "partner_sync.toml"),
            "PARTNER_SYNC_ARCHIVE": str(self.folder / "archive"),
            **self.environ,
        }
        before = {name: os.environ.get(name) for name in values}
        os.environ.update(values)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def calm(self) -> None:
        """Ends all faults and jobs, and makes register entries an hour old, as they are at the next run."""
        self.sandbox.remove_faults()
        for job in self.sandbox.jobs():
            self.sandbox.end_job(job["id"])
        hour = timedelta(hours=1)
        for entry in self.open_jobs():
            intended = entry.intended and entry.intended - hour
            aged = replace(entry, time=entry.time - hour, intended=intended)
            self.archive.write_open_job("global", aged)

    def in_sync(self) -> None:
        """Asserts that each account has a matching organization, and that other partner organizations are marked."""
        accounts = {
            row["Id"]: row for row in self.sandbox.accounts() if row["Partners_Partner_Status__c"] == "Authorized"
        }
        partners = [
            row
            for row in self.sandbox.organizations()
            if str(row["organization_fields"]["account_type"]).endswith("_partner")
        ]
        alive = {row["organization_fields"]["salesforce_id"]: row for row in partners} if partners else {}
        assert accounts.keys() <= alive.keys()
        for row in partners:
            fields = row["organization_fields"]
            account = accounts.get(fields["salesforce_id"])
            assert bool(fields["mark_for_deletion"]) == (account is None)
            if account is not None:
                assert oracle.desired(account) == oracle.actual(row)

    def open_jobs(self) -> list[OpenJob]:
        return oracle.still_open(self.archive)

    def writes(self) -> list[dict[str, Any]]:
        """Rows that bulk jobs wrote, as the sandbox recorded them."""
        return [write for write in self.sandbox.writes() if write["by"] == "job"]

    def submits(self) -> list[dict[str, Any]]:
        """All submits, with or without a response."""
        return [call for call in self.sandbox.calls() if call["path"].endswith("_many") and call["method"] != "GET"]

    def _look(self, result: Any, failures: list[tuple[str, BaseException]]) -> Run:
        folder = self.archive.run_folder(result.run_id, result.run_after)
        record = self.archive.run(folder)
        plan_id = record.plan.id if record else next((path.name for path in folder.glob("*Z-*")), None)
        plan = plan_id and self._plan(folder, plan_id)
        instances = result.get_task_instances()
        tasks = {_label(ti): str(ti.state) for ti in instances}
        tries = {_label(ti): ti.try_number for ti in instances}
        verdicts = self.archive.verdicts(folder, plan_id) if plan_id else []
        return Run(str(result.state), tasks, tries, record, plan, verdicts, failures, result)

    def _plan(self, folder: Path, plan_id: str) -> Plan | None:
        """A plan of the archive; None if it was removed or damaged."""
        try:
            return self.archive.plan(folder, plan_id)
        except SnapshotError:
            return None


def _label(ti: Any) -> str:
    return ti.rendered_map_index or (ti.task_id if ti.map_index < 0 else f"{ti.task_id} {ti.map_index}")


def parsed() -> Any:
    """The DAG, parsed again: `dag.test()` leaves its conf in the params of the object."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(REPOSITORY / "dags"))
    assert bag.import_errors == {}
    dag = bag.dags["partner_sync"]
    dag.deadline = None  # dag.test() cannot end a run of a DAG that has one (apache/airflow#73428)
    return dag


def tested(date: datetime, conf: Mapping[str, Any]) -> Any:
    """Runs `dag.test()`, with its sleep of one second between two searches for tasks cut to a tenth.

    The second is not configurable, and `dag.test()` imports `time` in each call, so `time.sleep` itself is replaced.
    Other callers sleep as long as they ask to.
    """
    sleep = time.sleep

    def nap(seconds: float) -> None:
        sleep(0.1 if sys._getframe(1).f_globals["__name__"] == "airflow.sdk.definitions.dag" else seconds)

    time.sleep = nap
    try:
        return parsed().test(logical_date=date, run_conf=dict(conf))
    finally:
        time.sleep = sleep


@contextmanager
def listening(
    before: Mapping[str, Callable[[], Any]], after_failure: Callable[[], Any] = lambda: None
) -> Iterator[list[tuple[str, BaseException]]]:
    """Collects the errors of tasks. Calls `before` at the first try of a task, `after_failure` after a failed try."""
    from airflow.listeners import hookimpl
    from airflow.sdk.listener import get_listener_manager

    todo, failures = dict(before), []

    class Listener:
        @hookimpl
        def on_task_instance_running(self, previous_state, task_instance):
            todo.pop(task_instance.task_id, lambda: None)()

        @hookimpl
        def on_task_instance_failed(self, previous_state, task_instance, error):
            failures.append((task_instance.task_id, error))
            after_failure()

    listener = Listener()
    get_listener_manager().add_listener(listener)
    try:
        yield failures
    finally:
        get_listener_manager().pm.unregister(listener)
    assert todo == {} or failures  # a task that never starts because another failed is not preceded by its call


def cleared(dag: Any, dag_run: Any, task_ids: Sequence[str]) -> Any:
    """Clears tasks of a run and runs them like `dag.test()`, which can only start a run from the beginning."""
    from airflow import settings
    from airflow.models.dagrun import DagRun
    from airflow.sdk.definitions.dag import _run_task
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.utils.state import DagRunState, TaskInstanceState

    session = settings.Session()
    for ti in dag_run.get_task_instances(state=[TaskInstanceState.RUNNING], session=session):
        ti.state = TaskInstanceState.FAILED  # as the scheduler does with a task without heartbeats
    session.commit()
    scheduled = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    scheduled.on_success_callback, scheduled.on_failure_callback = dag.on_success_callback, dag.on_failure_callback
    scheduled.clear(task_ids=list(task_ids), run_id=dag_run.run_id, dag_run_state=DagRunState.RUNNING, session=session)
    session.commit()
    run = session.query(DagRun).filter_by(dag_id=dag.dag_id, run_id=dag_run.run_id).one()
    run.dag = scheduled
    while run.state == DagRunState.RUNNING:
        session.expire_all()
        for ti in run.update_state(session=session)[0]:
            ti.try_number += ti.state != TaskInstanceState.UP_FOR_RESCHEDULE
            ti.state = TaskInstanceState.SCHEDULED
        session.commit()
        ready = [ti for ti in run.get_task_instances(session=session) if ti.state == TaskInstanceState.SCHEDULED]
        for ti in ready:
            _run_task(ti=ti, task=dag.task_dict[ti.task_id])
        if not ready and run.state == DagRunState.RUNNING:
            time.sleep(0.05)
    return run


@contextmanager
def staged(folder: Path, world: World | None = None, **settings: Any) -> Iterator[Stage]:
    """A stage with its own world, within the context."""
    with Sandbox(world=world or default_world(1), **{"job_seconds": 0.05, **settings}) as sandbox:
        yield Stage(sandbox, folder)

"""The real DAG, executed by `dag.test()` against a sandbox of its own, with short waits and an archive of its own."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from partner_sync.archive import Archive
from partner_sync.model import Plan, RowVerdict, RunRecord
from partner_sync.sandbox import Sandbox, World, default_world

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
visit_seconds = 2
come_back_seconds = 0.2
settle_seconds = 0.2
job_minutes = 0.1
max_plan_age_hours = 6
submits = 3
"""
"""Instead of the shipped file's last tables: the same settings, with waits of a second at most."""

dates = itertools.count()


@dataclass
class Run:
    """What came of one DAG run: its state, its tasks' states by id or label, and the archive's record of it."""

    state: str
    tasks: dict[str, str]
    tries: dict[str, int]
    record: RunRecord | None
    plan: Plan | None
    verdicts: list[RowVerdict] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Verdicts by name."""
        found: dict[str, int] = {}
        for row in self.verdicts:
            found[row.verdict] = found.get(row.verdict, 0) + 1
        return found


class Stage:
    """A sandbox, a config, an archive, and the DAG to be run on them."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.archive = Archive(folder / "archive")
        self.config(lambda text: text)

    def config(self, change: Callable[[str], str]) -> None:
        """The shipped file with short waits, changed."""
        shipped = TOML[: TOML.index("[retry]")]
        (self.folder / "partner_sync.toml").write_text(change(shipped + FAST))

    def run(self, **conf: Any) -> Run:
        """One run of the DAG, with `conf` as its params."""
        dag = parsed()
        date = datetime(2026, 2, 1, tzinfo=timezone.utc) + timedelta(hours=next(dates))
        with environment(self.folder, self.sandbox.connections()):
            result = dag.test(logical_date=date, run_conf=conf)
        return self._look(result)

    def _look(self, result: Any) -> Run:
        folder = self.archive.run_folder(result.run_id, result.run_after)
        record = self.archive.run(folder)
        plan = record and self.archive.plan(folder, record.plan.id)
        instances = result.get_task_instances()
        tasks = {_label(ti): str(ti.state) for ti in instances}
        tries = {_label(ti): ti.try_number for ti in instances}
        verdicts = self.archive.verdicts(folder, record.plan.id) if record else []
        return Run(str(result.state), tasks, tries, record, plan, verdicts)


def _label(ti: Any) -> str:
    return ti.rendered_map_index or (ti.task_id if ti.map_index < 0 else f"{ti.task_id} {ti.map_index}")


def parsed() -> Any:
    """The DAG, parsed anew: `dag.test()` leaves its conf behind in the params of the object."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(REPOSITORY / "dags"))
    assert bag.import_errors == {}
    dag = bag.dags["partner_sync"]
    dag.deadline = None  # dag.test() cannot end a run of a DAG that has one (apache/airflow#73428)
    return dag


@contextmanager
def environment(folder: Path, connections: dict[str, Any]) -> Iterator[None]:
    """The variables of one run; what was there before is back afterwards."""
    values = {f"AIRFLOW_CONN_{name.upper()}_DEFAULT": json.dumps(value) for name, value in connections.items()}
    values |= {
        "PARTNER_SYNC_CONFIG": str(folder / "partner_sync.toml"),
        "PARTNER_SYNC_ARCHIVE": str(folder / "archive"),
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


@pytest.fixture(scope="session")
def database() -> None:
    """Airflow's metadata database, made once for all tests."""
    from airflow.utils.db import initdb

    Path(os.environ["AIRFLOW_HOME"]).mkdir(parents=True, exist_ok=True)
    initdb()


@pytest.fixture
def stage(database: None, tmp_path: Path) -> Iterator[Callable[[World], Stage]]:
    """Makes a stage with a world of its own."""
    opened = []

    def make(world: World | None = None, **settings: Any) -> Stage:
        sandbox = Sandbox(world=world or default_world(1), **{"job_seconds": 0.05, **settings})
        sandbox.__enter__()
        opened.append(sandbox)
        return Stage(sandbox, tmp_path)

    yield make
    for sandbox in opened:
        sandbox.__exit__(None, None, None)

"""A full Airflow of its own: `python -m partner_sync.local up` on a free port, in a home of its own, with short waits.

It works on a sandbox inside this process, so a test can break it, change its world, and read what was really written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.sandbox import Sandbox, large_world
from tests.scheduler.running import Airflow, Run, until
from tests.scheduler.starting import REPOSITORY, started
from tests.webhook import Webhook, serving

SETTINGS = """
[retry]
first_seconds = 1
max_seconds = 5

[calls]
connect_seconds = 5
read_seconds = 10
attempts = 3
first_wait_seconds = 0.1
max_wait_seconds = 1
reserve_percent = 0

[sync]
jobs_in_flight = 20
poll_seconds = 0.2
polling_seconds = 10
reschedule_seconds = 10
submit_seconds = 5
job_minutes = 3
max_plan_age_hours = 6
submits = 3
"""
"""Instead of the shipped file's last tables: short waits, except for `reschedule_seconds`. With less than ten
seconds the scheduler misses attempts; so all batches of a run together poll for ten seconds, and only longer jobs cost
another ten."""


@pytest.fixture(scope="session")
def webhook() -> Iterator[Webhook]:
    """Where the team reads."""
    with serving(Webhook()) as running:
        yield running


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory, webhook: Webhook) -> Iterator[Airflow]:
    """The full Airflow, healthy, its DAG still paused. Afterwards no process of it is left."""
    folder = tmp_path_factory.mktemp("scheduler")
    text = (REPOSITORY / "dags" / "partner_sync.toml").read_text()
    config = folder / "partner_sync.toml"
    config.write_text(text[: text.index("[retry]")] + SETTINGS)
    world = large_world(seed=1, accounts=60, organizations=150, creates=3, updates=2, marks=1)
    told = {"AIRFLOW_CONN_PARTNER_SYNC_APPRISE": webhook.connection}
    with (
        Sandbox(world=world, job_seconds=0.2) as sandbox,
        started(folder, sandbox, sandbox.connections(), config, **told) as running,
    ):
        yield running


@dataclass(frozen=True)
class Planned:
    """A person's dry run, the run that the schedule started right after it, and what both wrote."""

    dry: Run
    scheduled: Run
    writes: Counter[tuple[int, str]]


@pytest.fixture(scope="session")
def planned(airflow: Airflow) -> Planned:
    """A dry run by Airflow's trigger form, which unpauses the DAG. The schedule starts a run, and no other follows."""
    newest = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
    airflow.occupy(newest + timedelta(hours=1))
    dry = airflow.trigger(dry_run=True)
    airflow.unpause()
    (scheduled,) = until("the schedule starts a run", 60, lambda: airflow.run_ids(run_type="scheduled"))
    return Planned(airflow.finished(dry), airflow.finished(scheduled), airflow.writes(0))


@pytest.fixture(scope="session")
def first_run(airflow: Airflow, planned: Planned) -> Run:
    """The first run that a person starts and that may write. After it everything is in sync."""
    return airflow.finished(airflow.trigger(logical_date=datetime.now(timezone.utc)))

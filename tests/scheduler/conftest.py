"""A full Airflow of its own, on a small world, with short waits and a team that is told by a webhook."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.sandbox import Sandbox, large_world
from tests.scheduler.running import Airflow, Run
from tests.scheduler.starting import started
from tests.webhook import Webhook, serving


@pytest.fixture(scope="session")
def webhook() -> Iterator[Webhook]:
    """Where the team reads."""
    with serving(Webhook()) as running:
        yield running


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory, webhook: Webhook) -> Iterator[Airflow]:
    """The full Airflow, healthy, its DAG still paused."""
    world = large_world(seed=1, accounts=60, organizations=150, creates=3, updates=2, marks=1)
    told = {"AIRFLOW_CONN_PARTNER_SYNC_APPRISE": webhook.connection}
    folder = tmp_path_factory.mktemp("scheduler")
    with Sandbox(world=world, job_seconds=0.2) as sandbox, started(folder, sandbox, told) as running:
        yield running


@pytest.fixture(scope="session")
def first_run(airflow: Airflow) -> Run:
    """The run of the newest interval, after which everything is in step. No other run starts by itself."""
    newest = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
    airflow.occupy(newest + timedelta(hours=1))
    run = airflow.trigger(logical_date=newest)
    airflow.unpause()
    return airflow.finished(run)

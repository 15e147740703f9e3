"""The environment of the whole test run, set before anything can import Airflow: a home of its own, no leftovers."""

from __future__ import annotations

import atexit
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from partner_sync.local.environment import embedded, ignored
from partner_sync.local.home import Home

run = ExitStack()
atexit.register(run.close)
HOME = Home(Path(run.enter_context(tempfile.TemporaryDirectory(prefix="partner-sync-tests-"))) / "home")
run.enter_context(HOME.claim("tests"))
HOME.make()

for name in ignored(os.environ):
    del os.environ[name]
for name in [name for name in os.environ if name.startswith(("AIRFLOW_CONN_", "PARTNER_SYNC_"))]:
    del os.environ[name]
os.environ.update(embedded(os.environ, HOME, {}))
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: the tests of the real scheduler wait most of their time."""
    return (os.cpu_count() or 1) + 1


SLOWEST_FIRST = (
    "scheduler/test_scheduler",
    "browser/test_browser",
    "dag/test_faults",
    "sync/test_interleaving",
    "dag/test_worlds",
    "test_readme",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin first, so that no process is left alone with one at the end."""

    def rank(item: pytest.Item) -> int:
        return next((at for at, name in enumerate(SLOWEST_FIRST) if f"{name}.py" in item.nodeid), len(SLOWEST_FIRST))

    items.sort(key=rank)


@pytest.fixture(scope="session")
def database() -> None:
    """Airflow's metadata database, made once for all tests."""
    from airflow.utils.db import initdb

    Path(os.environ["AIRFLOW_HOME"]).mkdir(parents=True, exist_ok=True)
    initdb()

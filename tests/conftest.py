"""The environment of the whole test run, set before anything can import Airflow: a home of its own, no leftovers."""

from __future__ import annotations

import atexit
import json
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from partner_sync.local.environment import embedded, ignored
from partner_sync.local.home import Home

SUITE = Home.of(os.environ).root / "suite.json"
"""Where the seconds of a whole suite go, for `make bench`."""

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
os.fsync = lambda descriptor: None
"""Tests do not outlive a power cut, and the disk of a shared machine takes up to 20 ms for each object."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--keep", action="store_true", help="keep the results of a whole run for the documentation")


@pytest.hookimpl(optionalhook=True)  # the environment of the production tests has no xdist
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: the tests of the real scheduler wait most of their time."""
    return (os.cpu_count() or 1) + 1


SLOWEST_FIRST = (
    "scheduler/test_scheduler",
    "dag/test_decisions",
    "dag/test_faults",
    "local/test_rehearse",
    "sync/test_interleaving",
    "dag/test_holds",
    "gather/test_read_worlds",
    "dag/test_config_edits",
    "dag/test_changed_reads",
    "dag/test_hours",
    "faults/test_matrix",
    "dag/test_worlds",
    "dag/test_alarms",
    "dag/test_input",
    "page/test_page",
    "docs/test_shown_output",
    "dag/test_secrets",
    "dag/test_retention",
    "walks/test_walks",
    "protocol/test_protocol",
    "history/test_history_reader",
    "sandbox/test_node_clients",
    "dag/test_telemetry",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin first, so that no process is left alone with one at the end."""

    def rank(item: pytest.Item) -> int:
        return next((at for at, name in enumerate(SLOWEST_FIRST) if f"{name}.py" in item.nodeid), len(SLOWEST_FIRST))

    items.sort(key=rank)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The seconds of the whole suite, kept. A part of it, or one that failed, says nothing."""
    passed, seconds = len(terminalreporter.getreports("passed")), terminalreporter._session_start.elapsed().seconds
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword
    if whole and passed and not terminalreporter.getreports("failed") and not terminalreporter.getreports("error"):
        SUITE.parent.mkdir(exist_ok=True)
        SUITE.write_text(json.dumps({"passed": passed, "seconds": round(seconds)}) + "\n")


@pytest.fixture(scope="session")
def database() -> None:
    """Airflow's metadata database, made once for all tests."""
    from airflow.utils.db import initdb

    Path(os.environ["AIRFLOW_HOME"]).mkdir(parents=True, exist_ok=True)
    initdb()

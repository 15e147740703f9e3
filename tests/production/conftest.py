"""One stack for all tests: started once, ended at the end, its logs kept where a test failed."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path

import pytest

from tests.production import machine
from tests.production.airflow_api import now, wait_until
from tests.production.faults import FAULTS
from tests.production.kept import fault_table, keep_faults
from tests.production.stack import Stack, running
from tests.production.trial import OUTCOMES, UNDISTURBED, Outcome, Trial

REPORT = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Everything healthy, the DAG parsed and still paused."""
    if lacking := machine.missing():
        pytest.skip(lacking)
    folder = Path(tempfile.mkdtemp(prefix="partner-sync-production-"))
    folder.chmod(0o755)  # PostgreSQL runs as a user of its own, and has its data in it
    try:
        with running(folder) as started:
            started.api.wait_for_dag()
            yield started
    finally:
        if request.session.testsfailed or sys.exc_info()[0]:
            sys.stderr.write(f"\nThe logs of the stack are in {folder}\n")
        else:
            shutil.rmtree(folder)


@pytest.fixture(scope="session")
def undisturbed(stack: Stack, request: pytest.FixtureRequest) -> Outcome:
    """The first run that the schedule begins; no other one comes by itself after it.

    Somebody has armed the instance before: by a run by hand of an account that needs no change.
    """
    newest = now().replace(minute=0, second=0, microsecond=0)
    stack.api.occupy(newest + timedelta(hours=1))
    trial = Trial(stack, seed=1)
    changing = set(chain.from_iterable(stack.control.cases().values()))
    unchanged = next(row["Id"] for row in stack.control.accounts() if row["Id"] not in changing)
    armed = stack.api.trigger(run_after=newest - timedelta(hours=1), account_ids=[unchanged])
    stack.api.pause(False)
    assert "success" == stack.api.wait(armed)
    (run_id,) = wait_until(stack.api.scheduled, 60, "the schedule begins a run")
    outcome = trial.of(UNDISTURBED, lambda _: [], run_id)
    request.config.stash.setdefault(OUTCOMES, []).append(outcome)
    return outcome


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> list[str]:
    """What is shown at the end."""
    return request.config.stash.setdefault(REPORT, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    results = [outcome.result() for outcome in config.stash.get(OUTCOMES, [])]
    if results:
        terminalreporter.write_line(f"\n{fault_table(results)}")
    if config.getoption("--keep") and [row.fault for row in results] == [UNDISTURBED, *FAULTS]:
        keep_faults(results)
    for text in config.stash.get(REPORT, []):
        terminalreporter.write_line(f"\n{text}")

"""Runs all cells of the matrix or a slice of it, and shows the results as a table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.matrix import CELLS, SLICE
from tests.faults.processes import Processes
from tests.faults.table import changed, incomplete, keep, kept, results, table


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--matrix", action="store_true", help="run all cells of the fault matrix and show the table")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "cell" in metafunc.fixturenames:
        cells = CELLS if metafunc.config.getoption("--matrix", default=False) else SLICE
        metafunc.parametrize("cell", cells, ids=[cell.name for cell in cells])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows the results and, with --keep, keeps those of the whole matrix; else shows what differs from the kept."""
    config = terminalreporter.config
    if not config.getoption("--matrix", default=False):
        return
    reports = [report for name in ("passed", "failed") for report in terminalreporter.getreports(name)]
    rows = results(dict(report.user_properties)["cell"] for report in reports if report.user_properties)
    terminalreporter.write(f"\n{table(rows)}")
    if not config.getoption("--keep"):
        terminalreporter.write("\n".join([*changed(kept(), rows), ""]))
    elif missing := incomplete(rows):
        terminalreporter.write(f"Not kept: {len(missing)} cells have no result.\n")
    else:
        keep(rows)


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Runs in processes of their own."""
    running = Processes(tmp_path_factory.mktemp("processes"))
    yield running
    running.end()

"""All cells of the matrix or the slice of it, and the table of what came of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.matrix import CELLS, SLICE
from tests.faults.processes import Processes
from tests.faults.table import table


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--matrix", action="store_true", help="run all cells of the fault matrix and show the table")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "cell" in metafunc.fixturenames:
        cells = CELLS if metafunc.config.getoption("--matrix", default=False) else SLICE
        metafunc.parametrize("cell", cells, ids=[cell.name for cell in cells])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.config.getoption("--matrix", default=False):
        reports = [report for name in ("passed", "failed") for report in terminalreporter.getreports(name)]
        terminalreporter.write(
            table([dict(report.user_properties)["cell"] for report in reports if report.user_properties])
        )


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Runs in processes of their own."""
    running = Processes(tmp_path_factory.mktemp("processes"))
    yield running
    running.end()

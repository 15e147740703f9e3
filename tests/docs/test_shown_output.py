"""The output that the pages show is the output of the commands, line by line, in both directions."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate import output
from tests.docs.pages import SHOWN

REPAIR = "python -m docs.generate --output writes the output into the pages"


@pytest.mark.parametrize("name", [*output.COMMANDS, output.SHORT])
def test_the_output_it_shows_is_what_the_command_prints(name, outputs):
    assert output.steady(SHOWN[name]) == output.steady(outputs[name]), REPAIR


def test_airflow_finds_a_log_for_every_task_instance_of_a_run(outputs, home):
    first, second = (home / "logs" / "tasks" / "dag_id=partner_sync").iterdir()
    once = ["task_id=compare", "task_id=gather_accounts", "task_id=gather_organizations"]
    batches = [f"task_id=sync/map_index={index}" for index in range(3)]
    for run, instances in zip(sorted((first, second)), ([*once, *batches], once), strict=True):
        logs = sorted(run.rglob("attempt=1.log"))
        assert [str(log.parent.relative_to(run)) for log in logs] == instances
        assert all(json.loads(line)["event"] for log in logs for line in log.read_text().splitlines())


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A short path: a long path would be wrapped, and lines would differ from the pages."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "home"


@pytest.fixture(scope="module")
def outputs(home) -> dict[str, str]:
    return output.blocks(output.run(home))

"""The output that the README shows is the output of `make run`, and of what is asked about its runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.readme_page import REPOSITORY, block

BLOCKS = {"make run": 0, "make run, all": 0, "make run again": 1, "why": 2}
"""Block of the README to the run that shows it."""


@pytest.mark.parametrize("name", BLOCKS)
def test_the_output_it_shows_is_what_a_run_shows(name, runs):
    shown = [line for line in block(name).splitlines() if line.strip() not in ("", "…") and line[:2] != "$ "]
    told = {_steady(line) for line in runs[BLOCKS[name]].splitlines()}
    assert [] == [line for line in shown if _is_summary(line) and _steady(line) not in told]


def _is_summary(line: str) -> bool:
    """Not a line of progress, which begins with the seconds: those are of one machine and one moment."""
    return not re.match(r"\s*\d+\.\d s ", line)


def _steady(line: str) -> str:
    """A line without what differs from run to run: seconds, dates, job ids, ports, rules, the place of the home."""
    line = re.sub(r"\d+\.\d s|V3-[0-9a-f]{32}|─+", "", line)
    line = re.sub(r"\S*(?:archive/runs|logs/run-)\S*", "", line)
    line = re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.+]+|\(just now\)|\(\d+ minutes? ago\)", "", line)
    line = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", line)
    return " ".join(line.split())


def test_airflow_finds_a_log_for_every_task_instance_of_a_run(runs, home):
    first, second = (home / "logs" / "tasks" / "dag_id=partner_sync").iterdir()
    once = ["task_id=compare", "task_id=gather_accounts", "task_id=gather_organizations"]
    batches = [f"task_id=sync/map_index={index}" for index in range(3)]
    for run, instances in zip(sorted((first, second)), ([*once, *batches], once), strict=True):
        logs = sorted(run.rglob("attempt=1.log"))
        assert [str(log.parent.relative_to(run)) for log in logs] == instances
        assert all(json.loads(line)["event"] for log in logs for line in log.read_text().splitlines())


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("run") / "home"


@pytest.fixture(scope="module")
def runs(home) -> list[str]:
    """What `make run` shows, twice, on the sandbox's own world; and then, why an organization is as it is."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PARTNER_SYNC"))}
    environ |= {"PARTNER_SYNC_HOME": str(home), "COLUMNS": "100"}
    told = []
    for command in (["local", "run"], ["local", "run"], ["why", "palisade"]):
        done = subprocess.run(
            [sys.executable, "-m", f"partner_sync.{command[0]}", *command[1:]],
            cwd=REPOSITORY,
            env=environ,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        told.append(done.stdout)
    return told

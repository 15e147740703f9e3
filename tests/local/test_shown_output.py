"""The output that the README shows is the output of `make run`, and of what is asked about its runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys

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


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[str]:
    """What `make run` shows, twice, on the sandbox's own world; and then, why an organization is as it is."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PARTNER_SYNC"))}
    environ |= {"PARTNER_SYNC_HOME": str(tmp_path_factory.mktemp("run") / "home"), "COLUMNS": "100"}
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

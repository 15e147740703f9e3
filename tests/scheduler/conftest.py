"""A full Airflow of its own: `python -m partner_sync.local up` on a free port, in a home of its own, with short waits.

It works on a sandbox inside this process, so a test can break it, change its world, and read what was really written.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from partner_sync.local.home import Home
from partner_sync.sandbox import Sandbox, large_world
from tests.scheduler.running import Airflow, until

REPOSITORY = Path(__file__).parents[2]
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
visit_seconds = 10
come_back_seconds = 10
settle_seconds = 1
job_minutes = 3
max_plan_age_hours = 6
submits = 3
"""
"""Instead of the shipped file's last tables: short waits, but for `come_back_seconds`. Nearer than ten seconds the
scheduler loses visits; so all batches of a run together poll for ten seconds, and only longer jobs cost another ten."""
START_SECONDS, STOP_SECONDS = 180, 30


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """The full Airflow, healthy, its DAG still paused. Afterwards no process of it is left."""
    folder = tmp_path_factory.mktemp("scheduler")
    config = (REPOSITORY / "dags" / "partner_sync.toml").read_text()
    (folder / "partner_sync.toml").write_text(config[: config.index("[retry]")] + SETTINGS)
    world = large_world(seed=1, accounts=60, organizations=150, creates=3, updates=2, marks=1)
    with Sandbox(world=world, job_seconds=0.2) as sandbox, (folder / "up.log").open("wb") as log:
        home, port = Home(folder / "home"), _free_port()
        up = psutil.Popen(
            [sys.executable, "-m", "partner_sync.local", "up"],
            cwd=REPOSITORY,
            env=_environment(home, sandbox, folder / "partner_sync.toml", port),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        running = Airflow(up, f"http://127.0.0.1:{port}", home, sandbox)
        try:
            until("Airflow is up", START_SECONDS, lambda: _still(up, folder / "up.log") and running.healthy())
            yield running
        finally:
            _end(up, running)


def _environment(home: Home, sandbox: Sandbox, config: Path, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PARTNER_SYNC_"))}
    connections = sandbox.connections()
    return {
        **kept,
        **{f"AIRFLOW_CONN_{name.upper()}_DEFAULT": json.dumps(value) for name, value in connections.items()},
        "PARTNER_SYNC_HOME": str(home.root),
        "PARTNER_SYNC_CONFIG": str(config),
        "PORT": str(port),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _still(up: psutil.Popen, log: Path) -> bool:
    if up.poll() is not None:
        pytest.fail(f"`up` ended with {up.returncode}: {log.read_text()[-2000:]}")
    return True


def _end(up: psutil.Popen, running: Airflow) -> None:
    """Ends it as Ctrl-C would. Whatever outlives that is ended by force, and is a failure."""
    processes = running.processes()
    up.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        up.wait(STOP_SECONDS)
    left = [process for process in {*processes, *_users_of(running.home)} if _lives(process)]
    for process in left:
        process.kill()
    assert [] == left


def _lives(process: psutil.Process) -> bool:
    """Whether it is there and is more than an entry that waits for its parent to take note of its end."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _users_of(home: Home) -> list[psutil.Process]:
    """Processes that were told to use this home, whoever their parent is by now."""
    running = psutil.process_iter(["environ"])
    return [
        process for process in running if (process.info["environ"] or {}).get("PARTNER_SYNC_HOME") == str(home.root)
    ]

"""Starts a full Airflow, `python -m partner_sync.local up` on a free port, and ends it without leaving a process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from partner_sync.local.home import Home
from partner_sync.sandbox import Controls
from tests.scheduler.running import Airflow, until

REPOSITORY = Path(__file__).parents[2]
START_SECONDS, STOP_SECONDS = 460, 30


@contextmanager
def started(
    folder: Path, sandbox: Controls, connections: Mapping[str, Any], config: Path, **variables: str
) -> Iterator[Airflow]:
    """The full Airflow, healthy, its DAG still paused, its home in `folder`. Afterwards no process of it is left.

    The keywords are more environment variables.
    """
    home, port = Home(folder / "home"), _free_port()
    with (folder / "up.log").open("wb") as log:
        up = psutil.Popen(
            [sys.executable, "-m", "partner_sync.local", "up"],
            cwd=REPOSITORY,
            env=_environment(home, connections, config, port) | variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        running = Airflow(up, folder / "up.log", f"http://127.0.0.1:{port}", home, sandbox)
        try:
            until("Airflow is up", START_SECONDS, lambda: running.runs() and running.healthy())
            yield running
        finally:
            _end(up, running)


def _environment(home: Home, connections: Mapping[str, Any], config: Path, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PARTNER_SYNC_"))}
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

"""Starts runs in processes of their own, kills them where they are to be killed, and brings back what came of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.dag.stage import REPOSITORY, Run, Stage, next_date

SECONDS = 60
"""How long a run of a tiny world may take on the slowest machine."""


class FailedThereError(Exception):
    """What a task failed with in another process: the same text."""


class Processes:
    """The process that forks for each run; begun when first needed, ended with the tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: subprocess.Popen[str] | None = None

    def run(
        self,
        stage: Stage,
        *,
        strike: Mapping[str, Any] | None = None,
        clock: Mapping[str, float] | None = None,
        kill_when: Callable[[], bool] = lambda: False,
    ) -> tuple[Run, int]:
        """A run elsewhere and the exit code of its process, negative for a signal; killed when told to."""
        date, result = next_date(), stage.folder / "failures.json"
        result.unlink(missing_ok=True)
        with stage.environment():
            names = (*(f"AIRFLOW_CONN_{name.upper()}" for name in stage.connections), "PARTNER_SYNC_CONFIG")
            environ = {name: os.environ[name] for name in (*names, "PARTNER_SYNC_ARCHIVE", *stage.environ)}
        code = self._perform(
            {
                "environ": environ,
                "date": date.isoformat(),
                "strike": strike,
                "clock": clock or {},
                "result": str(result),
            },
            kill_when,
        )
        told = json.loads(result.read_text()) if result.exists() else []
        return stage.look_at(date, [(task, FailedThereError(f"{kind}: {text}")) for task, kind, text in told]), code

    def _perform(self, order: Mapping[str, Any], kill_when: Callable[[], bool]) -> int:
        child = self._begun()
        child.stdin.write(json.dumps(order) + "\n")
        child.stdin.flush()
        process, ended = int(self._told.readline()), False
        deadline = time.monotonic() + SECONDS
        os.set_blocking(self._told.fileno(), False)
        try:
            while not (line := self._told.readline()):
                if not ended and (kill_when() or time.monotonic() > deadline):
                    os.kill(process, signal.SIGKILL)
                    ended = True
                time.sleep(0.005)
        finally:
            os.set_blocking(self._told.fileno(), True)
        return int(line)

    def _begun(self) -> subprocess.Popen[str]:
        if self._child is None:
            reading, writing = os.pipe()
            with (self._folder / "child.log").open("w") as log:
                self._child = subprocess.Popen(
                    [sys.executable, "-m", "tests.faults.child", str(writing)],
                    cwd=REPOSITORY,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    text=True,
                    pass_fds=[writing],
                )
            os.close(writing)
            self._told = os.fdopen(reading)
        return self._child

    def end(self) -> None:
        if self._child is not None:
            self._child.stdin.close()
            self._child.wait(SECONDS)
            self._told.close()

"""Keeps Airflow's components for `make up`, in one session, and ends them all when anything ends.

    python -m partner_sync.local.components LOGS TASKS_PORT

Airflow's settings are in the environment. One line on standard output names a component that ended by itself, and its
exit code. All components end when our standard input closes, which also happens when our parent dies.

People and tasks have separate API servers: in one process, a response to a person waits for the database in the event
loop that the transaction of a task needs to finish.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from partner_sync.local.children import end_session

COMPONENTS = {
    "api-server": ("api-server", "--apps", "core"),
    "task-api": ("api-server", "--apps", "execution", "--port", "{tasks_port}"),
    "scheduler": ("scheduler", "--skip-serve-logs"),  # the API server reads the log files itself
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
PATIENCE = 5.0


def main(logs: Path, tasks_port: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    try:
        processes = {
            name: _start([word.format(tasks_port=tasks_port) for word in command], logs / f"{name}.log")
            for name, command in COMPONENTS.items()
        }
        while not stop.wait(0.2):
            ended = [f"{name} {code}\n" for name, process in processes.items() if (code := process.poll()) is not None]
            if ended:
                sys.stdout.write(ended[0])
                sys.stdout.flush()
                break
    finally:
        end_session(os.getsid(0), PATIENCE)


def _start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - Airflow itself, with our own arguments
            [sys.executable, "-m", "airflow", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def _wait_for_end(stop: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    stop.set()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

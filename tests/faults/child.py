"""Runs of the DAG in processes of their own: to be killed, to find no room on the disk, to have a clock that is wrong.

`python -m tests.faults.child FD` imports Airflow once, then forks for every order that it reads, and writes the id of
each process and how it ended to FD. What strikes a run in its files is a hook on the audit events of Python, which come
right before a file is opened, linked, renamed or removed and before a folder is listed: the real call, in the real
process.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import time_machine

WHICH = {"open": 0, "os.rename": 1, "os.link": 1, "os.remove": 0, "os.listdir": 0, "os.scandir": 0}
"""Events about files, and which of their arguments is the path in question."""
NO_ROOM = 0
"""Bytes that a file may have while the disk is full: with RLIMIT_FSIZE the kernel refuses the write itself."""


class Strike:
    """Kills the process, or fills the disk, at accesses to files: those of an order, after `skip` of them.

    It counts from when its task starts.
    """

    def __init__(self, order: Mapping[str, Any]) -> None:
        self._events, self._path, self._writing = order["events"], order["path"], order["writing"]
        self._skip, self._do, self._over = order["skip"], order["do"], False
        self._room = resource.getrlimit(resource.RLIMIT_FSIZE)
        signal.signal(signal.SIGXFSZ, self._make_room)  # what the kernel sends for the write that it refuses

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event not in WHICH:
            return
        if self._over or event not in self._events or not fnmatchcase(str(args[WHICH[event]]), self._path):
            return
        if event == "open" and self._writing != any(letter in str(args[1]) for letter in "wax"):
            return
        if self._skip:
            self._skip -= 1
        elif self._do == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (NO_ROOM, self._room[1]))

    def _make_room(self, *_: Any) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._room)

    def lift(self) -> None:
        self._over = True


class Clock:
    """The clock of this process: what it is ahead from each task on."""

    def __init__(self) -> None:
        self._travel: Any = None

    def set(self, seconds: float) -> None:
        if self._travel:
            self._travel.stop()
            self._travel = None
        if seconds:
            self._travel = time_machine.travel(datetime.now(timezone.utc) + timedelta(seconds=seconds), tick=True)
            self._travel.start()


def perform(order: Mapping[str, Any]) -> None:
    """One run, as ordered; what its tasks failed with goes into a file."""
    from airflow import settings

    from tests.dag.stage import listening, tested

    os.environ.update(order["environ"])
    settings.engine.dispose(close=False)
    clock, lift = Clock(), lambda: None
    before = {task: (lambda ahead=ahead: clock.set(ahead)) for task, ahead in order["clock"].items()}
    if order["strike"]:
        strike = Strike(order["strike"])
        lift = strike.lift
        before = {order["strike"]["task"]: lambda: sys.addaudithook(strike)}
    with listening(before, lift) as failures:
        tested(datetime.fromisoformat(order["date"]), {})
    told = [(task, type(error).__name__, str(error)) for task, error in failures]
    Path(order["result"]).write_text(json.dumps(told))


def warm_up() -> None:
    """All that the first run of a process has to import and to build, without a thread or a connection left behind."""
    import httpx
    from airflow import settings
    from airflow.sdk.execution_time.supervisor import in_process_api_server

    from partner_sync.gather import (
        accounts,  # noqa: F401
        organizations,  # noqa: F401
    )
    from partner_sync.orchestration import (
        connections,  # noqa: F401
        telemetry,  # noqa: F401
    )
    from partner_sync.sync import batch  # noqa: F401
    from tests.dag.stage import parsed

    async def ask() -> None:
        async with httpx.AsyncClient(transport=in_process_api_server().atransport) as client:
            await client.get("http://127.0.0.1/health")

    parsed()
    asyncio.run(ask())
    settings.engine.dispose()


def main() -> None:
    warm_up()
    with os.fdopen(int(sys.argv[1]), "w", buffering=1) as told:
        for line in sys.stdin:
            process = os.fork()
            if not process:
                code = 1
                try:
                    perform(json.loads(line))
                    code = 0
                finally:
                    if code:
                        traceback.print_exc()
                    os._exit(code)
            told.write(f"{process}\n")
            told.write(f"{os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])}\n")


if __name__ == "__main__":
    main()

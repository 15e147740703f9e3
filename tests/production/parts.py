"""The parts of a stack: processes of their own session, an S3 server, and an ear for metrics."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from partner_sync.local.children import end_session, members
from tests.production.compose import REPOSITORY


class Process:
    """One running service, the leader of a session of its own."""

    def __init__(
        self, name: str, command: list[str], env: Mapping[str, str], log: Path, user: str | None = None
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=REPOSITORY if user is None else log.parent,
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def code(self) -> int | None:
        return self._process.returncode

    def pids(self) -> list[int]:
        return members(self.pid)

    def kill(self) -> None:
        """As when its container, or its machine, is gone: every process of it at once."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM, patience: float = 15) -> None:
        """As `docker stop`: the leader is asked, whoever is left after that is killed."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=patience)
        end_session(self.pid)
        self._process.wait()


class Metrics:
    """Counts the metrics that come by StatsD."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.names: Counter[str] = Counter()
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                text = self._socket.recv(65536).decode()
            except OSError:
                return
            self.names.update(line.partition(":")[0] for line in text.splitlines())

    def close(self) -> None:
        self._socket.close()


class Objects:
    """The S3 server. What it holds outlives its absence."""

    def __init__(self, port: int) -> None:
        self._port = port
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # else a line for each of thousands of calls
        self.open()

    def open(self) -> None:
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer("127.0.0.1", self._port, verbose=False)
        self._server.start()

    def close(self) -> None:
        self._server.stop()

    def grow_older(self, age: timedelta) -> None:
        """As if every object had been written so much earlier."""
        from moto.s3.models import s3_backends

        for regions in s3_backends.values():
            for bucket in regions["aws"].buckets.values():
                for key in bucket.keys.values():
                    key.last_modified -= age


class Restarts:
    """What `restart: unless-stopped` does: whoever has ended by itself, or was killed, is started again."""

    def __init__(self, processes: dict[str, Process], start: Callable[[str], None]) -> None:
        self._processes, self._start = processes, start
        self.counts: Counter[str] = Counter()
        self.stopped: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            for name, process in list(self._processes.items()):
                if process.ended and name not in self.stopped:
                    process.kill()
                    self.counts[name] += 1
                    self._start(name)

    def close(self) -> None:
        self._over.set()
        self._thread.join()

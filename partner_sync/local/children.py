"""Child processes that never outlive us: each ends with its standard input, and each has a session of its own.

A Ctrl-C reaches us alone, so that we can end our children in the right order.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, cast

from partner_sync.local.signals import held
from partner_sync.orchestration.locations import CHECKOUT


class Child:
    """A Python module running as a child process. Its output goes to a log, or to us where `told` is set.

    Ends with `stack`: by its standard input, by force after `patience` seconds.
    """

    def __init__(
        self,
        stack: ExitStack,
        module: str,
        *arguments: str,
        patience: float = 0.0,
        env: Mapping[str, str],
        log: Path,
        told: bool = False,
        keep: Sequence[int] = (),
    ) -> None:
        with log.open("ab") as file, held():
            self.process = subprocess.Popen(  # noqa: S603 - our own modules, run by the Python that runs us
                [sys.executable, "-m", module, *arguments],
                cwd=CHECKOUT,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if told else file,
                stderr=file,
                pass_fds=tuple(keep),
                start_new_session=True,
            )
            stack.callback(self._end, patience)
        self.log = log

    @property
    def output(self) -> IO[bytes]:
        return cast("IO[bytes]", self.process.stdout)

    def ask_to_end(self, patience: float) -> bool:
        """Writes it a line, which says to a child that listens: end where it does no harm. Whether it has, in time."""
        stdin = cast("IO[bytes]", self.process.stdin)
        with suppress(BrokenPipeError, subprocess.TimeoutExpired):
            stdin.write(b"end\n")
            stdin.flush()
            self.process.wait(timeout=patience)
        return self.process.poll() is not None

    def _end(self, patience: float) -> None:
        """Ends it, and whoever is left of its session."""
        with suppress(BrokenPipeError):
            cast("IO[bytes]", self.process.stdin).close()
        try:
            self.process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        end_session(self.process.pid)
        if self.process.stdout:
            self.process.stdout.close()


def end_session(session: int, patience: float = 0.0) -> None:
    """Ends all processes of a session but this one: asked first, if there is patience, then by force."""
    if patience:
        _signal(members(session), signal.SIGTERM)
    until = time.monotonic() + patience
    while left := members(session):
        if time.monotonic() >= until:
            _signal(left, signal.SIGKILL)
        time.sleep(0.05)


def members(session: int) -> list[int]:
    """The processes of a session, without this one and without those that have ended."""
    return [pid for pid in _processes() if pid != os.getpid() and _session(pid) == session and not _ended(pid)]


def _processes() -> list[int]:
    proc = Path("/proc")
    if (proc / "self").exists():
        return [int(entry.name) for entry in proc.iterdir() if entry.name.isdigit()]
    listed = subprocess.run(["/bin/ps", "-A", "-o", "pid="], check=True, capture_output=True, text=True)
    return [int(pid) for pid in listed.stdout.split()]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _ended(pid: int) -> bool:
    """Whether it only waits for its parent to take note of its end."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def _signal(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

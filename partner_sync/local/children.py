"""Child processes that never outlive us: each ends with its standard input, and each has its own session.

Ctrl-C therefore reaches us alone, and we end our children in the right order.
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

import psutil

from partner_sync.local.signals import held
from partner_sync.orchestration.locations import CHECKOUT


class Child:
    """A Python module running as a child process. Its output goes to a log, or to us if `piped`.

    Ends with `stack`: its standard input closes, and after `patience` seconds it is killed.
    """

    def __init__(
        self,
        stack: ExitStack,
        module: str,
        *arguments: str,
        patience: float = 0.0,
        env: Mapping[str, str],
        log: Path,
        piped: bool = False,
        keep: Sequence[int] = (),
    ) -> None:
        with log.open("ab") as file, held():
            self.process = subprocess.Popen(  # noqa: S603 - our own modules, run by the Python that runs us
                [sys.executable, "-m", module, *arguments],
                cwd=CHECKOUT,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if piped else file,
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
        """Asks a child that reads its standard input to end where it does no harm. Returns whether it ended in time."""
        stdin = cast("IO[bytes]", self.process.stdin)
        with suppress(BrokenPipeError, subprocess.TimeoutExpired):
            stdin.write(b"end\n")
            stdin.flush()
            self.process.wait(timeout=patience)
        return self.process.poll() is not None

    def _end(self, patience: float) -> None:
        """Ends the child and what is left of its session."""
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
    """Ends all processes of a session but this one: by SIGTERM if there is patience, then by SIGKILL."""
    if patience:
        _signal(members(session), signal.SIGTERM)
    until = time.monotonic() + patience
    while left := members(session):
        if time.monotonic() >= until:
            _signal(left, signal.SIGKILL)
        time.sleep(0.05)


def members(session: int) -> list[int]:
    """The living processes of a session, without this one."""
    return [pid for pid in psutil.pids() if pid != os.getpid() and _lives_in(pid, session)]


def _lives_in(pid: int, session: int) -> bool:
    try:
        return os.getsid(pid) == session and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False


def _signal(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

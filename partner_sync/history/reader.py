"""Indexes the archive in a child process, so page requests never block.

The process is `python -m partner_sync.history --follow`: a line in for each refresh, a line out when it is done. The
first query starts it. It ends some time after the last query, or with the process that started it.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

log = logging.getLogger(__name__)

PACKAGES = Path(__file__).parents[2]


class Reader:
    """Refreshes the index in `folder` from the archive at a path or URL. Safe in several threads."""

    def __init__(self, archive: str, folder: Path, *, idle_seconds: float = 60) -> None:
        self.trouble: str | None = None
        self._command = [
            sys.executable, "-m", "partner_sync.history", "--follow", "--archive", archive, "--index", str(folder)
        ]  # fmt: skip
        self._idle_seconds = idle_seconds
        self._changed = threading.Condition()
        self._asked = self._answered = 0
        self._runs: set[str] = set()
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def refreshing(self) -> bool:
        """Whether a refresh is running or requested."""
        return self._answered < self._asked

    def refresh(self, run: str | None = None, *, seconds: float) -> bool:
        """Requests a refresh and waits for it at most so many seconds; returns whether it ended."""
        with self._changed:
            self._asked += 1
            mine = self._asked
            self._runs |= {run} if run else set()
            if self._thread is None or not self._thread.is_alive():  # a fork has none
                self._thread = threading.Thread(target=self._work, name="partner-sync-history", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._answered >= mine, seconds)

    def close(self) -> None:
        """Ends the process; the next query starts another."""
        with self._changed:
            thread, self._closing = self._thread, True
            self._changed.notify_all()
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        process: subprocess.Popen[str] | None = None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self.refreshing or self._closing, self._idle_seconds)
                if not self.refreshing or self._closing:
                    self._thread, self._closing, self._answered = None, False, self._asked
                    break
                asked, runs = self._asked, sorted(self._runs)
                self._runs.clear()
            try:
                process = process if process is not None and process.poll() is None else self._start()
                trouble = _exchange(process, runs)
            except OSError as error:
                trouble = f"The archive was not read ({error})."
            with self._changed:
                self.trouble, self._answered = trouble, asked
                self._changed.notify_all()
        if process is not None:
            _end(process)

    def _start(self) -> subprocess.Popen[str]:
        path = os.pathsep.join(filter(None, [str(PACKAGES), os.environ.get("PYTHONPATH")]))
        return subprocess.Popen(  # noqa: S603 - our own module, and two paths as arguments
            self._command,
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def _exchange(process: subprocess.Popen[str], runs: list[str]) -> str | None:
    """A refresh. Returns an error in one sentence, or None."""
    line = ""
    if process.stdin is not None and process.stdout is not None:
        try:
            process.stdin.write(json.dumps({"runs": runs}) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass  # its last message may be in the other pipe
        line = process.stdout.readline()
    if not line:
        trouble = f"The archive was not read: the process that reads it ended with exit code {process.wait()}."
        log.warning("%s", trouble)
        return trouble
    reported: str | None = json.loads(line)["trouble"]
    return reported


def _end(process: subprocess.Popen[str]) -> None:
    """Without its standard input it ends by itself."""
    with process:
        pass

"""PARTNER_SYNC_HOME: the folder that holds all local state, and which command uses it now.

home.json     marks the folder as ours and names the process that uses and locks it
airflow/      Airflow's home: metadata database, login
archive/      plans, verdicts, open jobs
xcom/         XCom objects
sandbox/      the data of the sandbox
rehearsal/    a home of its own: that of the last `make rehearse`
logs/         of runs, tasks and Airflow's components
secrets.json  random, valid for this home only
last-run.json the outcome of the last `make run`
bench.json    the results of the last `make bench`
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from partner_sync.orchestration.locations import CHECKOUT

MARKER = "home.json"
HOME = ".partner_sync"
OURS = (
    "airflow",
    "archive",
    "history",
    "xcom",
    "sandbox",
    "rehearsal",
    "logs",
    "secrets.json",
    "last-run.json",
    "bench.json",
    "suite.json",
)
ADMIN = "admin"
OWNER_ONLY = 0o077


class Refusal(Exception):  # noqa: N818 - a refusal is no error of ours
    """The command cannot do what was asked. The message is one line with the next step; the exit code is 2."""


class Home:
    """The folder and its parts. The constructor touches no file; `claim` creates the folder and locks it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.marker = root / MARKER
        self.airflow = root / "airflow"
        self.archive = root / "archive"
        self.xcom = root / "xcom"
        self.sandbox = root / "sandbox"
        self.rehearsal = root / "rehearsal"
        self.logs = root / "logs"
        self.secrets = root / "secrets.json"
        self.passwords = self.airflow / "passwords.json"
        self.last_run = root / "last-run.json"

    @classmethod
    def of(cls, environ: Mapping[str, str], checkout: Path = CHECKOUT) -> Home:
        """The home that PARTNER_SYNC_HOME names, or `.partner_sync` in the checkout."""
        named = environ.get("PARTNER_SYNC_HOME", "").strip()
        return cls(Path(named).expanduser().absolute() if named else checkout / HOME)

    @contextmanager
    def claim(self, what: str) -> Iterator[int]:
        """Locks the home for `what` ("make run") as long as the context, or a child with the descriptor, lives.

        What is created meanwhile, by children too, is for its owner only: it holds names, snapshots and tokens.
        Yields the descriptor of the lock. Raises Refusal if another command holds it, or if the folder is not ours.
        """
        self._refuse_foreign()
        before = os.umask(OWNER_ONLY)
        try:
            with self._locked(what) as lock:
                yield lock
        finally:
            os.umask(before)

    @contextmanager
    def _locked(self, what: str) -> Iterator[int]:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = self._lock()
        except OSError as error:
            raise Refusal(
                f"{self.root} cannot be used: {error.strerror}. Name another folder in PARTNER_SYNC_HOME."
            ) from error
        try:
            _write_holder(lock, {"what": what, "pid": os.getpid(), "since": f"{datetime.now().astimezone():%H:%M}"})
            yield lock
        finally:
            os.close(lock)

    def make(self) -> None:
        """Creates the folders and secrets that a run needs."""
        for folder in (self.airflow, self.archive, self.xcom, self.sandbox, self.logs):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)  # an earlier release made it for everybody
        if not self.secrets.exists():
            made = {name: secrets.token_urlsafe(64) for name in ("jwt_secret", "secret_key")}
            _write_private(self.secrets, json.dumps(made))
        if not self.passwords.exists():
            _write_private(self.passwords, json.dumps({ADMIN: secrets.token_urlsafe(9)}) + "\n")

    def secret(self, name: str) -> str:
        return str(json.loads(self.secrets.read_text())[name])

    def password(self) -> str:
        """The password of the user `admin` in the local Airflow."""
        return str(json.loads(self.passwords.read_text())[ADMIN])

    def clear(self) -> None:
        """Removes our files, except the lock. Call it while the home is claimed."""
        for name in OURS:
            path = self.root / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def empty(self) -> list[Path]:
        """Removes our files and returns the others. Call it while the home is claimed."""
        self.clear()
        left = sorted(path for path in self.root.iterdir() if path.name != MARKER)
        if not left:
            self.marker.unlink()
        return left

    # -- the lock -------------------------------------------------------------------------------------------

    def _refuse_foreign(self) -> None:
        if self.root.is_symlink() or self.root.exists():
            if not self.root.is_dir():
                raise Refusal(f"{self.root} is not a folder. Name another path in PARTNER_SYNC_HOME.")
            # A folder of another name may hold the archive or the logs of another program.
            known = OURS if self.root.name == HOME else ()
            if not self.marker.exists() and any(path.name not in known for path in self.root.iterdir()):
                raise Refusal(
                    f"{self.root} holds files that are not ours. Name an empty or new folder in PARTNER_SYNC_HOME."
                )

    def _lock(self) -> int:
        while True:
            lock = os.open(self.marker, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(lock, 1000)
                os.close(lock)
                raise Refusal(self._busy(holder)) from None
            if _same(lock, self.marker):
                return lock
            os.close(lock)  # `make clean` removed the file between the two lines above

    def _busy(self, marker: bytes) -> str:
        try:
            holder = json.loads(marker)
            who = f"{holder['what']} (process {holder['pid']}, since {holder['since']})"
        except (ValueError, KeyError, TypeError):
            who = "another command"
        stop = "Stop it with Ctrl-C where it runs"
        return f"{who} is using {self.root}. {stop}, or name another folder in PARTNER_SYNC_HOME."


def near(path: Path) -> str:
    """`path` relative to the working directory if it is below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _write_holder(descriptor: int, holder: dict[str, object]) -> None:
    text = json.dumps({"about": "This folder belongs to Partner Sync; `make clean` empties it.", **holder}) + "\n"
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)

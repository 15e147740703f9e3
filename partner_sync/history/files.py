"""The index as files: a folder that can be removed at any time, because the archive has everything in it.

The index is a SQLite file named by a number. A file that is damaged or of another release is never fixed or emptied in
place, because other processes may have it open: a new, complete file with a higher number replaces it. A number is
never used again: SQLite finds the files that belong to a database by its name.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from partner_sync.history.schema import TABLES, VERSION

ENDINGS = ("", "-wal", "-shm")


def default_folder(archive: str, environ: Mapping[str, str]) -> Path:
    """Where the index of an archive lies: below PARTNER_SYNC_HOME, or else in a temporary folder of our own."""
    name = f"{hashlib.sha256(archive.encode()).hexdigest()[:12]}.v{VERSION}"
    home = Path(environ.get("PARTNER_SYNC_HOME") or Path(__file__).parents[2] / ".partner_sync")
    if home.is_dir() and any(home.iterdir()) and os.access(home, os.W_OK):  # an empty folder may not be ours
        return home / "history" / name
    private = Path(tempfile.gettempdir()) / f"partner-sync-{os.getuid()}"
    try:
        private.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        return Path(tempfile.mkdtemp(prefix="partner-sync-")) / name  # anybody may put a file there
    if private.is_symlink() or private.stat().st_uid != os.getuid():
        private = Path(tempfile.mkdtemp(prefix="partner-sync-"))
    return private / name


def newest(folder: Path) -> Path | None:
    """The current index, if any."""
    numbers = [int(path.stem) for path in folder.glob("*.sqlite") if path.stem.isdecimal()]
    return folder / f"{max(numbers)}.sqlite" if numbers else None


class UnkeptError(Exception):
    """The index cannot be kept in its folder, in one sentence."""


@contextmanager
def _keeping(folder: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise sqlite3.DatabaseError("its folder was removed") from None
    except OSError as error:
        raise UnkeptError(f"The index in {folder} cannot be kept ({type(error).__name__}: {error}).") from None


def open_or_create(folder: Path) -> Path:
    """The current index, created if there is no usable index. The caller holds the lock."""
    there = newest(folder)
    if there is not None and _usable(there):
        return there
    with _keeping(folder):
        fresh = folder / f".{uuid.uuid4().hex}"
        db = sqlite3.connect(fresh)
        try:
            db.executescript(f"PRAGMA journal_mode = WAL; BEGIN;{TABLES}PRAGMA user_version = {VERSION};COMMIT;")
        finally:
            db.close()
        index = folder / f"{max(time.time_ns(), int(there.stem) + 1 if there is not None else 0)}.sqlite"
        fresh.replace(index)
        if there is not None:
            remove_index(there)
    return index


def remove_index(index: Path) -> None:
    """Removes an index; a process that has it open finishes reading, then finds its successor."""
    for ending in ENDINGS:
        index.with_name(index.name + ending).unlink(missing_ok=True)


def _usable(index: Path) -> bool:
    try:
        with connection(index):
            return True
    except sqlite3.DatabaseError:
        return False


@contextmanager
def connection(index: Path | None) -> Iterator[sqlite3.Connection]:
    """A connection for a single query or change: threads and processes share only the file.

    Without an index, connects to an empty index in memory.
    """
    if index is None:
        db = sqlite3.connect(":memory:", isolation_level=None)
        db.executescript(TABLES)
    else:
        db = sqlite3.connect(f"{index.absolute().as_uri()}?mode=rw", uri=True, timeout=30, isolation_level=None)
    try:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -64000")
        db.execute("PRAGMA temp_store = MEMORY")
        if index is not None and db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            raise sqlite3.DatabaseError("it is of another release")
        yield db
    finally:
        db.close()


@contextmanager
def lock(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Held while refreshing the index; released when the process ends."""
    descriptor = _locked(folder, wait=wait)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _locked(folder: Path, *, wait: bool) -> int | None:
    while True:
        with _keeping(folder):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                if os.path.samestat(os.fstat(descriptor), (folder / "lock").stat()):
                    return descriptor
            except BlockingIOError:
                os.close(descriptor)
                return None
            except FileNotFoundError:
                pass  # the folder was removed meanwhile, and the lock with it
            os.close(descriptor)

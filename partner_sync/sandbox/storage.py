"""What the sandbox remembers between two processes: JSON rows in one SQLite file.

Each row has a kind ("organization", "job", ...) and a key. Changes are collected and written by
``commit`` in one transaction, which the server calls before it answers a request: what an
answer reported is still true after ``kill -9``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_DELETED = object()
# How long to wait for a process that is just about to let go of the file.
_PATIENCE_SECONDS = 1.0


class Storage:
    """Rows by kind and key, in *path*, or nowhere when *path* is None.

    Raises ``sqlite3.OperationalError`` when another process holds the file.
    """

    def __init__(self, path: Path | None) -> None:
        self._pending: dict[tuple[str, str], Any] = {}
        self._database: sqlite3.Connection | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                path, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
            )
            # One owner at a time: a second sandbox over the same file would undo the first one's work.
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            # The death of the process loses nothing; only a power cut could, and then a demo is lost.
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS state (kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,"
                " UNIQUE (kind, key))"
            )

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever committed here: a world has still to be made."""
        if self._database is None:
            return True
        row = self._database.execute("SELECT 1 FROM state LIMIT 1").fetchone()
        return row is None

    def load(self, kind: str) -> Iterator[tuple[str, Any]]:
        """All rows of a kind as (key, value), in the order in which they were first put."""
        if self._database is None:
            return
        rows = self._database.execute("SELECT key, body FROM state WHERE kind = ? ORDER BY rowid", (kind,))
        for key, body in rows:
            yield key, json.loads(body)

    def put(self, kind: str, key: str, value: Any) -> None:
        """Remember *value*; it is written as it is at the time of the next commit."""
        if self._database is not None:
            self._pending[kind, key] = value

    def delete(self, kind: str, key: str) -> None:
        """Forget a row; unknown rows are no error."""
        if self._database is not None:
            self._pending[kind, key] = _DELETED

    def clear(self) -> None:
        """Forget everything, at once."""
        self._pending.clear()
        if self._database is not None:
            self._database.execute("DELETE FROM state")

    def commit(self) -> None:
        """Write what was put and deleted since the last commit, all of it or nothing."""
        if self._database is None or not self._pending:
            return
        pending, self._pending = self._pending, {}
        gone = [key for key, value in pending.items() if value is _DELETED]
        kept = [
            (*key, json.dumps(value, ensure_ascii=False, separators=(",", ":")))
            for key, value in pending.items()
            if value is not _DELETED
        ]
        self._database.execute("BEGIN")
        self._database.executemany("DELETE FROM state WHERE kind = ? AND key = ?", gone)
        self._database.executemany(
            "INSERT INTO state (kind, key, body) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
            kept,
        )
        self._database.execute("COMMIT")

    def close(self) -> None:
        """Commit and let go of the file."""
        self.commit()
        if self._database is not None:
            self._database.close()
            self._database = None

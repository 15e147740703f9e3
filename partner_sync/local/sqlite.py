"""How Airflow opens the local database; Airflow imports this by name. Many processes share one file and take turns."""

from __future__ import annotations

import sqlite3
from typing import Any


class LockingCursor(sqlite3.Cursor):
    """Locks the database for writing when a savepoint opens a transaction.

    Such a transaction begins with a read, and SQLite refuses its write at once, without waiting, if another process
    has written in the meantime. Airflow creates backfills this way.
    """

    def execute(self, sql: str, *parameters: Any) -> LockingCursor:
        if sql.startswith("SAVEPOINT") and not self.connection.in_transaction:
            super().execute("BEGIN IMMEDIATE")
        super().execute(sql, *parameters)
        return self


class LockingConnection(sqlite3.Connection):
    """Makes such cursors."""

    def cursor(self, factory: Any = LockingCursor) -> Any:
        return super().cursor(factory)


CONNECT_ARGS = {"timeout": 30, "factory": LockingConnection}
"""Seconds that a writer waits for another writer; after SQLite's default of 5, the API fails: "database is locked"."""

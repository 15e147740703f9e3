"""How Airflow opens the embedded database; it imports this by name. Many processes share one file and take turns."""

from __future__ import annotations

import sqlite3
from typing import Any


class Cursor(sqlite3.Cursor):
    """Takes the turn to write where a savepoint opens a transaction.

    Such a transaction would begin by reading, and SQLite refuses at once, without waiting, to let it write when another
    process has written meanwhile: Airflow's backfills are made that way.
    """

    def execute(self, sql: str, *parameters: Any) -> Cursor:
        if sql.startswith("SAVEPOINT") and not self.connection.in_transaction:
            super().execute("BEGIN IMMEDIATE")
        super().execute(sql, *parameters)
        return self


class Connection(sqlite3.Connection):
    """Hands out such cursors."""

    def cursor(self, factory: Any = Cursor) -> Any:
        return super().cursor(factory)


CONNECT_ARGS = {"timeout": 30, "factory": Connection}
"""Seconds that a writer waits for another one; after SQLite's own five, the API answers "database is locked"."""

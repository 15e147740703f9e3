"""How Airflow opens the embedded database; it imports this by name. Many processes share one file and take turns."""

from __future__ import annotations

CONNECT_ARGS = {"timeout": 30}
"""Seconds that a writer waits for another one; after SQLite's own five, the API answers "database is locked"."""

"""Processes that share the embedded database take turns, where SQLite alone would refuse one of them."""

from __future__ import annotations

import sqlite3

import pytest

from partner_sync.local.sqlite import CONNECT_ARGS


@pytest.fixture
def connect(tmp_path):
    made = []

    def connect(**arguments: object) -> sqlite3.Connection:
        connection = sqlite3.connect(tmp_path / "shared.db", **arguments)
        connection.execute("PRAGMA journal_mode=WAL")
        made.append(connection)
        return connection

    yield connect
    for connection in made:
        connection.close()


def read_in_a_savepoint(connection: sqlite3.Connection) -> sqlite3.Cursor:
    cursor = connection.cursor()
    cursor.execute("SAVEPOINT one")
    cursor.execute("SELECT count(*) FROM rows").fetchall()
    return cursor


def test_sqlite_alone_refuses_who_read_before_another_wrote(connect):
    other, first = connect(timeout=0.05), connect(timeout=0.05)
    other.execute("CREATE TABLE rows (value)")
    cursor = read_in_a_savepoint(first)
    with other:
        other.execute("INSERT INTO rows VALUES (1)")
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        cursor.execute("INSERT INTO rows VALUES (2)")


def test_with_ours_the_other_waits_and_both_write(connect):
    other, ours = connect(timeout=0.05), connect(**CONNECT_ARGS)
    other.execute("CREATE TABLE rows (value)")
    cursor = read_in_a_savepoint(ours)
    with pytest.raises(sqlite3.OperationalError, match="database is locked"), other:
        other.execute("INSERT INTO rows VALUES (1)")
    cursor.execute("INSERT INTO rows VALUES (2)")
    ours.commit()
    with other:
        other.execute("INSERT INTO rows VALUES (3)")
    assert ours.execute("SELECT value FROM rows").fetchall() == [(2,), (3,)]


def test_what_is_rolled_back_is_not_there(connect):
    ours = connect(**CONNECT_ARGS)
    ours.execute("CREATE TABLE rows (value)")
    read_in_a_savepoint(ours).execute("INSERT INTO rows VALUES (1)")
    ours.rollback()
    assert ours.execute("SELECT value FROM rows").fetchall() == []

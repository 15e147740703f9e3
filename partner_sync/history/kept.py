"""Small objects of an instance that the index keeps as they are: decisions, the newest memory, and who armed it.

They are few, and their meaning is the archive's: queries read them with the archive's own classes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import TypeVar
from urllib.parse import unquote

from partner_sync.archive import codec
from partner_sync.archive.memory_records import Memory
from partner_sync.errors import SnapshotError
from partner_sync.history.objects import Objects

_T = TypeVar("_T")


def keep_objects(db: sqlite3.Connection, objects: Objects, below: Mapping[str, str]) -> None:
    """Brings the kept objects in line with `below`: all paths below `instances`, with their stamps."""
    wanted = {path: what for path in sorted(below) if (what := _kept_as(path))}
    newest = {path.split("/")[1]: path for path, what in wanted.items() if what == "memory"}
    wanted = {path: what for path, what in wanted.items() if what != "memory" or path in newest.values()}
    known = {row["path"]: row["stamp"] for row in db.execute("SELECT path, stamp FROM kept")}
    db.executemany("DELETE FROM kept WHERE path = ?", [(path,) for path in known.keys() - wanted.keys()])
    for path, text in objects.texts([path for path in wanted if known.get(path) != below[path]]):
        if isinstance(text, str):
            _, instance, *rest = path.split("/")
            row = [path, below[path], unquote(instance), wanted[path], rest[-1], text]
            db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?, ?)", row)


def _kept_as(path: str) -> str | None:
    """What an object below `instances` is kept as: the folder that it is in, or its name."""
    match path.split("/"):
        case [_, _, "decisions" | "memory" as what, *_]:
            return what
        case [_, _, "armed.json"]:
            return "armed"
    return None


def kept_objects(db: sqlite3.Connection, what: str, cls: type[_T], *, mark: str = ".") -> Iterator[tuple[str, _T]]:
    """The kept objects of a folder that have `mark` in their name, by name; what cannot be read is left out."""
    for row in db.execute("SELECT name, body FROM kept WHERE what = ? ORDER BY path", [what]):
        if mark in row["name"]:
            try:
                yield row["name"], codec.from_json(cls, row["body"], source=row["name"], next_step="")
            except SnapshotError:
                continue


def newest_memory(db: sqlite3.Connection, instance: str) -> Memory | None:
    """What complete runs remember of an instance."""
    return next((one for _, one in kept_objects(db, "memory", Memory) if one.instance == instance), None)

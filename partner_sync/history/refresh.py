"""Brings the index up to date: looks where something may be new, reads what changed, and leaves the rest alone.

Looked at are the two newest days, days that were never seen, days with a run that is going on, and of all others the
one that was not looked at for longest. A plan that is named the latest but unknown makes it look everywhere: a backfill
puts its run into an old day.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from partner_sync.errors import SnapshotError
from partner_sync.history import rows, schema
from partner_sync.history.objects import Objects
from partner_sync.history.rows import Place
from partner_sync.history.summary import summarise
from partner_sync.model import Failure, Plan, RowVerdict, RunRecord, Standings

CHUNK = 500
"""Objects that are read and then written in one transaction: others see the index grow."""


@dataclass(frozen=True)
class Refreshed:
    """What a look at the archive came to. `busy`: another process is at it, so this one left it alone."""

    days: int = 0
    objects: int = 0
    seconds: float = 0.0
    busy: bool = False


class Refresh:
    """Refreshes the index at `path` from `objects`."""

    def __init__(self, objects: Objects, path: Path) -> None:
        self.objects = objects
        self.path = path

    def __call__(self, now: datetime, *, everything: bool = False, run: str | None = None) -> Refreshed:
        """Looks at the archive. `run` is a folder of a run that is looked at in any case.

        An index that is built by another process is waited for; one that is only refreshed is not.
        """
        begun = time.monotonic()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _lock(self.path.with_name(self.path.name + ".lock"), wait=not _complete(self.path)) as held:
            if not held:
                return Refreshed(busy=True)
            schema.make(self.path)
            with schema.connection(self.path) as db:
                days, rest = self._days(db, everything=everything, run=run)
                count = sum(self._look(db, day, now) for day in days)
                instances = self._instances()
                self._stand(db, instances)
                unknown = self._unknown(db, instances)
                if unknown and unknown != _meta(db, "unknown"):
                    days, count = days + rest, count + sum(self._look(db, day, now) for day in rest)
                    unknown = self._unknown(db, instances)
                with _change(db):
                    for row in db.execute("SELECT id FROM run WHERE settled = 0").fetchall():
                        summarise(db, row["id"], now)
                    _remember(db, "unknown", unknown)
                    _remember(db, "complete", now.timestamp())
        return Refreshed(len(days), count, time.monotonic() - begun)

    def _instances(self) -> dict[str, str]:
        """Newest plans and standings by path, with their stamps."""
        found = self.objects.below("instances")
        return {path: stamp for path, stamp in found.items() if path.count("/") == 3 and path.endswith(".json")}

    # -- where to look --------------------------------------------------------------------------------------

    def _days(self, db: sqlite3.Connection, *, everything: bool, run: str | None) -> tuple[list[str], list[str]]:
        """The days to look at, and all the others."""
        days = self.objects.days()
        known = {row["day"] for row in db.execute("SELECT day FROM day")}
        self._gone(db, known - set(days))
        chosen = {*days[:2], *(day for day in days if everything or day not in known)}
        chosen |= {row["day"] for row in db.execute("SELECT day FROM run WHERE settled = 0")}
        chosen |= {row["day"] for row in db.execute("SELECT day FROM day ORDER BY looked LIMIT 1")}
        chosen |= {run.split("/")[1]} if run else set()
        return [day for day in days if day in chosen], [day for day in days if day not in chosen]

    @staticmethod
    def _unknown(db: sqlite3.Connection, instances: dict[str, str]) -> str:
        """Plans that are named the latest of an instance, but that no run of the index has."""
        plans = sorted({_plan_id(path) for path in instances if path.split("/")[2] == "latest"})
        return ",".join(one for one in plans if not db.execute("SELECT 1 FROM run WHERE plan_id = ?", [one]).fetchone())

    def _stand(self, db: sqlite3.Connection, instances: dict[str, str]) -> None:
        """How the partners of each instance stand, where the archive has it newer than the index."""
        newest: dict[str, str] = {}
        for path in sorted(instances):
            if path.split("/")[2] == "standing":
                newest[path.split("/")[1]] = path
        known = {row["path"]: row["stamp"] for row in db.execute("SELECT * FROM object WHERE path LIKE 'instances/%'")}
        new = [path for path in newest.values() if known.get(path) != instances[path]]
        for path, text in self.objects.texts(new):
            if isinstance(text, FileNotFoundError):
                continue
            with _change(db):
                db.execute("DELETE FROM unreadable WHERE path LIKE ?", [f"{path.rsplit('/', 1)[0]}/%"])
                db.execute("DELETE FROM object WHERE path LIKE ?", [f"{path.rsplit('/', 1)[0]}/%"])
                db.execute("INSERT INTO object VALUES (?, ?)", [path, instances[path]])
                try:
                    rows.put_standings(db, rows.parsed(Standings, rows.readable(text, path), path))
                except SnapshotError as error:
                    db.execute("INSERT OR REPLACE INTO unreadable VALUES (?, 0, ?)", [path, str(error)])

    def _gone(self, db: sqlite3.Connection, days: set[str]) -> None:
        for day in days:
            with _change(db):
                for row in db.execute("SELECT folder FROM run WHERE day = ?", [day]).fetchall():
                    rows.forget(db, row["folder"])
                db.execute("DELETE FROM object WHERE path > ? AND path < ?", [f"runs/{day}/", f"runs/{day}0"])
                db.execute("DELETE FROM unreadable WHERE path > ? AND path < ?", [f"runs/{day}/", f"runs/{day}0"])
                db.execute("DELETE FROM day WHERE day = ?", [day])

    # -- one day --------------------------------------------------------------------------------------------

    def _look(self, db: sqlite3.Connection, day: str, now: datetime) -> int:
        """Reads what is new or changed below a day; returns how many objects that were."""
        there = self.objects.below(f"runs/{day}")
        known = {
            row["path"]: row["stamp"]
            for row in db.execute(
                "SELECT path, stamp FROM object WHERE path > ? AND path < ?", [f"runs/{day}/", f"runs/{day}0"]
            )
        }
        lost = {_folder(path) for path in known if path not in there}
        if lost:
            with _change(db):
                for folder in lost:
                    rows.forget(db, folder)
            known = {path: stamp for path, stamp in known.items() if _folder(path) not in lost}
        new = [path for path, stamp in there.items() if known.get(path) != stamp]
        plans = {path.removesuffix("plan.json") for path in new if path.endswith("/plan.json")}
        if plans:  # a plan that is read again loses its verdicts; they are read again as well
            fresh = set(new)
            new += [path for path in there if path not in fresh and path.split("verdicts/")[0] in plans]
        ordered = sorted(new, key=lambda path: (_folder(path), Place.of(path) or Place(_folder(path), 9, "", path)))
        for chunk in _chunks(ordered):
            self._read(db, chunk, there, now)
        with _change(db):
            db.execute("INSERT OR REPLACE INTO day VALUES (?, ?)", [day, now.timestamp()])
        return len(new)

    def _read(self, db: sqlite3.Connection, paths: Sequence[str], stamps: dict[str, str], now: datetime) -> None:
        texts = list(self.objects.texts(paths))
        touched: set[int] = set()
        verdicts: dict[tuple[int, str], list[RowVerdict]] = {}
        with _change(db):
            for path, text in texts:
                if isinstance(text, FileNotFoundError):
                    continue  # gone since it was listed; the next look knows
                run = rows.run_of(db, _folder(path)) if Place.of(path) else 0
                touched.add(run)
                db.execute("DELETE FROM unreadable WHERE path = ?", [path])
                try:
                    _put(db, run, path, text, verdicts)
                except SnapshotError as error:
                    db.execute("INSERT OR REPLACE INTO unreadable VALUES (?, ?, ?)", [path, run, str(error)])
                db.execute("INSERT OR REPLACE INTO object VALUES (?, ?)", [path, stamps[path]])
            for (run, _), several in verdicts.items():
                rows.put_verdicts(db, run, several)
            for run in touched - {0}:
                summarise(db, run, now)


def _put(
    db: sqlite3.Connection,
    run: int,
    path: str,
    text: str | OSError | UnicodeError,
    verdicts: dict[tuple[int, str], list[RowVerdict]],
) -> None:
    """One object into the index; verdicts are collected, to be put at once."""
    place = Place.of(path)
    if place is None:
        raise SnapshotError(f"{path} is no object of Partner Sync. {rows.NEXT_STEP}")
    text = rows.readable(text, path)
    if place.order == 0:
        rows.put_plan(db, run, place.folder, rows.parsed(Plan, text, path))
    elif place.order == 1:
        rows.put_record(db, run, rows.parsed(RunRecord, text, path))
    elif place.order == 2:
        rows.put_failure(db, run, path, rows.parsed(Failure, text, path))
    else:
        lines = rows.verdicts_in(text, path)
        verdicts.setdefault((run, lines[0].plan_id), []).extend(lines)


def _plan_id(path: str) -> str:
    """The plan in the name of an object: <begun>_<made>_<plan id>.json."""
    return path.rsplit("/", 1)[-1].removesuffix(".json").split("_", 2)[-1]


def _folder(path: str) -> str:
    """The folder of the run that an object belongs to; an object that lies beside the runs is a run of its own."""
    return "/".join(path.split("/")[:3])


def _meta(db: sqlite3.Connection, key: str) -> object:
    row = db.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
    return row["value"] if row else None


def _remember(db: sqlite3.Connection, key: str, value: object) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [key, value])


def _chunks(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(paths), CHUNK):
        yield paths[start : start + CHUNK]


@contextmanager
def _change(db: sqlite3.Connection) -> Iterator[None]:
    """One transaction; half of it is never seen."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def _lock(path: Path, *, wait: bool) -> Iterator[bool]:
    """Who refreshes holds it; it is free again as soon as its process is gone."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def _complete(path: Path) -> bool:
    """Whether the index was up to date once."""
    if not path.exists():
        return False
    try:
        with schema.connection(path) as db:
            return db.execute("SELECT 1 FROM meta WHERE key = 'complete'").fetchone() is not None
    except sqlite3.DatabaseError:
        return False

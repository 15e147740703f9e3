"""Updates the index: lists the days that may have new objects and reads only what changed.

It lists the two newest days, days that were never listed, days with a running run, and the day that was not listed for
longest. If the archive names a latest plan that the index does not know, it lists all days: a backfill puts its run
into an old day.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from partner_sync.archive.archive import EVENTS_CLAIM, plan_order
from partner_sync.archive.records import Failure, PartnerStates, RowVerdict, RunRecord
from partner_sync.errors import SnapshotError, StorageError
from partner_sync.history import files, parsing, rows
from partner_sync.history.kept import keep_objects
from partner_sync.history.objects import Objects, ObjectText
from partner_sync.history.parsing import Place
from partner_sync.history.run_summary import summarize_run
from partner_sync.model import Plan

CHUNK = 500
"""How many objects are read and indexed in a transaction; readers see the index grow."""


@dataclass(frozen=True)
class Refreshed:
    """The result of a refresh. `busy`: another process was refreshing, so nothing was done."""

    days: int = 0
    objects: int = 0
    seconds: float = 0.0
    busy: bool = False


class Refresh:
    """Refreshes the index in `folder` from `objects`."""

    def __init__(self, objects: Objects, folder: Path) -> None:
        self.objects = objects
        self.folder = folder

    def __call__(
        self,
        now: datetime,
        *,
        everything: bool = False,
        runs: Collection[str] = (),
        wait: bool = False,
        since: float | None = None,
    ) -> Refreshed:
        """Refreshes the index. The days of `runs`, folders of runs, are always listed.

        Waits while another process builds the index for the first time; while it only refreshes, waits if `wait` is
        set. Does nothing if another process began a refresh after `since`.
        """
        begun = time.monotonic()
        with files.lock(self.folder, wait=wait or not _complete(self.folder)) as held:
            if not held:
                return Refreshed(busy=True)
            with files.connection(files.open_or_create(self.folder)) as db:
                refreshed = _meta(db, "refreshed")
                if since is not None and not runs and isinstance(refreshed, float) and refreshed > since:
                    return Refreshed()
                days, count = self._bring(db, now, everything=everything, runs=runs)
        return Refreshed(days, count, time.monotonic() - begun)

    def _bring(
        self, db: sqlite3.Connection, now: datetime, *, everything: bool, runs: Collection[str]
    ) -> tuple[int, int]:
        listed = time.time()
        days, rest = self._days(db, everything=everything, runs=runs)
        _remember(db, "days", len(days) + len(rest))
        count = sum(self._read_day(db, day, now) for day in days)
        below = self.objects.below("instances")
        instances = {path: stamp for path, stamp in below.items() if path.count("/") == 3 and plan_order(_file(path))}
        self._partner_states(db, instances)
        with _change(db):
            keep_objects(db, self.objects, below)
        unknown = self._unknown(db, instances)
        if unknown and unknown != _meta(db, "unknown"):
            days, count = days + rest, count + sum(self._read_day(db, day, now) for day in rest)
            unknown = self._unknown(db, instances)
        with _change(db):
            for row in db.execute("SELECT id FROM run WHERE settled = 0").fetchall():
                summarize_run(db, row["id"], now)
            _remember(db, "unknown", unknown)
            _remember(db, "complete", now.timestamp())
            _remember(db, "refreshed", listed)
        return len(days), count

    # -- which days -----------------------------------------------------------------------------------------

    def _days(self, db: sqlite3.Connection, *, everything: bool, runs: Collection[str]) -> tuple[list[str], list[str]]:
        """The days to list, and all others."""
        days = self.objects.days()
        known = {row["day"] for row in db.execute("SELECT day FROM day")}
        self._gone(db, known - set(days))
        chosen = {*days[:2], *(day for day in days if everything or day not in known)}
        chosen |= {row["day"] for row in db.execute("SELECT day FROM run WHERE settled = 0")}
        chosen |= {row["day"] for row in db.execute("SELECT day FROM day ORDER BY listed LIMIT 1")}
        chosen |= {run.split("/")[1] for run in runs}
        return [day for day in days if day in chosen], [day for day in days if day not in chosen]

    @staticmethod
    def _unknown(db: sqlite3.Connection, instances: dict[str, str]) -> str:
        """Plans that are named the latest of an instance, but that no run of the index has."""
        orders = {plan_order(_file(path)) for path in instances if path.split("/")[2] == "latest"}
        plans = sorted(order.plan_id for order in orders if order is not None)
        return ",".join(one for one in plans if not db.execute("SELECT 1 FROM run WHERE plan_id = ?", [one]).fetchone())

    def _partner_states(self, db: sqlite3.Connection, instances: dict[str, str]) -> None:
        """The partner states of each instance, where the archive has newer states than the index."""
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
                _forget_below(db, path.rsplit("/", 1)[0])
                _know(db, path, instances[path], text)
                try:
                    rows.put_partner_states(
                        db, parsing.parse_object(PartnerStates, parsing.readable_text(text, path), path)
                    )
                    rows.forget_names(db)
                except SnapshotError as error:
                    db.execute("INSERT OR REPLACE INTO unreadable VALUES (?, 0, ?)", [path, str(error)])

    def _gone(self, db: sqlite3.Connection, days: set[str]) -> None:
        for day in days:
            with _change(db):
                for row in db.execute("SELECT folder FROM run WHERE day = ?", [day]).fetchall():
                    rows.forget(db, row["folder"])
                _forget_below(db, f"runs/{day}")
                db.execute("DELETE FROM day WHERE day = ?", [day])
        if days:
            with _change(db):
                rows.forget_names(db)

    # -- a day ----------------------------------------------------------------------------------------------

    def _read_day(self, db: sqlite3.Connection, day: str, now: datetime) -> int:
        """Reads what is new or changed below a day; returns how many objects that were."""
        found = self.objects.below(f"runs/{day}").items()
        there = {path: stamp for path, stamp in found if not path.endswith(f"/{EVENTS_CLAIM}")}
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
                rows.forget_names(db)
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
                    continue  # gone since it was listed; the next refresh removes it
                run = rows.run_of(db, _folder(path)) if Place.of(path) else 0
                touched.add(run)
                db.execute("DELETE FROM unreadable WHERE path = ?", [path])
                try:
                    _put(db, run, path, text, verdicts)
                except SnapshotError as error:
                    db.execute("INSERT OR REPLACE INTO unreadable VALUES (?, ?, ?)", [path, run, str(error)])
                _know(db, path, stamps[path], text)
            for (run, _), several in verdicts.items():
                rows.put_verdicts(db, run, several)
            for run in touched - {0}:
                summarize_run(db, run, now)


def _put(
    db: sqlite3.Connection,
    run: int,
    path: str,
    text: ObjectText,
    verdicts: dict[tuple[int, str], list[RowVerdict]],
) -> None:
    """Puts an object into the index; verdicts are collected, to be put together."""
    place = Place.of(path)
    if place is None:
        raise SnapshotError(f"{path} is not an object of Partner Sync. {parsing.LEFT_OUT}")
    text = parsing.readable_text(text, path)
    if place.order == 0:
        rows.put_plan(db, run, place.folder, parsing.parse_object(Plan, text, path))
    elif place.order == 1:
        rows.put_record(db, run, parsing.parse_object(RunRecord, text, path))
    elif place.order == 2:
        rows.put_failure(db, run, path, parsing.parse_object(Failure, text, path))
    else:
        lines = parsing.parse_verdicts(text, path)
        verdicts.setdefault((run, lines[0].plan_id), []).extend(lines)


def _forget_below(db: sqlite3.Connection, folder: str) -> None:
    """Forgets the objects below a folder, so that they are read again."""
    for table in ("object", "unreadable"):
        db.execute(f"DELETE FROM {table} WHERE path > ? AND path < ?", [f"{folder}/", f"{folder}0"])  # noqa: S608 - ours


def _know(db: sqlite3.Connection, path: str, stamp: str, text: ObjectText) -> None:
    """An object is not read again before it changes. The next refresh retries objects that storage did not return."""
    if not isinstance(text, FileNotFoundError | StorageError):
        db.execute("INSERT OR REPLACE INTO object VALUES (?, ?)", [path, stamp])


def _file(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _folder(path: str) -> str:
    """The folder of the run that an object belongs to; an object beside the runs counts as a run."""
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
    """A transaction: other processes see all of it or nothing."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        yield


def _complete(folder: Path) -> bool:
    """Whether the index was up to date once."""
    index = files.newest(folder)
    if index is None:
        return False
    try:
        with files.connection(index) as db:
            return _meta(db, "complete") is not None
    except sqlite3.DatabaseError:
        return False

"""The history of an archive: one object that a page or a command asks."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from partner_sync.archive import segment
from partner_sync.errors import SnapshotError
from partner_sync.history import changes, lists, organizations, overview, problems, rows, runs, schema, search
from partner_sync.history.answers import (
    ChangeDetail,
    ChangeRow,
    Changes,
    Found,
    Overview,
    ProblemRow,
    Run,
    Runs,
    Story,
    Unreadable,
    WithheldPage,
)
from partner_sync.history.changes import Filters
from partner_sync.history.objects import Objects, store_errors
from partner_sync.history.refresh import Refresh, Refreshed
from partner_sync.history.summary import failures_of
from partner_sync.model import RowVerdict
from partner_sync.objects import Root

log = logging.getLogger(__name__)


def _clock() -> datetime:
    return datetime.now(timezone.utc)


class History:
    """Answers from the archive below `root`, by the index at `path`. Safe in several threads and processes at once.

    Before it answers it looks for what is new, unless it did within the last `fresh_seconds`. What cannot be read never
    raises: it is left out and listed as unreadable; an archive that cannot be reached at all is `trouble`.
    """

    def __init__(
        self, root: Root, path: Path, *, clock: Callable[[], datetime] = _clock, fresh_seconds: float = 2.0
    ) -> None:
        self.objects = Objects(root)
        self.path = path
        self.clock = clock
        self.trouble: str | None = None
        self._fresh_seconds = fresh_seconds
        self._looked: dict[str | None, float] = {}
        self._refresh = Refresh(self.objects, path)

    # -- the index ------------------------------------------------------------------------------------------

    def refresh(self, *, everything: bool = False, run: str | None = None) -> Refreshed:
        """Looks for what is new now; `everything` looks at every day again."""
        try:
            done = self._refresh(self.clock(), everything=everything, run=run)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            log.warning("the index %s is damaged; it is built anew", self.path)
            self.path.unlink(missing_ok=True)
            done = self._refresh(self.clock())
        except store_errors() as error:
            self.trouble = f"The archive {self.objects.root} cannot be read ({type(error).__name__}: {error})."
            log.warning("%s", self.trouble)
            schema.make(self.path)
            return Refreshed()
        self.trouble = None
        return done

    def rebuild(self) -> Refreshed:
        """Throws the index away and builds it anew."""
        self.path.unlink(missing_ok=True)
        return self.refresh()

    @contextmanager
    def _open(self, run_id: str | None = None) -> Iterator[sqlite3.Connection]:
        self._look(None)
        with schema.connection(self.path) as db:
            row = runs.find(db, run_id) if run_id is not None else None
            if row is not None:
                self._look(row["folder"])
            db.execute("BEGIN")
            yield db

    def _look(self, folder: str | None) -> None:
        """Refreshes unless that was done a moment ago; a look at one run is a look at everything recent as well."""
        now = time.monotonic()
        recent = self._looked.get(None, -1e9)
        settled = folder is None or self._looked.get(folder, -1e9) > now - self._fresh_seconds
        if recent > now - self._fresh_seconds and settled and self.path.exists():
            return
        self.refresh(run=folder)
        moments = {key: at for key, at in self._looked.items() if at > now - self._fresh_seconds}
        self._looked = {**moments, None: now, folder: now}

    # -- all runs -------------------------------------------------------------------------------------------

    def overview(self, *, schedule_seconds: float = 3600, instance: str | None = None) -> Overview:
        """Is all well, and if not, what is to be done."""
        with self._open() as db:
            return overview.overview(db, now=self.clock(), schedule_seconds=schedule_seconds, instance=instance)

    def runs(
        self, *, instance: str | None = None, state: str | None = None, page: int = 1, page_size: int = 25
    ) -> Runs:
        """One page of runs, the newest first."""
        with self._open() as db:
            return runs.runs(db, instance=instance, state=state, page=page, page_size=page_size)

    def recent(
        self,
        since: datetime,
        *,
        kind: str | None = None,
        field: str | None = None,
        instance: str | None = None,
        page: int = 1,
    ) -> lists.Recent:
        """One page of what was written since then, the newest first."""
        with self._open() as db:
            return lists.recent(db, runs.links(db), since, kind=kind, field=field, instance=instance, page=page)

    def partners(self, *, type_name: str | None = None, instance: str | None = None, page: int = 1) -> lists.Partners:
        """One page of partner organizations as they were read last, by name."""
        with self._open() as db:
            return lists.partners(db, type_name=type_name, instance=instance, page=page)

    def unreadable(self) -> tuple[Unreadable, ...]:
        """Objects of the archive that could not be read."""
        with self._open() as db:
            return runs.unreadable(db, limit=1000)

    # -- one run; all of these answer None for a run that the archive does not know ---------------------------

    def run(self, run_id: str) -> Run | None:
        """Everything about one run but its changes."""
        with self._open(run_id) as db:
            row = runs.find(db, run_id)
            return runs.run(db, row) if row is not None else None

    def problems(self, run_id: str, *, instance: str | None = None) -> tuple[ProblemRow, ...] | None:
        """The problems of a run."""
        with self._open(run_id) as db:
            row = runs.find(db, run_id)
            return problems.problems(db, row, runs.links(db, row), instance=instance) if row is not None else None

    def withheld(self, run_id: str) -> WithheldPage | None:
        """What a run withheld, why that is unusual, and how to go on."""
        with self._open(run_id) as db:
            row = runs.find(db, run_id)
            return problems.withheld(db, row) if row is not None else None

    def changes(
        self,
        run_id: str,
        plan_id: str | None = None,
        filters: Filters | None = None,
        *,
        sort: str = "plan",
        page: int = 1,
        page_size: int = 50,
    ) -> Changes | None:
        """One page of the changes of a plan, by a key of `ORDERS`; without `plan_id`, of the newest of the run."""
        with self._open(run_id) as db:
            found = self._plan(db, run_id, plan_id)
            if found is None:
                return None
            run, plan = found
            links = runs.links(db, run)
            return changes.changes(
                db, run["run_id"], plan["plan_id"], plan["id"], links, filters or Filters(), sort, page, page_size
            )

    def export(self, run_id: str, plan_id: str | None = None, filters: Filters | None = None) -> Iterator[ChangeRow]:
        """All changes that the filters leave, one after the other."""
        with self._open(run_id) as db:
            found = self._plan(db, run_id, plan_id)
            if found is not None:
                run, plan = found
                links = runs.links(db, run)
                yield from changes.export(db, run["run_id"], plan["plan_id"], plan["id"], links, filters or Filters())

    def change(self, run_id: str, plan_id: str | None, n: int) -> ChangeDetail | None:
        """Everything known about one change."""
        with self._open(run_id) as db:
            found = self._plan(db, run_id, plan_id)
            if found is None:
                return None
            run, plan = found
            links = runs.links(db, run)
            one = db.execute("SELECT * FROM change WHERE plan = ? AND n = ?", [plan["id"], n]).fetchone()
            if one is None:
                return None
            row = changes.change_row(one, run["run_id"], plan["plan_id"], links)
            subjects = [row.account_id, *([str(row.organization_id)] if row.organization_id else [])]
            tries, unreadable = self._tries(db, run["folder"], row)
            stories = organizations.stories(db, row.account_id, links)
            return ChangeDetail(
                row=row,
                run=runs.run_rows(db, [run])[0],
                tries=tries,
                problems=problems.problems(db, run, links, instance=row.instance, subjects=subjects),
                failures=tuple(one for one in failures_of(run) if one.batch == row.batch and row.batch is not None),
                story=next((story for story in stories if story.instance == row.instance), None),
                unreadable=unreadable,
            )

    @staticmethod
    def _plan(db: sqlite3.Connection, run_id: str, plan_id: str | None) -> tuple[sqlite3.Row, sqlite3.Row] | None:
        run = runs.find(db, run_id)
        if run is None:
            return None
        plan = db.execute(
            "SELECT * FROM plan WHERE run = ? AND plan_id = ?", [run["id"], plan_id or run["plan_id"]]
        ).fetchone()
        return (run, plan) if plan is not None else None

    def _tries(
        self, db: sqlite3.Connection, folder: str, row: ChangeRow
    ) -> tuple[tuple[RowVerdict, ...], tuple[Unreadable, ...]]:
        """Every verdict of a change, by try: the index keeps the newest, the archive has them all."""
        if row.batch is None:
            return (), ()
        prefix = f"{folder}/{segment(row.plan_id)}/verdicts/{segment(row.batch)}."
        paths = [
            one["path"]
            for one in db.execute("SELECT path FROM object WHERE path > ? AND path < ?", [prefix, prefix[:-1] + "/"])
        ]
        found: list[RowVerdict] = []
        unreadable = []
        for path, text in self.objects.texts(paths):
            try:
                if not isinstance(text, str):
                    raise SnapshotError(f"{path} cannot be read ({type(text).__name__}).")
                found += [
                    one
                    for one in rows.verdicts_in(text, path)
                    if (one.kind, one.instance, one.account_id) == (row.kind, row.instance, row.account_id)
                    and (row.kind == "create" or one.organization_id == row.organization_id)
                ]
            except SnapshotError as error:
                unreadable.append(Unreadable(path, str(error)))
        return tuple(sorted(found, key=lambda one: (one.try_number, one.at))), tuple(unreadable)

    # -- one organization -----------------------------------------------------------------------------------

    def organization(self, instance: str, organization_id: int) -> Story | None:
        """Why an organization is as it is; None if the archive does not know it."""
        with self._open() as db:
            return organizations.story(db, instance, organization_id, runs.links(db))

    def account(self, account_id: str) -> tuple[Story, ...]:
        """The same by account, 15 or 18 characters: one story for each instance that knows it."""
        with self._open() as db:
            return organizations.stories(db, account_id, runs.links(db))

    def find(self, text: str) -> Found:
        """Accounts and organizations by a part of a name, by account id, or by Zendesk's id."""
        with self._open() as db:
            return search.find(db, text)

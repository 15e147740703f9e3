"""The history of an archive, as the page and the commands query it.

Over 300 lines: each query is a method of one class, which keeps the index up to date before it runs the query.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from partner_sync.archive.object_store import Root
from partner_sync.errors import StorageError
from partner_sync.history import changes, details, files, lists, overview, problems, runs, search
from partner_sync.history import organization as organizations
from partner_sync.history.changes import Filters
from partner_sync.history.decided import decision_rows
from partner_sync.history.decision_results import DecisionRow, HoldReview, UndoPreview
from partner_sync.history.hold_review import hold_review
from partner_sync.history.objects import Objects, archive_errors
from partner_sync.history.organization_results import ChangeDetail, OrganizationHistory, SearchResult
from partner_sync.history.overview_results import Overview
from partner_sync.history.reader import Reader
from partner_sync.history.refresh import Refresh, Refreshed
from partner_sync.history.results import (
    ChangeRow,
    ChangesPage,
    IndexProgress,
    ProblemRow,
    ResultPage,
    RunDetails,
    RunRow,
    Unreadable,
    WithheldRow,
)
from partner_sync.history.run_summary import utc_time
from partner_sync.history.undo_preview import undo_preview

_T = TypeVar("_T")
TRIES = 3

log = logging.getLogger(__name__)


def _clock() -> datetime:
    return datetime.now(timezone.utc)


class History:
    """Queries the archive below `root` by the index in `folder`. Safe in several threads and processes at once.

    Each query first refreshes the index, unless that was done within the last `fresh_seconds`: in this process, or by a
    `reader` in another process, for which a query waits at most `patience` seconds. Objects that cannot be read are
    left out and listed as unreadable; if the whole archive cannot be read, `trouble` says why.
    """

    def __init__(
        self,
        root: Root,
        folder: Path,
        *,
        clock: Callable[[], datetime] = _clock,
        fresh_seconds: float = 2.0,
        reader: Reader | None = None,
        patience: float = 0.1,
    ) -> None:
        self.objects = Objects(root)
        self.folder = folder
        self.clock = clock
        self._trouble: str | None = None
        self._fresh_seconds = fresh_seconds
        self._reader = reader
        self._patience = patience
        self._refreshed: dict[str | None, float] = {}
        self._refresh = Refresh(self.objects, folder)

    @property
    def trouble(self) -> str | None:
        """Why the archive cannot be read, in one sentence."""
        return self._reader.trouble if self._reader is not None else self._trouble

    def close(self) -> None:
        """Ends the reader; the next query starts it again."""
        if self._reader is not None:
            self._reader.close()

    # -- the index ------------------------------------------------------------------------------------------

    def refresh(
        self, *, everything: bool = False, runs: Collection[str] = (), wait: bool = False, since: float | None = None
    ) -> Refreshed:
        """Refreshes the index now, in this process; see `Refresh`."""
        for last in (False, True):
            try:
                done = self._refresh(self.clock(), everything=everything, runs=runs, wait=wait, since=since)
            except sqlite3.DatabaseError as error:
                if last or not self._lost(files.newest(self.folder), error):
                    return self._refuse(f"The index in {self.folder} cannot be kept ({error}).")
            except files.UnkeptError as error:
                return self._refuse(str(error))
            except archive_errors() as error:
                why = error.why if isinstance(error, StorageError) else f"{type(error).__name__}: {error}"
                return self._refuse(f"The archive {self.objects.root} cannot be read ({why}).")
            else:
                break
        self._trouble = None
        return done

    def _refuse(self, trouble: str) -> Refreshed:
        log.warning("%s", trouble)
        self._trouble = trouble
        return Refreshed()

    def rebuild(self) -> Refreshed:
        """Deletes the index and builds it again."""
        index = files.newest(self.folder)
        if index is not None:
            files.remove_index(index)
        return self.refresh(wait=True)

    def index(self) -> IndexProgress:
        """The progress of the index."""

        def ask(db: sqlite3.Connection) -> IndexProgress:
            meta = {row["key"]: row["value"] for row in db.execute("SELECT * FROM meta")}
            return IndexProgress(
                complete="complete" in meta,
                refreshing=self._reader is not None and self._reader.refreshing,
                as_of=utc_time(meta["refreshed"]) if "refreshed" in meta else None,
                days=meta.get("days", 0),
                days_read=db.execute("SELECT count(*) FROM day").fetchone()[0],
                trouble=self.trouble,
            )

        return self._ask(ask)

    def _ask(self, ask: Callable[[sqlite3.Connection], _T], run_id: str | None = None) -> _T:
        """The result of a query; `run_id` is the run that it is about."""
        for _ in range(TRIES):
            index = files.newest(self.folder)
            try:
                self._refresh_before(run_id)
                index = files.newest(self.folder)
                with self._open(index) as db:
                    return ask(db)
            except sqlite3.DatabaseError as error:
                if not self._lost(index, error):
                    raise
        with files.connection(None) as db:
            return ask(db)

    @contextmanager
    def _open(self, index: Path | None) -> Iterator[sqlite3.Connection]:
        with files.connection(index) as db:
            db.execute("BEGIN")  # a query sees a single state of the index, even while another process writes
            yield db

    def _lost(self, index: Path | None, error: sqlite3.DatabaseError) -> bool:
        """Whether an index is gone or damaged: then it is removed, and the next refresh builds another."""
        if index is not None and index.exists():
            if isinstance(error, sqlite3.OperationalError):
                return False
            files.remove_index(index)
        log.warning("the index in %s is lost (%s); it is built again", self.folder, error)
        self._refreshed = {}
        return True

    def _refresh_before(self, run_id: str | None) -> None:
        """Refreshes unless that was done a moment ago; refreshing a run refreshes all recent days as well."""
        now = time.monotonic()
        recent = {key for key, at in self._refreshed.items() if at > now - self._fresh_seconds}
        there = files.newest(self.folder) is not None
        if there and {None, run_id} <= recent:
            return
        with self._open(files.newest(self.folder)) as db:
            row = runs.run_row(db, run_id) if run_id is not None else None
        folder = row["folder"] if row is not None else None
        if there and folder is None and None in recent:
            return
        if self._reader is not None:
            self._reader.refresh(folder, seconds=self._patience)
        else:
            self.refresh(runs=[folder] if folder else ())
        self._refreshed = {key: self._refreshed[key] for key in recent} | {None: now, run_id: now}

    # -- all runs -------------------------------------------------------------------------------------------

    def overview(self, *, schedule_seconds: float = 3600, instance: str | None = None) -> Overview:
        """Health, what needs attention, and numbers over time."""
        now = self.clock()
        return self._ask(
            lambda db: overview.query_overview(db, now=now, schedule_seconds=schedule_seconds, instance=instance)
        )

    def runs(
        self, *, instance: str | None = None, state: str | None = None, page: int = 1, page_size: int = 25
    ) -> ResultPage[RunRow]:
        """One page of runs, the newest first."""
        return self._ask(lambda db: runs.runs_page(db, instance=instance, state=state, page=page, page_size=page_size))

    def recent(
        self,
        since: datetime,
        *,
        kind: str | None = None,
        field: str | None = None,
        instance: str | None = None,
        edited: bool = False,
        page: int = 1,
    ) -> ResultPage[ChangeRow]:
        """One page of what was written since then, the newest first; see `recent_changes`."""
        return self._ask(
            lambda db: lists.recent_changes(
                db, runs.links_of_run(db), since, kind=kind, field=field, instance=instance, edited=edited, page=page
            )
        )

    def partners(
        self, *, type_name: str | None = None, instance: str | None = None, page: int = 1
    ) -> ResultPage[lists.PartnerRow]:
        """One page of partner organizations as they were read last, by name."""
        return self._ask(lambda db: lists.partners_page(db, type_name=type_name, instance=instance, page=page))

    def field_titles(self) -> dict[str, str]:
        """The names of fields in Zendesk, by key."""
        return self._ask(lists.field_titles)

    def field_sources(self) -> dict[str, tuple[str, str]]:
        """The Salesforce field and the rule that a field comes from, by key."""
        return self._ask(lists.field_sources)

    def unreadable(self) -> tuple[Unreadable, ...]:
        """Objects of the archive that could not be read."""
        return self._ask(lambda db: runs.unreadable_objects(db, limit=1000))

    # -- a run; all of these return None for a run that the archive does not know --------------------------

    def run(self, run_id: str) -> RunDetails | None:
        """A run without its changes."""
        return self._of_run(run_id, runs.run_details)

    def problems(self, run_id: str, *, instance: str | None = None) -> tuple[ProblemRow, ...] | None:
        """The problems of a run."""
        return self._of_run(
            run_id, lambda db, row: problems.run_problems(db, row, runs.links_of_run(db, row), instance=instance)
        )

    def withheld(self, run_id: str) -> tuple[WithheldRow, ...] | None:
        """The holds of a run, how many changes are usual, and how to approve them."""
        return self._of_run(run_id, problems.withheld_rows)

    def changes(
        self,
        run_id: str,
        plan_id: str | None = None,
        filters: Filters | None = None,
        *,
        sort: str = "plan",
        page: int = 1,
        page_size: int = 50,
    ) -> ChangesPage | None:
        """One page of the changes of a plan, by a key of `ORDERS`; without `plan_id`, of the newest of the run."""

        def ask(db: sqlite3.Connection, run: sqlite3.Row) -> ChangesPage | None:
            plan = runs.plan_row(db, run, plan_id)
            if plan is None:
                return None
            return changes.changes_page(db, run, plan, filters or Filters(), sort, page, page_size)

        return self._of_run(run_id, ask)

    def change(self, run_id: str, plan_id: str | None, n: int) -> ChangeDetail | None:
        """A change with all tries of its batch, the problems and the errors that concern it."""

        def ask(db: sqlite3.Connection, run: sqlite3.Row) -> ChangeDetail | None:
            plan = runs.plan_row(db, run, plan_id)
            return details.change_detail(db, self.objects, run, plan, n) if plan is not None else None

        return self._of_run(run_id, ask)

    def _of_run(self, run_id: str, ask: Callable[[sqlite3.Connection, sqlite3.Row], _T | None]) -> _T | None:
        """The result of a query about a run; None for a run that the archive does not know."""

        def of_run(db: sqlite3.Connection) -> _T | None:
            row = runs.run_row(db, run_id)
            return ask(db, row) if row is not None else None

        return self._ask(of_run, run_id)

    # -- decisions ------------------------------------------------------------------------------------------

    def review(self, hold_id: str) -> HoldReview | None:
        """A hold with its rows and what was decided; None if the archive does not know it."""
        return self._ask(lambda db: hold_review(db, self.objects, hold_id, self.clock()))

    def undo(self, run_id: str, account_id: str | None = None) -> UndoPreview | None:
        """What undo of a run, or of one account in it, would do."""
        return self._of_run(run_id, lambda db, row: undo_preview(db, row, account_id, self.clock()))

    def newest_complete(self) -> str | None:
        """The id of the newest complete run."""
        row = self._ask(
            lambda db: db.execute("SELECT run_id FROM run WHERE whole ORDER BY begun DESC LIMIT 1").fetchone()
        )
        return row["run_id"] if row is not None else None

    def open_problems(self, *, instance: str | None = None) -> tuple[ProblemRow, ...]:
        """The problems of the newest complete run."""

        def ask(db: sqlite3.Connection) -> tuple[ProblemRow, ...]:
            row = db.execute("SELECT * FROM run WHERE whole ORDER BY begun DESC LIMIT 1").fetchone()
            return problems.run_problems(db, row, runs.links_of_run(db, row), instance=instance) if row else ()

        return self._ask(ask)

    def decisions(self) -> tuple[DecisionRow, ...]:
        """Every decision, the newest first."""
        return self._ask(lambda db: decision_rows(db, self.clock()))

    # -- an organization ------------------------------------------------------------------------------------

    def organization(
        self, instance: str, organization_id: int, *, events: int = organizations.EVENTS
    ) -> OrganizationHistory | None:
        """The state and history of an organization; None if the archive does not know it."""
        return self._ask(
            lambda db: organizations.organization_history(
                db, instance, organization_id, runs.links_of_run(db), events=events
            )
        )

    def account(self, account_id: str, *, events: int = organizations.EVENTS) -> tuple[OrganizationHistory, ...]:
        """The same by account id, 15 or 18 characters: a result for each instance that knows it."""
        return self._ask(
            lambda db: organizations.account_histories(db, account_id, runs.links_of_run(db), events=events)
        )

    def find(self, text: str) -> SearchResult:
        """Accounts and organizations by a part of a name, by account id, or by Zendesk's id."""
        return self._ask(lambda db: search.search_subjects(db, text))

"""Results of queries about an organization or a change, and of a search: frozen data, as in `results`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from partner_sync.archive.records import Failure, RowVerdict
from partner_sync.history.results import ChangeRow, ProblemRow, RunRow, Unreadable
from partner_sync.model import Value

CurrentState = Literal["as desired", "differs", "problem", "marked", "not known"]


@dataclass(frozen=True, slots=True)
class CurrentField:
    """A field of an organization: desired and existing value as of the last run (if `known`), and our last write.

    `differs` is only true where an account wants another value: an organization without one has nothing to match.
    """

    field: str
    known: bool
    differs: bool
    desired: Value
    existing: Value
    written: LastWrite | None


@dataclass(frozen=True, slots=True)
class LastWrite:
    """The last confirmed write of a field."""

    at: datetime
    before: Value
    after: Value
    reason: str
    run_id: str
    plan_id: str
    n: int


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """An entry of a history: a change or a problem."""

    at: datetime
    run_id: str
    change: ChangeRow | None
    problem: ProblemRow | None


@dataclass(frozen=True, slots=True)
class OrganizationHistory:
    """The state and history of an organization. `older` counts the changes that are not in `history`."""

    instance: str
    account_id: str | None
    organization_id: int | None
    name: str
    names: tuple[str, ...]
    now: CurrentState
    since: datetime | None
    as_of: datetime | None
    sentence: str
    fields: tuple[CurrentField, ...]
    problems: tuple[ProblemRow, ...]
    history: tuple[HistoryEvent, ...]
    older: int
    account_url: str | None
    organization_url: str | None


@dataclass(frozen=True, slots=True)
class ChangeDetail:
    """A change with every try of its batch, and the problems and errors of the run that concern it."""

    row: ChangeRow
    run: RunRow
    tries: tuple[RowVerdict, ...]
    problems: tuple[ProblemRow, ...]
    failures: tuple[Failure, ...]
    story: OrganizationHistory | None
    unreadable: tuple[Unreadable, ...]


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An organization or account that was found. `name` is the newest that is known."""

    instance: str
    account_id: str | None
    organization_id: int | None
    name: str
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits of a search; `more` hits are not listed. `near` are similar names, if there is no hit."""

    text: str
    hits: tuple[SearchHit, ...]
    more: int
    near: tuple[str, ...]

"""What the history answers about one organization or change, and what a search finds: frozen data, as in `answers`."""

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
    """A field of an organization: what the account wants and what Zendesk has as of the last run (where `known`), and
    when it was last written by us."""

    field: str
    known: bool
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
    """One line of a history: a change (with its row), or a problem (with its time)."""

    at: datetime
    run_id: str
    change: ChangeRow | None
    problem: ProblemRow | None


@dataclass(frozen=True, slots=True)
class OrganizationHistory:
    """Why an organization is as it is. `older` is how many changes there are beyond those in `history`."""

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
    """Everything known about one change: every try of its batch, what else the run says, and its neighbours."""

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
    """What a search found; `more` hits are not listed. `near` are names like it, where nothing was found."""

    text: str
    hits: tuple[SearchHit, ...]
    more: int
    near: tuple[str, ...]

"""Results of the query behind the overview: frozen data, as in `results`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from partner_sync.history.results import ResultPage, RunRow, Unreadable
from partner_sync.model import Kind

Health = Literal["being read", "no runs yet", "needs attention", "planning only", "overdue", "up to date"]
"""`being read`: the index is being built and has no run yet."""


@dataclass(frozen=True, slots=True)
class ItemLink:
    """Where an item leads: a run, a filter of its changes, its holds or its problems. None filters nothing."""

    run_id: str
    section: Literal["changes", "problems", "withheld", "failures"]
    plan_id: str | None = None
    kind: str | None = None
    verdict: str | None = None
    instance: str | None = None
    hold: str | None = None


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """What needs attention. `urgent` makes the health "needs attention"; `parts` are reasons with their counts."""

    what: Literal["withheld", "problems", "rejected", "unknown", "failed", "unreadable"]
    count: int
    new: int
    sentence: str
    urgent: bool
    parts: tuple[tuple[str, int], ...]
    link: ItemLink | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Health, what needs attention, and numbers over time."""

    instance: str | None
    instances: tuple[str, ...]
    health: Health
    overdue: bool
    planning_only: tuple[str, ...]
    """Instances that the last complete run did not write, because they are not armed."""
    running: RunRow | None
    """The newest run that is not a dry run and has not ended."""
    last_success: datetime | None
    age_seconds: float | None
    next_run: datetime | None
    items: tuple[AttentionItem, ...]
    partners: dict[str, int]
    partners_before: dict[str, int]
    """The same 30 days ago, or when they were read first."""
    partners_days: int
    """How many days ago that was."""
    problems: int
    problems_new: int
    since_yesterday: dict[Kind, int]
    chart: tuple[RunRow, ...]
    """The last 48 runs, the oldest first."""
    most_changed: tuple[tuple[str, int], ...]
    """Fields with their confirmed updates of 30 days."""
    edited: tuple[tuple[str, int], ...]
    """Fields with those of them that wrote over an edit in Zendesk."""
    runs: ResultPage[RunRow]
    unreadable: tuple[Unreadable, ...]

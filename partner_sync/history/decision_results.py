"""Results of queries about holds and decisions: frozen data, as in `results`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from partner_sync.archive.memory_records import Decision
from partner_sync.config.limits import Approvals
from partner_sync.history.results import ChangeRow, Outcome, RunRow
from partner_sync.model import Hold, Value

DecisionState = Literal["in force", "used", "withdrawn", "expired", "ended"]
"""`used`: an approval whose rows were all submitted. `ended`: nothing is left that it could decide."""
ReviewResult = Outcome | Literal["not the same"]
"""What became of an approved row; `not the same`: the next plan no longer had it with these values."""


@dataclass(frozen=True, slots=True)
class DecidedRow:
    """An organization that a decision is about."""

    account_id: str
    organization_id: int | None
    name: str


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision, whether it still counts, and the first of its rows with their names."""

    decision: Decision
    state: DecisionState
    rows: tuple[DecidedRow, ...]
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangedSince:
    """A field that has another value now than the run wrote, so undo leaves it alone."""

    account_id: str
    name: str
    field: str
    wrote: Value
    now: Value


@dataclass(frozen=True, slots=True)
class UndoPreview:
    """What undo of a run would do, as of the last read: `fields` can go back in `organizations` organizations, `back`
    have their old value already, `changed` have another. `creates` stay."""

    run: RunRow
    account_id: str | None
    fields: int
    organizations: int
    back: int
    changed: tuple[ChangedSince, ...]
    creates: int
    undone: DecisionRow | None
    """The newest decision that undoes it and is in force."""


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A row of a hold: since when its account is missing, the newest decision about it, and what became of it since.

    `later` is the newest change of the row after that decision.
    """

    change: ChangeRow
    missing_since: datetime | None
    decided: DecisionRow | None
    result: ReviewResult | None
    later: ChangeRow | None


@dataclass(frozen=True, slots=True)
class HoldReview:
    """A hold with all of its rows, as the newest plan that has it shows them.

    `current` is whether the newest complete plan has it; `successor` is the hold that has its case now, if another.
    `runs` counts the runs that had it. `more` rows are not listed. `decisions` are all about any listed row, the newest
    first. `approvals` is the table of the newest config, None if the archive does not have it.
    """

    hold: Hold
    run: RunRow
    unusual: str
    current: bool
    successor: str | None
    runs: int
    rows: tuple[ReviewRow, ...]
    more: int
    decisions: tuple[DecisionRow, ...]
    approvals: Approvals | None

    @property
    def approved_by(self) -> tuple[str, ...]:
        """Who approved any row, while that is in force; the first of them first."""
        valid = [one.decision.by for one in self.decisions if one.decision.does == "allow" and one.state == "in force"]
        return tuple(dict.fromkeys(reversed(valid)))

    @property
    def results(self) -> dict[ReviewResult, int]:
        """How many rows that were decided have which result."""
        found: dict[ReviewResult, int] = {}
        for row in self.rows:
            if row.result is not None:
                found[row.result] = found.get(row.result, 0) + 1
        return found

"""Results of queries about runs: frozen data. Times are aware datetimes in UTC.

No text is escaped: names, reasons and the vendor's messages come from outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeVar

from partner_sync.archive.records import Failure
from partner_sync.model import FieldChange, Hold, HoldReason, Kind, NotRestored, ReadProof, UnreadInstance

_Row = TypeVar("_Row")
RunState = Literal["running", "success", "failed", "dry run", "planning only"]
"""`planning only`: nothing went wrong, but at least one instance is not armed, so its changes were not written."""
Cause = Literal["task", "silence", "withheld", "rows", "unreadable"]
"""Why a run failed: a task failed or an instance was not read, it ended without a trace, or only changes on hold or
single rows are open."""
Outcome = Literal[
    "confirmed",
    "rejected",
    "superseded",
    "unknown",
    "waiting",
    "not written",
    "withheld",
    "left",
    "dry run",
    "planning only",
]
"""A verdict, or why there is none: the batch is not written yet, or its run ended before it was; the change is on hold,
or people left it as it is; it was a dry run, or the instance is not armed."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object of the archive that could not be read, and what that means, in one sentence."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far the index is built: newest day first, so results are useful before it is `complete`.

    `refreshing`: the next query may find more. `as_of` is when the last finished refresh began. `trouble` is why the
    archive cannot be read, in one sentence.
    """

    complete: bool
    refreshing: bool
    as_of: datetime | None
    days: int
    days_read: int
    trouble: str | None


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as a row of a table. Counts are of the instance asked for, or of all.

    `planned` and `written` are by kind (written: sent by us and confirmed), `verdicts` by verdict. `accounts`,
    `organizations` and `problems` are None where the run has no plan; `seconds` goes from its first read to the last
    that is known. `cause` is why it failed.
    """

    run_id: str
    run_after: datetime
    begun: datetime
    run_type: str
    triggered_by: str | None
    params: dict[str, object]
    state: RunState
    why: str
    dry_run: bool
    plan_id: str | None
    accounts: int | None
    organizations: int | None
    planned: dict[Kind, int]
    withheld: int
    verdicts: dict[str, int]
    written: dict[Kind, int]
    cause: Cause | None
    problems: int | None
    batches: int
    batches_done: int
    seconds: float | None
    calls: int

    @property
    def account_ids(self) -> tuple[str, ...]:
        ids = self.params.get("account_ids")
        return tuple(str(one) for one in ids) if isinstance(ids, list) else ()

    @property
    def decides(self) -> dict[str, int]:
        """What the run was started to decide: param to the number of its ids."""
        asked = {name: self.params.get(name) for name in ("approve", "leave", "undo", "withdraw")}
        return {name: len(ids) for name, ids in asked.items() if isinstance(ids, list) and ids}

    @property
    def to_write(self) -> int:
        """Changes that are not on hold."""
        return sum(self.planned.values())

    @property
    def confirmed(self) -> int:
        return self.verdicts.get("confirmed", 0)


@dataclass(frozen=True, slots=True)
class ResultPage(Generic[_Row]):
    """A page of the rows of a list; pages count from 1."""

    rows: tuple[_Row, ...]
    total: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """Rows of a run that have the same message of Zendesk, or the same reason; the first of them by place and name."""

    outcome: Outcome
    message: str
    count: int
    rows: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class RunDetails:
    """A run without its changes. `reads` prove that nothing is missing; `failures` begin with the oldest."""

    row: RunRow
    dag_id: str
    logical_date: datetime | None
    versions: dict[str, str]
    config_digest: str
    made: datetime | None
    reads: tuple[ReadProof, ...]
    counts: dict[str, int]
    outcomes: dict[str, int]
    """Changes of the newest plan by outcome."""
    refusals: tuple[RejectedRows, ...]
    not_restored: tuple[NotRestored, ...]
    instances: tuple[str, ...]
    planning_only: tuple[str, ...]
    unread: tuple[UnreadInstance, ...]
    failures: tuple[Failure, ...]
    problems: int
    problems_new: int
    plans: tuple[str, ...]
    """Every plan of the run that changes something, the newest last; several if `compare` was cleared."""
    unreadable: tuple[Unreadable, ...]
    before: str | None
    after: str | None
    """The runs next to it."""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change and its result. `n` is its place in the plan, from 0; changes on hold come last.

    `written`, `written_at` and `job_id` are of the try that sent it, `try_number` and `at` of its newest verdict.
    """

    run_id: str
    plan_id: str
    n: int
    kind: Kind
    instance: str
    account_id: str
    organization_id: int | None
    name: str
    reason: str
    fields: tuple[FieldChange, ...]
    outcome: Outcome
    hold: str | None
    """The id of the hold that has this change."""
    hold_reason: HoldReason | None
    tickets: int | None
    users: int | None
    """Open tickets and users of an organization to mark, where they were counted."""
    decisions: tuple[str, ...]
    """The ids of the decisions that let it be written, or left it."""
    verdict_reason: str
    vendor_words: str
    written: bool
    written_at: datetime | None
    batch: str | None
    job_id: str | None
    try_number: int | None
    at: datetime | None
    account_url: str | None
    organization_url: str | None


@dataclass(frozen=True, slots=True)
class Facets:
    """How many changes each choice of a filter would show; a filter is not applied to its own choices."""

    kind: dict[str, int]
    field: dict[str, int]
    verdict: dict[str, int]
    instance: dict[str, int]


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """One page of a plan's changes; `total` counts the changes that match the filters, `all` those of the plan."""

    run_id: str
    plan_id: str
    rows: tuple[ChangeRow, ...]
    total: int
    all: int
    page: int
    pages: int
    facets: Facets


@dataclass(frozen=True, slots=True)
class LinkedId:
    """An account or organization with its link."""

    id: str
    url: str | None


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """A problem in a run. `new`: the run a day before did not have it, and nobody acknowledged it."""

    kind: str
    instance: str | None
    accounts: tuple[LinkedId, ...]
    organizations: tuple[LinkedId, ...]
    detail: str
    advice: str
    first_seen: datetime
    last_seen: datetime
    new: bool
    id: str
    acknowledged: str | None
    """The id of the decision that leaves it as it is."""
    names: tuple[str, ...]
    """Of its accounts, empty where unknown."""


@dataclass(frozen=True, slots=True)
class WithheldRow:
    """A hold, and the conf that approves it.

    For a hold that is about how many changes may be written, `usual` counts what the ten runs before wrote of its kind,
    the oldest first, and `unusual` says it in a sentence.
    """

    item: Hold
    conf: dict[str, object]
    usual: tuple[int, ...] = ()
    unusual: str = ""

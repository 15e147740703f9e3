"""What complete runs remember of an instance, what is on hold there, and what people decided about it.

Field names are JSON keys of the archive and stay stable, so that archived objects remain readable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from partner_sync.model import Does, Evidence, HoldReason, Kind, PlanOrder, Value


@dataclass(frozen=True, slots=True)
class MissingAccount:
    """What is known of a partner organization whose account every complete run since `since` missed.

    `asked` is when Salesforce was asked last, `counted` when Zendesk was asked last for tickets and users.
    """

    organization_id: int
    account_id: str
    since: datetime
    evidence: Evidence | None = None
    asked: datetime | None = None
    tickets: int | None = None
    users: int | None = None
    counted: datetime | None = None


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row (its change keys) that is on hold, or that an approval let through and that is not confirmed yet."""

    keys: tuple[str, ...]
    reason: HoldReason
    since: datetime
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """Holds of one kind for one reason that need a decision: `run_id` was red for them, when they had `rows` rows."""

    kind: Kind
    reason: HoldReason
    since: datetime
    run_id: str
    rows: int


@dataclass(frozen=True, slots=True)
class Streak:
    """How often in a row the change of a field was written and did not stay (`results`), from `since` to `last`.

    `key` is its change key, `row` the id of its row, by which a person lets it be written again. `rule` is the digest
    of the field's rule and of its definition in Zendesk: when one of them changes, the streak ends. An object of the
    first release has only the first four, so its streak ends.
    """

    key: str
    results: int
    since: datetime
    last: datetime
    row: str = ""
    account_id: str = ""
    organization_id: int | None = None
    field: str = ""
    before: Value = None
    after: Value = None
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """What complete runs remember of an instance, by the plan that wrote it.

    `accounts` and `organizations` are the digests of its snapshots. `waiting_since` is when changes began to wait until
    the instance is armed; None if none waits.
    """

    order: PlanOrder
    instance: str
    run_id: str
    run_after: datetime
    accounts: str = ""
    organizations: str = ""
    missing: tuple[MissingAccount, ...] = ()
    held: tuple[HeldRow, ...] = ()
    cases: tuple[Case, ...] = ()
    streaks: tuple[Streak, ...] = ()
    waiting_since: datetime | None = None
    rules: str = ""
    """The digest of the rules that made the plan."""
    accepted_rules: str = ""
    """The digest of the newest rules of which nothing was held."""


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A row as a hold or a decision names it, with its change keys."""

    account_id: str
    organization_id: int | None
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """A hold as an approval names it, from the first plan that had it."""

    id: str
    instance: str
    kind: Kind
    reason: HoldReason
    rows: tuple[HoldRow, ...]
    plan_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Armed:
    """Who ended planning only in an instance, and when: a person started a run without `dry_run` and without a
    decision. `by` is None if Airflow does not name the user."""

    instance: str
    by: str | None
    at: datetime
    run_id: str


@dataclass(frozen=True, slots=True)
class WrittenField:
    """A field that a run wrote: `wrote` in place of `before`. `key` is the change key of that write."""

    account_id: str
    organization_id: int
    field: str
    before: Value
    wrote: Value
    key: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about an instance, in force from `at` until `until` (None: until something else ends it).

    `allow`: the `rows` of a `hold` are written once although they are held. `leave`: they are neither written nor held;
    or a `problem`, by its id, is acknowledged. `restore`: the `fields` that the run `undoes` wrote go back to their
    value before. The keys of a row are change keys (`compare/change_keys.py`); of a restore, those of what was written.
    `run_id` is the run by which `by` decided, `note` what they wrote there. An approval of an older release names no
    rows: it is over.
    """

    id: str
    does: Does
    instance: str
    rows: tuple[HoldRow, ...] = field(default=(), kw_only=True)
    by: str
    run_id: str
    note: str
    at: datetime
    until: datetime | None = None
    hold: str | None = None
    kind: Kind | None = None
    reason: HoldReason | None = None
    problem: str | None = None
    undoes: str | None = None
    fields: tuple[WrittenField, ...] = ()

    @property
    def size(self) -> int:
        """How many rows it is about; a problem counts as one."""
        return len(self.rows) or int(self.problem is not None)

    @property
    def keys(self) -> tuple[str, ...]:
        """The change keys that it is about; of a problem, the problem's id."""
        return (self.problem,) if self.problem else tuple(key for row in self.rows for key in row.keys)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Who ended a decision early, or let a value that rests be written again, and when."""

    by: str
    at: datetime
    run_id: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class EndedKeys:
    """The keys of a decision that ended by themselves, as a complete plan saw: nothing will write or leave them."""

    decision: str
    plan_id: str
    at: datetime
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """A submit of one claim (`token`) of a batch that uses a decision for `keys`: one approval, one submit."""

    decision: str
    plan_id: str
    batch: str
    token: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MarkedOrganizations:
    """The organizations that a batch marks, or may have marked, each with the ids of the decisions that allowed it."""

    plan_id: str
    batch: str
    organizations: dict[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """The last complete read of an instance's organizations, on which the next read builds.

    `begun` is the earlier of Zendesk's clock and ours when the read began; None if Zendesk named no time. `full` is
    when the full listing began that the snapshot comes from, `surplus` how many organizations more Zendesk counted then
    than it listed (None where a count proves nothing). `rules` is the digest of what decides what is kept. `refused` is
    when Zendesk last refused the incremental export, `organizations` the digest of the snapshot.
    """

    instance: str
    run_id: str
    run_after: datetime
    begun: datetime | None
    full: datetime
    rules: str
    surplus: int | None = None
    refused: datetime | None = None
    organizations: str = ""

"""The vocabulary of Partner Sync as frozen data. Standard library only; all other modules use it.

It has over 300 lines because it is one vocabulary: what was read, planned and held refers to each other.

A *value* is canonical: text trimmed and never empty (None instead), a checkbox a bool, a drop-down the value of its
option, a date "YYYY-MM-DD", a number an int or float. Times are aware datetimes in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

Value = str | bool | int | float | None
Kind = Literal["create", "update", "mark"]
KINDS: tuple[Kind, ...] = ("create", "update", "mark")
HoldReason = Literal["no_trace", "rules", "emptied", "limit", "budget", "open_tickets"]
HOLD_REASONS: tuple[HoldReason, ...] = ("no_trace", "rules", "emptied", "limit", "budget", "open_tickets")
"""Why changes are held, in the order in which they apply: a row is in one hold, the first that applies."""
COUNT_REASONS: frozenset[HoldReason] = frozenset({"rules", "emptied", "limit", "budget"})
"""Reasons that are a number of rows. A row stays held for one of these until it is decided or no longer wanted."""
FieldCause = Literal["salesforce", "zendesk", "both", "set_back", "rules"]
"""Why a field changes: its account changed in Salesforce, somebody edited it in Zendesk, both, what we wrote was set
back to what it was before, or the rules of the config changed."""
Does = Literal["allow", "leave", "restore"]
"""What a decision does."""
NotRestoredReason = Literal[
    "changed", "unwanted", "identity", "mark", "no_account", "no_organization", "not_mapped", "name_in_use"
]
Element = Literal["withheld", "instances", "problems"]
ELEMENTS: tuple[Element, ...] = ("withheld", "instances", "problems")
EvidenceKind = Literal["merged", "deleted", "filtered", "listed", "no_record"]
ReadKind = Literal["full", "changed"]
FullReadCause = Literal["first", "snapshot", "rules", "clock", "refused", "asked", "due", "stuck", "failed", "count"]
"""Why an instance was listed in full: `gather/changed_read.py` has a sentence for each."""
Verdict = Literal["confirmed", "rejected", "superseded", "unknown"]
VERDICTS: tuple[Verdict, ...] = ("confirmed", "rejected", "superseded", "unknown")
FAILED_VERDICTS: tuple[Verdict, ...] = ("rejected", "unknown")
"""Verdicts that fail their batch."""

NAME, EXTERNAL_ID = "name", "external_id"
ATTRIBUTES = (NAME, EXTERNAL_ID)
"""Fields that Zendesk keeps on the organization itself; every other field is an organization field, by key."""


# -- what was read ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadProof:
    """Why a read is complete: rows read, rows the system announced, pages until it said "done", calls made.

    Salesforce announces what it sends, so the two are equal. Zendesk counts, and the count may be old: it is shown.
    What proves its listing is `gone`: so many organizations of the previous snapshot are not listed, and Zendesk
    confirmed that each of them no longer exists. A `changed` read merges what changed into the previous snapshot.

    `cause` is why organizations were listed in full, `differed` are at most 100 organizations that the changed reads
    since the last full listing had wrong. `instance` is None for Salesforce; `snapshot` names the copy in the archive.
    """

    system: str
    read: int
    announced: int
    pages: int
    calls: int
    gone: int = 0
    kind: ReadKind = "full"
    cause: FullReadCause | None = None
    differed: tuple[int, ...] = ()
    instance: str | None = None
    begun: datetime | None = None
    snapshot: str = ""


@dataclass(frozen=True, slots=True)
class AccountsSnapshot:
    """All rows of the account query; relationship paths flattened to "Lookup__r.Name", values as they were sent.

    `digest` names the copy in the archive.
    """

    begun: datetime
    ended: datetime
    proof: ReadProof
    rows: tuple[dict[str, object], ...]
    digest: str = ""
    """Of the rows, as the archive stores them."""


@dataclass(frozen=True, slots=True)
class Organization:
    """A Zendesk organization as it exists. `fields` has the owned organization fields as Zendesk sent them.

    `fields` is None where only what matching needs was kept.
    """

    id: int
    name: str
    external_id: str | None
    salesforce_id: str | None
    account_type: str | None
    fields: dict[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class InstanceRead:
    """All organizations of one instance; `digest` names the copy in the archive.

    `definitions` is the digest of every mapped field's definition in Zendesk, by its key.
    """

    instance: str
    write: bool
    proof: ReadProof
    organizations: tuple[Organization, ...]
    digest: str = ""
    """Of the organizations, as the archive stores them."""
    definitions: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    """Of every mapped field in Zendesk, by its key: for people."""


@dataclass(frozen=True, slots=True)
class UnreadInstance:
    """An instance that was not read, and why: nothing is planned for it."""

    instance: str
    why: str


@dataclass(frozen=True, slots=True)
class OrganizationsSnapshot:
    """All organizations of the configured instances, except those in `unread`."""

    begun: datetime
    ended: datetime
    instances: tuple[InstanceRead, ...]
    unread: tuple[UnreadInstance, ...] = ()


# -- what will be done --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one organization: canonical value before and after, and a reason where it is not obvious.

    `cause` is what happened since the last complete run; None where nobody knows.
    """

    field: str
    before: Value
    after: Value
    reason: str = ""
    cause: FieldCause | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """An account without an organization. Its fields go from None to the desired value."""

    instance: str
    account_id: str
    name: str
    fields: tuple[FieldChange, ...]
    reason: str
    organization_id: None = None
    kind: Literal["create"] = "create"


@dataclass(frozen=True, slots=True)
class Update:
    """An organization that differs from its account; `name` is its current name."""

    instance: str
    account_id: str
    organization_id: int
    name: str
    fields: tuple[FieldChange, ...]
    reason: str
    adopted: bool = False
    """Whether the organization was not a partner organization before."""
    kind: Literal["update"] = "update"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What Salesforce reports about an account that is missing from the query, and when it did.

    `merged`: into `merged_into`, None if that link is gone. `deleted`: in the recycle bin. `filtered`: `field` of the
    filter has the value `found` now (`before` in the last snapshot, where it is known). `listed`: the account passes
    the filter, so query and lookup disagree. `no_record`: Salesforce shows this user no record.
    """

    account_id: str
    kind: EvidenceKind
    seen: datetime
    merged_into: str | None = None
    field: str | None = None
    before: Value = None
    found: Value = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A partner organization without an account: the config's mark field becomes true, nothing else changes.

    `tickets` and `users` are the open tickets and the users of the organization; None where nobody asked.
    """

    instance: str
    account_id: str
    organization_id: int
    name: str
    fields: tuple[FieldChange, ...]
    reason: str
    evidence: Evidence | None = None
    tickets: int | None = None
    users: int | None = None
    kind: Literal["mark"] = "mark"


Change = Create | Update | Mark


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding that needs attention; it never blocks healthy changes. `instance` is None for Salesforce alone.

    `id` follows from kind, instance and ids, so the same problem has the same id in every run. `acknowledged` is the id
    of the decision by which a person left it as it is.
    """

    kind: str
    instance: str | None
    account_ids: tuple[str, ...]
    organization_ids: tuple[int, ...]
    detail: str
    advice: str
    id: str = ""
    acknowledged: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Changes of one kind in one instance that are not written, for one reason.

    `id` follows from reason and rows, so the same rows are the same hold in every run. `limit` is the most that the
    guard lets pass (None: the reason is no count), `of` what its percentage is of. `since` is when the first of its
    rows was held. A hold that `is_case` needs a decision: it makes the run red that `opens_case`, and no
    later run. `changes` is empty in
    `run.json`.
    """

    id: str
    instance: str
    kind: Kind
    reason: HoldReason
    rows: int
    limit: int | None
    of: int
    since: datetime
    why: str
    next_step: str
    is_case: bool = False
    opens_case: bool = False
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftRow:
    """What of a row is not written, and not on hold, because people decided to leave it. `decisions` are their ids."""

    change: Change
    decisions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotRestored:
    """A field that a decision to undo a run does not put back to `before`. The run wrote `wrote`; `now` is its value.

    `changed`: somebody else changed it since. `unwanted`: Salesforce wants something else since. `identity`: it names
    the account. `no_account`: its organization has no account, or another one, or is in a problem. `no_organization`:
    Zendesk does not list it. `not_mapped`: the config no longer has the field. `name_in_use`: the name is not free.
    """

    decision: str
    instance: str
    account_id: str
    organization_id: int
    field: str
    before: Value
    wrote: Value
    now: Value
    why: NotRestoredReason


@dataclass(frozen=True, slots=True)
class PlannedDecision:
    """A decision in force when a plan was made. `rows` is how many rows of the plan it allows, leaves or restores; `of`
    how many rows it names: the others no longer read the same, or nothing is left to do there."""

    id: str
    does: Does
    instance: str
    rows: int
    of: int


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """How plans are ordered: by when their account snapshot was begun, then by when they were made."""

    snapshot_begun: datetime
    made: datetime
    plan_id: str

    @property
    def key(self) -> tuple[datetime, datetime, str]:
        return (self.snapshot_begun, self.made, self.plan_id)

    def newer_than(self, other: PlanOrder) -> bool:
        return self.key > other.key


@dataclass(frozen=True, slots=True)
class InstanceCounts:
    """What a plan counts in one instance; `types` has the partner organizations of each type."""

    instance: str
    organizations: int = 0
    partner_organizations: int = 0
    unchanged: int = 0
    create: int = 0
    update: int = 0
    mark: int = 0
    would_create: int = 0
    would_update: int = 0
    would_mark: int = 0
    withheld: int = 0
    left: int = 0
    restored: int = 0
    adopted: int = 0
    unmarked: int = 0
    protected: int = 0
    marked_already: int = 0
    too_recent: int = 0
    in_grace: int = 0
    not_marked: int = 0
    mark_undone: int = 0
    not_asked: int = 0
    types: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes, problems, holds and counts of one comparison.

    `counts` is keyed by what is counted; "type:open_partner" counts the partner organizations of a type, and a key with
    an instance before it ("global.create") that instance alone, where there are several.
    """

    order: PlanOrder
    run_id: str
    dry_run: bool
    config_digest: str
    reads: tuple[ReadProof, ...]
    counts: dict[str, int]
    changes: tuple[Change, ...]
    holds: tuple[Hold, ...]
    problems: tuple[Problem, ...]
    digests: dict[str, str] = field(default_factory=dict)
    """Batch name to digest of its changes."""
    instances: tuple[InstanceCounts, ...] = ()
    """The counts by instance, for code; `counts` is for people."""
    approvals: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Position in `changes` to the ids of the decisions that allow this row although it is held."""
    restores: dict[int, dict[str, str]] = field(default_factory=dict)
    """Position in `changes` to the fields that are put back, each with the id of the decision to undo a run."""
    left: tuple[LeftRow, ...] = ()
    """Rows, or fields of rows, that are not written because people left them."""
    not_restored: tuple[NotRestored, ...] = ()
    decisions: tuple[PlannedDecision, ...] = ()
    planning_only: tuple[str, ...] = ()
    """Instances that are not armed: their changes are planned and shown, not written."""
    waiting_since: dict[str, datetime] = field(default_factory=dict)
    """An instance that is not armed to when the first run planned changes that still wait."""
    unread: tuple[UnreadInstance, ...] = ()
    elements: tuple[Element, ...] = ()
    """Mapped elements of `sync` that write nothing and fail on purpose, after the batches: somebody must act."""

    @property
    def id(self) -> str:
        return self.order.plan_id

    @property
    def withheld_changes(self) -> tuple[Change, ...]:
        """The changes of all holds."""
        return tuple(change for hold in self.holds for change in hold.changes)

    def without_rows(self) -> Plan:
        """The plan as `run.json` has it."""
        holds = tuple(replace(hold, changes=()) for hold in self.holds)
        return replace(self, changes=(), holds=holds, left=(), not_restored=())


@dataclass(frozen=True, slots=True)
class Batch:
    """At most 100 changes of one kind for one instance; one Zendesk job writes it. `index` counts from 0 in a plan."""

    order: PlanOrder
    run_id: str
    instance: str
    kind: Kind
    name: str
    index: int
    of: int
    digest: str
    changes: tuple[Change, ...]
    approvals: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Position in `changes` to the ids of the decisions that allow this row although it is held."""
    restores: dict[int, dict[str, str]] = field(default_factory=dict)
    """Position in `changes` to the fields that are put back, each with the id of the decision to undo a run."""

"""The vocabulary of Partner Sync as frozen data. Standard library only; all other modules use it.

A *value* is canonical: text trimmed and never empty (None instead), a checkbox a bool, a drop-down the value of its
option, a date "YYYY-MM-DD", a number an int or float. Times are aware datetimes in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Value = str | bool | int | float | None
Kind = Literal["create", "update", "mark"]
KINDS: tuple[Kind, ...] = ("create", "update", "mark")
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
    """Why a read is complete: rows read, rows the system announced, pages until it said "done", calls made."""

    system: str
    read: int
    announced: int
    pages: int
    calls: int


@dataclass(frozen=True, slots=True)
class AccountsSnapshot:
    """All rows of the account query; relationship paths flattened to "Lookup__r.Name", values as they were sent."""

    begun: datetime
    ended: datetime
    proof: ReadProof
    rows: tuple[dict[str, object], ...]


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
    """All organizations of one instance."""

    instance: str
    write: bool
    proof: ReadProof
    organizations: tuple[Organization, ...]


@dataclass(frozen=True, slots=True)
class OrganizationsSnapshot:
    """All organizations of all configured instances."""

    begun: datetime
    ended: datetime
    instances: tuple[InstanceRead, ...]


# -- what will be done --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one organization: canonical value before and after, and a reason where it is not obvious."""

    field: str
    before: Value
    after: Value
    reason: str = ""


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
class Mark:
    """A partner organization without an account: the config's mark field becomes true, nothing else changes."""

    instance: str
    account_id: str
    organization_id: int
    name: str
    fields: tuple[FieldChange, ...]
    reason: str
    kind: Literal["mark"] = "mark"


Change = Create | Update | Mark


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding that needs attention; it never blocks healthy changes. `instance` is None for Salesforce alone."""

    kind: str
    instance: str | None
    account_ids: tuple[str, ...]
    organization_ids: tuple[int, ...]
    detail: str
    advice: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """A kind of change that passed its limit in one instance: planned, not written until a person approves it."""

    instance: str
    kind: Kind
    count: int
    limit: int
    partner_organizations: int
    why: str
    next_step: str


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
    adopted: int = 0
    unmarked: int = 0
    protected: int = 0
    marked_already: int = 0
    too_recent: int = 0
    not_asked: int = 0
    types: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes, problems, withheld changes and counts of one comparison.

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
    withheld_changes: tuple[Change, ...]
    withheld: tuple[Withheld, ...]
    problems: tuple[Problem, ...]
    digests: dict[str, str] = field(default_factory=dict)
    """Batch name to digest of its changes."""
    instances: tuple[InstanceCounts, ...] = ()
    """The counts by instance, for code; `counts` is for people."""

    @property
    def id(self) -> str:
        return self.order.plan_id


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
    """Position of a change to the ids of the decisions that let it be written although it was held."""

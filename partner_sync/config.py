"""What `dags/partner_sync.toml` says, as frozen data. Pure: text in, `Config` or one `ConfigError` with all mistakes out."""

from __future__ import annotations

from dataclasses import dataclass, field

from partner_sync.model import Kind


@dataclass(frozen=True)
class Accounts:
    """Which accounts are read. `filter` maps a Salesforce field to the values it may have; `pinned` are 18-character ids."""

    connection: str
    object: str
    id: str
    name: str
    pinned: tuple[str, ...]
    filter: dict[str, tuple[str, ...]]
    """One value is written as `=`, several, or a list of one, as `IN`: see `listed`."""
    listed: frozenset[str] = frozenset()
    """Fields of `filter` that the file gives as a list."""


@dataclass(frozen=True)
class Instance:
    """One Zendesk account: its name here, the id of its Airflow Connection, and whether it may be written."""

    name: str
    connection: str
    write: bool


@dataclass(frozen=True)
class Attribute:
    """One row of the mapping. `rule` is id_18, id_15, text, checkbox, dropdown, date or number."""

    field: str
    source: str
    rule: str
    true_for: tuple[str | bool, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    """Casefolded Salesforce value to the value of the Zendesk option."""
    pinned: str | None = None


@dataclass(frozen=True)
class Partners:
    """What makes an organization a partner organization: one of `values` in organization field `field`."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Marks:
    """The checkbox that marks, and who is not marked: `protected` 18-character ids; with `older_field`, whoever's date
    there is not more than `older_years` ago.
    """

    field: str = "mark_for_deletion"
    protected: frozenset[str] = frozenset()
    older_field: str | None = None
    older_years: int = 0


@dataclass(frozen=True)
class Limit:
    """Over `floor`, a kind is withheld above `max_count` changes or `max_percent` of the partner organizations."""

    floor: int = 0
    max_count: int | None = None
    max_percent: float | None = None


@dataclass(frozen=True)
class Retry:
    """Delays of Airflow's retries after a retryable error, in seconds."""

    first_seconds: float = 15
    max_seconds: float = 300


@dataclass(frozen=True)
class Calls:
    """How a single HTTP call behaves; seconds, attempts, and percent of the quota left to others."""

    connect_seconds: float = 10
    read_seconds: float = 60
    attempts: int = 4
    first_wait_seconds: float = 1
    max_wait_seconds: float = 90
    reserve_percent: float = 20


@dataclass(frozen=True)
class Sync:
    """How batches are written; see the comments in `partner_sync.toml`."""

    jobs_in_flight: int = 20
    poll_seconds: float = 1
    visit_seconds: float = 30
    come_back_seconds: float = 10
    settle_seconds: float = 10
    job_minutes: float = 20
    max_plan_age_hours: float = 6
    submits: int = 3


@dataclass(frozen=True)
class Config:
    """The whole file. `digest` is the SHA-256 of its text, so that a plan tells which rules made it."""

    accounts: Accounts
    instances: tuple[Instance, ...]
    attributes: tuple[Attribute, ...]
    partners: Partners
    digest: str
    problems: str = "report"
    adoption: str = "update"
    marks: Marks = field(default_factory=Marks)
    limits: dict[Kind, Limit] = field(default_factory=lambda: {"mark": Limit(floor=10, max_percent=20)})
    retry: Retry = field(default_factory=Retry)
    calls: Calls = field(default_factory=Calls)
    sync: Sync = field(default_factory=Sync)

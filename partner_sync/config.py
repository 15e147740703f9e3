"""What `dags/partner_sync.toml` says, as frozen data: text in, `Config` or one `ConfigError` with all mistakes out.

The dataclasses below are the one place where a setting's type, default, bounds and meaning are declared; `schema` gives
them as JSON schema, for the reference in the README.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import sys
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import ConfigDict, Field, PlainValidator, TypeAdapter, ValidationError, with_config

from partner_sync import consistency, mistakes
from partner_sync.errors import ConfigError, Mistake
from partner_sync.ids import id_18
from partner_sync.model import Kind

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")
Rule = Literal["id_18", "id_15", "text", "checkbox", "dropdown", "date", "number"]

_STRICT = ConfigDict(extra="forbid", strict=True)
_NAME = r"^[A-Za-z][A-Za-z0-9_]*$"
_PATH = r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$"
_KEY = r"^[A-Za-z0-9_]+$"


def _text_or_truth(value: object) -> str | bool:
    if isinstance(value, bool) or (isinstance(value, str) and value.strip()):
        return value
    raise ValueError


def _one_or_several(value: object) -> str | tuple[str, ...]:
    several: list[object] = value if isinstance(value, list) else [value]
    words = tuple(one for one in several if isinstance(one, str) and one.strip())
    if not several or len(words) < len(several):
        raise ValueError
    return words if isinstance(value, list) else words[0]


Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
TextOrTruth = Annotated[str | bool, PlainValidator(_text_or_truth, json_schema_input_type=str | bool)]
OneOrSeveral = Annotated[str | tuple[str, ...], PlainValidator(_one_or_several, json_schema_input_type=str | list[str])]


@dataclass(frozen=True)
class Accounts:
    """Which accounts are read: by the values that a field of `filter` may have, and by id (`pinned`, 18 characters)."""

    connection: str
    object: str
    id: str
    name: str
    pinned: tuple[str, ...]
    filter: dict[str, tuple[str, ...]]
    """One value is written as `=`, several, or a list of one, as `IN`: see `listed`."""
    listed: frozenset[str] = frozenset()
    """Fields of `filter` that the file gives as a list."""


@with_config(_STRICT)
@dataclass(frozen=True)
class AccountsTable:
    """`Accounts` as the file has it."""

    connection: Annotated[Text, Field(description="the id of the Airflow Connection to Salesforce")]
    object: Annotated[str, Field(pattern=_NAME, description="the Salesforce object that is read")]
    id: Annotated[str, Field(pattern=_PATH, description="the Salesforce field with the account's id")]
    name: Annotated[str, Field(pattern=_PATH, description="the Salesforce field with the account's name")]
    filter: Annotated[
        dict[Annotated[str, Field(pattern=_PATH)], OneOrSeveral],
        Field(
            min_length=1,
            description="a table of Salesforce fields and the value, or the list of values, that each may have",
        ),
    ]
    pinned: Annotated[
        tuple[str, ...],
        Field(description="a list of account ids that are read whatever the filter says; missing, they are a problem"),
    ] = ()

    def built(self) -> Accounts:
        filter_ = {key: (value,) if isinstance(value, str) else value for key, value in self.filter.items()}
        listed = frozenset(key for key, value in self.filter.items() if not isinstance(value, str))
        pinned = tuple(id_18(one) or one for one in self.pinned)
        return Accounts(self.connection, self.object, self.id, self.name, pinned, filter_, listed)


@with_config(_STRICT)
@dataclass(frozen=True)
class Instance:
    """One Zendesk account: its name here, the id of its Airflow Connection, and whether it may be written."""

    name: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="the instance's name here: lower case, digits, _")
    ]
    connection: Annotated[Text, Field(description="the id of the Airflow Connection to this Zendesk account")]
    write: Annotated[bool, Field(description="true, or false for an instance that is read and reported only")]


@with_config(_STRICT)
@dataclass(frozen=True)
class Attribute:
    """One row of the mapping. `rule` is id_18, id_15, text, checkbox, dropdown, date or number."""

    field: Annotated[
        str, Field(pattern=_KEY, description='"name", or the key of the organization field that is written')
    ]
    source: Annotated[str, Field(alias="from", pattern=_PATH, description="the Salesforce field that it follows")]
    rule: Annotated[Rule, Field(description="how the one becomes the other")]
    true_for: Annotated[
        tuple[TextOrTruth, ...],
        Field(description="of a checkbox: a list of the Salesforce values that tick it; case does not count"),
    ] = ()
    options: Annotated[
        dict[Text, Annotated[str, Field(pattern=r"^\S+$")]],
        Field(
            description="of a drop-down: a table of Salesforce values, where case does not count, and the values of"
            " the Zendesk options"
        ),
    ] = dataclasses.field(default_factory=dict)
    """Casefolded Salesforce value to the value of the Zendesk option."""
    pinned: Annotated[
        str | None,
        Field(pattern=r"^\S+$", description="of a drop-down: the value of the option that pinned accounts get"),
    ] = None

    @property
    def values(self) -> tuple[str, ...]:
        """Every option that this row can write, each once."""
        return tuple(dict.fromkeys([*self.options.values(), *([self.pinned] if self.pinned else [])]))


@with_config(_STRICT)
@dataclass(frozen=True)
class Partners:
    """What makes an organization a partner organization: one of `values` in organization field `field`."""

    field: Annotated[str, Field(pattern=_KEY, description="the key of the drop-down that tells partner organizations")]
    values: Annotated[
        tuple[str, ...], Field(min_length=1, description="a list of its values that make a partner organization")
    ]


@dataclass(frozen=True)
class Marks:
    """The checkbox that marks, and who is not marked: `protected` 18-character ids; with `older_field`, whoever's date
    there is not more than `older_years` ago.
    """

    field: str = "mark_for_deletion"
    protected: frozenset[str] = frozenset()
    older_field: str | None = None
    older_years: int = 0


@with_config(_STRICT)
@dataclass(frozen=True)
class Older:
    """The older rule as the file has it."""

    field: Annotated[str, Field(pattern=_KEY, description="the key of the date field that counts")]
    years: Annotated[int, Field(gt=0, le=100, description="how many years ago the date must be, at least")]


@with_config(_STRICT)
@dataclass(frozen=True)
class MarksTable:
    """`Marks` as the file has it."""

    field: Annotated[
        str, Field(pattern=_KEY, description="the key of the checkbox that marks; false for every live partner")
    ] = Marks.field
    protected: Annotated[
        tuple[str, ...], Field(description="a list of account ids whose organizations are never marked")
    ] = ()
    only_if_older: Annotated[
        Older | None, Field(description="a table of field and years: only what is older is marked")
    ] = None

    def built(self) -> Marks:
        older = self.only_if_older
        protected = frozenset(id_18(one) or one for one in self.protected)
        return Marks(self.field, protected, older.field if older else None, older.years if older else 0)


@with_config(_STRICT)
@dataclass(frozen=True)
class Limit:
    """Over `floor`, a kind is withheld above `max_count` changes or `max_percent` of the partner organizations."""

    floor: Annotated[
        int, Field(ge=0, description="how many changes of this kind are never too many, whatever the rest says")
    ] = 0
    max_count: Annotated[int | None, Field(ge=0, description="the most changes of this kind in one run")] = None
    max_percent: Annotated[
        float | None,
        Field(
            ge=0,
            le=100,
            allow_inf_nan=False,
            description="the most changes of this kind in one run, in percent of the instance's partner organizations",
        ),
    ] = None


LIMITS: dict[Kind, Limit] = {"mark": Limit(floor=10, max_percent=20)}
"""What holds for a kind that the file does not limit."""


@with_config(_STRICT)
@dataclass(frozen=True)
class Retry:
    """Delays of Airflow's retries after a retryable error, in seconds."""

    first_seconds: Annotated[
        Seconds, Field(description="the first delay; doubled at each further try, unless the system names a time")
    ] = 15
    max_seconds: Annotated[Seconds, Field(description="the longest delay")] = 300


@with_config(_STRICT)
@dataclass(frozen=True)
class Calls:
    """How a single HTTP call behaves; seconds, attempts, and percent of the quota left to others."""

    connect_seconds: Annotated[Seconds, Field(description="how long a connection may take to come about")] = 10
    read_seconds: Annotated[Seconds, Field(description="how long an answer may be silent")] = 60
    attempts: Annotated[
        int, Field(ge=1, description="attempts of a read or a token request; a write is repeated after a 429 only")
    ] = 4
    first_wait_seconds: Annotated[
        Seconds, Field(description="the first wait; doubled at each further attempt, unless the system names a time")
    ] = 1
    max_wait_seconds: Annotated[
        Seconds, Field(description="the longest wait; asked to wait longer, the task lets Airflow come back")
    ] = 90
    reserve_percent: Annotated[
        float, Field(ge=0, lt=100, allow_inf_nan=False, description="percent of the request quota left to others")
    ] = 20


@with_config(_STRICT)
@dataclass(frozen=True)
class Sync:
    """How batches are written; see the comments in `partner_sync.toml`."""

    jobs_in_flight: Annotated[
        int, Field(ge=1, le=30, description="bulk jobs queued or running at once; Zendesk allows 30")
    ] = 20
    poll_seconds: Annotated[Seconds, Field(description="between two looks at a job inside one visit")] = 1
    visit_seconds: Annotated[
        Seconds, Field(description="all batches together poll this long before they give their worker slot back")
    ] = 30
    come_back_seconds: Annotated[
        Seconds, Field(description="until the next visit; nearer dates lose visits in the scheduler")
    ] = 10
    settle_seconds: Annotated[
        Seconds, Field(description="after a submit without an answer, before the absence of its job counts")
    ] = 10
    job_minutes: Annotated[
        Seconds, Field(description="minutes after which a waiting batch fails with JobPendingError")
    ] = 20
    max_plan_age_hours: Annotated[
        Seconds, Field(description="hours after which a plan is not written: clear the gather tasks instead")
    ] = 6
    submits: Annotated[
        int, Field(ge=1, description="submits of one batch, where the outcome of the one before was lost")
    ] = 3


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
    limits: dict[Kind, Limit] = field(default_factory=lambda: dict(LIMITS))
    retry: Retry = field(default_factory=Retry)
    calls: Calls = field(default_factory=Calls)
    sync: Sync = field(default_factory=Sync)


@with_config(_STRICT)
@dataclass(frozen=True)
class ConfigFile:
    """`Config` as the file has it."""

    accounts: Annotated[AccountsTable, Field(description="the table that says which accounts are read")]
    instances: Annotated[
        tuple[Instance, ...], Field(min_length=1, description="a list of Zendesk accounts, each a [[instances]] table")
    ]
    attributes: Annotated[
        tuple[Attribute, ...], Field(min_length=1, description="the mapping, one [[attributes]] table a row")
    ]
    partners: Annotated[Partners, Field(description="the table that says what makes a partner organization")]
    problems: Annotated[
        Literal["report", "fail"],
        Field(description="what a problem does to the run; its healthy changes are written all the same"),
    ] = "report"
    adoption: Annotated[
        Literal["update", "problem"],
        Field(description="what becomes of an account's organization that is no partner organization yet"),
    ] = "update"
    marks: Annotated[MarksTable, Field(description="the table that says how and whom a mark meets")] = MarksTable()
    limits: Annotated[
        dict[Kind, Limit],
        Field(description="limits per instance, a table for each kind of change; marks have one in any case"),
    ] = field(default_factory=lambda: dict(LIMITS))
    retry: Annotated[Retry, Field(description="the table of Airflow's retries")] = Retry()
    calls: Annotated[Calls, Field(description="the table that says how one HTTP call behaves")] = Calls()
    sync: Annotated[Sync, Field(description="the table that says how batches are written")] = Sync()

    def built(self, digest: str) -> Config:
        return Config(
            accounts=self.accounts.built(),
            instances=self.instances,
            attributes=tuple(_casefolded(attribute) for attribute in self.attributes),
            partners=self.partners,
            digest=digest,
            problems=self.problems,
            adoption=self.adoption,
            marks=self.marks.built(),
            limits=LIMITS | self.limits,
            retry=self.retry,
            calls=self.calls,
            sync=self.sync,
        )


def load(text: str, where: str) -> Config:
    """The config in a TOML text; `where` names the file in the error.

    :raises ConfigError: with every mistake in it.
    """
    table = _toml(text, where)
    file, found = _read(ConfigFile, table)
    found += consistency.mistakes(_parts(table))
    if file is None or found:
        raise ConfigError(where, found)
    return file.built(hashlib.sha256(text.encode()).hexdigest())


def schema() -> dict[str, Any]:
    """Every setting with its type, default, bounds and meaning, as JSON schema."""
    return _described(ConfigFile)


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))  # some editors begin a file with this mark
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line \d+", str(error))
        key = at.group() if at else "the end"
        raise ConfigError(where, [Mistake(key, f"is not TOML: {error}", "See https://toml.io.")]) from error


def _parts(table: dict[str, Any]) -> consistency.Parts:
    """Whatever is well-formed by itself, so that what it says together can be checked although the rest is not."""
    rows = {key: table[key] if isinstance(table.get(key), list) else [] for key in ("instances", "attributes")}
    limits = table["limits"] if isinstance(table.get("limits"), dict) else {}
    instances = [(at, _read(Instance, row)[0]) for at, row in enumerate(rows["instances"])]
    attributes = [(at, _read(Attribute, row)[0]) for at, row in enumerate(rows["attributes"])]
    return consistency.Parts(
        accounts=_read(AccountsTable, table.get("accounts"))[0],
        instances=[(at, row) for at, row in instances if row],
        attributes=[(at, row) for at, row in attributes if row],
        all_attributes=bool(attributes) and all(row for _, row in attributes),
        partners=_read(Partners, table.get("partners"))[0],
        marks=_read(MarksTable, table.get("marks", {}))[0],
        limits={kind: limit for kind, row in limits.items() if (limit := _read(Limit, row)[0])},
        retry=_read(Retry, table.get("retry", {}))[0],
        calls=_read(Calls, table.get("calls", {}))[0],
    )


def _read(kind: type[T], table: object) -> tuple[T | None, list[Mistake]]:
    adapter: TypeAdapter[T] = _adapter(cast(Any, kind))  # mypy holds a type variable's class for unhashable
    try:
        # By way of JSON, since only there a strict list becomes a tuple; a TOML date becomes what nothing accepts.
        return adapter.validate_json(json.dumps(table, default=lambda date: {"date": str(date)})), []
    except ValidationError as error:
        return None, mistakes.from_errors(error.errors(include_url=False), _described(cast(Any, kind)))


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@cache
def _described(kind: Any) -> dict[str, Any]:
    return _adapter(kind).json_schema()


def _casefolded(attribute: Attribute) -> Attribute:
    options = {value.strip().casefold(): option for value, option in attribute.options.items()}
    return dataclasses.replace(attribute, options=options)

"""What `dags/partner_sync.toml` says, as frozen data: text in, `Config` or one `ConfigError` with all errors out."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import sys
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, with_config

from partner_sync.config import cross_checks, validation
from partner_sync.config.limits import LIMITS, Approvals, Limit, LimitName, Resting
from partner_sync.config.settings import (
    STRICT,
    Accounts,
    Attribute,
    Calls,
    Instance,
    Marks,
    Partners,
    Reads,
    Retry,
    Sync,
)
from partner_sync.errors import ConfigError, Finding

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")


def _with_defaults(limits: dict[LimitName, Limit]) -> dict[LimitName, Limit]:
    """The limits of the file and those it has no table for. The budget of marks holds unless the file has another."""
    found = LIMITS | limits
    if found["mark"].max_percent_7_days is None:
        budget = LIMITS["mark"].max_percent_7_days
        found["mark"] = dataclasses.replace(found["mark"], max_percent_7_days=budget)
    return found


@with_config(STRICT)
@dataclass(frozen=True)
class ConfigFile:
    """The tables and settings of the file."""

    accounts: Annotated[Accounts, Field(description="the table that says which accounts are read")]
    instances: Annotated[
        tuple[Instance, ...], Field(min_length=1, description="a list of Zendesk accounts, each a [[instances]] table")
    ]
    attributes: Annotated[
        tuple[Attribute, ...], Field(min_length=1, description="the mapping, one [[attributes]] table for each field")
    ]
    partners: Annotated[Partners, Field(description="the table that says what makes a partner organization")]
    problems: Annotated[
        Literal["report", "fail"],
        Field(description="whether problems also fail the run; other changes are written either way"),
    ] = "report"
    adoption: Annotated[
        Literal["update", "problem"],
        Field(description="what happens to an account's organization that is not a partner organization yet"),
    ] = "update"
    marks: Annotated[Marks, Field(description="the table that says which organizations are marked, and how")] = field(
        default_factory=Marks
    )
    limits: Annotated[
        dict[LimitName, Limit],
        AfterValidator(_with_defaults),
        Field(description="limits per instance, a table for each kind of change, for emptied fields and changed rules"),
    ] = field(default_factory=lambda: dict(LIMITS))
    approvals: Annotated[
        Approvals,
        Field(description="the table that says who decides about changes, and for how long an approval is in force"),
    ] = field(default_factory=Approvals)
    resting: Annotated[Resting, Field(description="the table about values that Zendesk does not keep")] = field(
        default_factory=Resting
    )
    reads: Annotated[Reads, Field(description="the table that says which reads can be compared")] = field(
        default_factory=Reads
    )
    retry: Annotated[Retry, Field(description="the table of Airflow's retries")] = field(default_factory=Retry)
    calls: Annotated[Calls, Field(description="the table that says how one HTTP call behaves")] = field(
        default_factory=Calls
    )
    sync: Annotated[Sync, Field(description="the table that says how batches are written")] = field(
        default_factory=Sync
    )


@dataclass(frozen=True, kw_only=True)
class Config(ConfigFile):
    """The whole file. `digest` is the SHA-256 of its `text`, by which a plan names the config that made it."""

    digest: str
    text: str


def load(text: str, where: str) -> Config:
    """The config in a TOML text; `where` names the file in the error.

    :raises ConfigError: with every error in it.
    """
    toml = text.removeprefix("\ufeff")  # some editors begin a file with this mark
    table = _toml(toml, where)
    file, found = _read(ConfigFile, table)
    found += cross_checks.findings(_parts(table))
    if file is None or found:
        raise ConfigError(where, validation.located(found, table, _lines(toml)))
    attributes = tuple(_casefolded(attribute) for attribute in file.attributes)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Config(**vars(file) | {"attributes": attributes}, digest=digest, text=text)


def schema() -> dict[str, Any]:
    """Every setting with its type, default, bounds and meaning, as JSON schema."""
    return _described(ConfigFile)


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line \d+", str(error))
        key = at.group() if at else "the end"
        raise ConfigError(where, [Finding(key, f"is not TOML: {error}", "See https://toml.io.")]) from error


def _lines(text: str) -> dict[validation.Loc, int]:
    """The line on which each table, row and key of a TOML text begins: the text is read again up to each line's end."""
    lines, found, start = text.split("\n"), dict[validation.Loc, int](), 1
    for end in range(1, len(lines) + 1):
        try:
            table = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a value of several lines
        for loc in validation.locs(table):
            found.setdefault(loc, start)
        start = end + 1
    return found


def _parts(table: dict[str, Any]) -> cross_checks.Parts:
    """Whatever is well-formed by itself, so that what it says together can be checked although the rest is not."""
    rows = {key: table[key] if isinstance(table.get(key), list) else [] for key in ("instances", "attributes")}
    limits = table["limits"] if isinstance(table.get("limits"), dict) else {}
    instances = [(at, _read(Instance, row)[0]) for at, row in enumerate(rows["instances"])]
    attributes = [(at, _read(Attribute, row)[0]) for at, row in enumerate(rows["attributes"])]
    return cross_checks.Parts(
        accounts=_read(Accounts, table.get("accounts"))[0],
        instances=[(at, row) for at, row in instances if row],
        attributes=[(at, row) for at, row in attributes if row],
        all_attributes=bool(attributes) and all(row for _, row in attributes),
        partners=_read(Partners, table.get("partners"))[0],
        marks=_read(Marks, table.get("marks", {}))[0],
        limits={kind: limit for kind, row in limits.items() if (limit := _read(Limit, row)[0])},
        reads=_read(Reads, table.get("reads", {}))[0],
        sync=_read(Sync, table.get("sync", {}))[0],
        retry=_read(Retry, table.get("retry", {}))[0],
        calls=_read(Calls, table.get("calls", {}))[0],
    )


def _read(kind: type[T], table: object) -> tuple[T | None, list[Finding]]:
    adapter: TypeAdapter[T] = _adapter(cast(Any, kind))  # mypy holds a type variable's class for unhashable
    try:
        # By way of JSON, since only there a strict list becomes a tuple; a TOML date becomes what nothing accepts.
        return adapter.validate_json(json.dumps(table, default=lambda date: {"date": str(date)})), []
    except ValidationError as error:
        return None, validation.from_errors(error.errors(include_url=False), _described(cast(Any, kind)))


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@cache
def _described(kind: Any) -> dict[str, Any]:
    return _adapter(kind).json_schema()


def _casefolded(attribute: Attribute) -> Attribute:
    options = {value.strip().casefold(): option for value, option in attribute.options.items()}
    return dataclasses.replace(attribute, options=options)

"""Data to JSON and back. Values from an XCom or the archive are validated.

An XCom is `{"schema": "AccountsSnapshot/2", "json": "<text>"}`: a single text, since Airflow would serialize a nested
value row by row. pydantic's adapters work on our plain dataclasses.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from partner_sync.archive.memory_records import (
    Armed,
    Decision,
    EndedKeys,
    HoldRecord,
    MarkedOrganizations,
    Memory,
    Taken,
    Withdrawal,
)
from partner_sync.archive.records import (
    AlarmNote,
    CandidateJobs,
    EventsClaim,
    Failure,
    OpenJob,
    PartnerStates,
    RowVerdict,
    RunRecord,
)
from partner_sync.errors import SnapshotError
from partner_sync.model import AccountsSnapshot, Batch, OrganizationsSnapshot, Plan, PlanOrder

T = TypeVar("T")

VERSIONS: dict[type, int] = {
    AccountsSnapshot: 2,
    OrganizationsSnapshot: 2,
    Plan: 4,
    Batch: 4,
    PlanOrder: 1,
    OpenJob: 2,
    CandidateJobs: 1,
    EventsClaim: 1,
    RowVerdict: 1,
    RunRecord: 4,
    AlarmNote: 2,
    Failure: 1,
    PartnerStates: 1,
    Armed: 1,
    Decision: 2,
    Withdrawal: 2,
    EndedKeys: 1,
    Taken: 1,
    HoldRecord: 1,
    Memory: 1,
    MarkedOrganizations: 1,
}
"""Increased when a shape changes, so that an object of an earlier release is refused instead of misread. Shapes that
only folders above know are at 1."""


def schema_name(cls: type) -> str:
    return f"{cls.__name__}/{VERSIONS.get(cls, 1)}"


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(cls: type) -> TypeAdapter[Any]:
    """Adapters are built on first use: each takes milliseconds, which would slow down parsing of the DAG."""
    if cls not in _adapters:
        _adapters[cls] = TypeAdapter(cls)
    return _adapters[cls]


def to_json(value: object, *, indent: int | None = None) -> str:
    """A value of a type in `VERSIONS` as JSON text. A lone surrogate, which UTF-8 cannot encode, becomes U+FFFD."""
    adapter = _adapter(type(value))
    try:
        return adapter.dump_json(value, indent=indent).decode()
    except PydanticSerializationError:
        text = json.dumps(adapter.dump_python(value, mode="json"), ensure_ascii=False, indent=indent)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def from_json(cls: type[T], text: str | bytes, *, source: str, next_step: str) -> T:
    """The value in `text`. Raises SnapshotError, with `source` and `next_step`, for any other shape."""
    try:
        return cast("T", _adapter(cls).validate_json(text))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        at = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise SnapshotError(f"{source} is not a {schema_name(cls)}: {at}: {first['msg']}. {next_step}") from None


def dump(value: object) -> dict[str, str]:
    """A value of a type in `VERSIONS` as an XCom."""
    return {"schema": schema_name(type(value)), "json": to_json(value)}


def load_value(cls: type[T], xcom: object, *, source: str, next_step: str) -> T:
    """The value in an XCom. Raises SnapshotError for a missing one (None), a dangling one, or one of another schema.

    For a missing or damaged object, the XCom backend of common.io returns the text of its path instead of raising.
    """
    if xcom is None:
        raise SnapshotError(f"{source} is missing. {next_step}")
    if isinstance(xcom, str):
        raise SnapshotError(f"{source} points to an object that is not there any more, or is damaged. {next_step}")
    envelope = cast("dict[str, object]", xcom) if isinstance(xcom, dict) else {}
    if envelope.get("schema") != schema_name(cls) or not isinstance(envelope.get("json"), str):
        raise SnapshotError(f"{source} is not a {schema_name(cls)}. {next_step}")
    return from_json(cls, cast("str", envelope["json"]), source=source, next_step=next_step)


def as_json(value: object) -> Any:
    """A value of the model as lists, dicts and texts for `json.dumps`."""
    return _adapter(type(value)).dump_python(value, mode="json")

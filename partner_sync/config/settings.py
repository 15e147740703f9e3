"""The tables of `dags/partner_sync.toml` as frozen data: each setting's type, default, bounds, unit and meaning.

They are declared here and in `config/load.py`, which reads the file; the documentation is generated from them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, with_config

from partner_sync.ids import id_18

Rule = Literal["id_18", "id_15", "text", "checkbox", "dropdown", "date", "number"]

STRICT = ConfigDict(extra="forbid", strict=True)
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


AccountId = Annotated[str, AfterValidator(lambda text: id_18(text) or text)]
"""In 18 characters. `cross_checks` reports an id that is not valid."""
Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False, json_schema_extra={"unit": "seconds"})]
Minutes = Annotated[float, Field(gt=0, allow_inf_nan=False, json_schema_extra={"unit": "minutes"})]
Hours = Annotated[float, Field(gt=0, allow_inf_nan=False, json_schema_extra={"unit": "hours"})]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False, json_schema_extra={"unit": "%"})]
Changes = Annotated[int, Field(ge=0, json_schema_extra={"unit": "changes"})]
Years = Annotated[int, Field(gt=0, le=100, json_schema_extra={"unit": "years"})]
Jobs = Annotated[int, Field(ge=1, le=30, json_schema_extra={"unit": "jobs"})]
Times = Annotated[int, Field(ge=1, json_schema_extra={"unit": "times"})]
TextOrTruth = Annotated[str | bool, PlainValidator(_text_or_truth, json_schema_input_type=str | bool)]
OneOrSeveral = Annotated[str | tuple[str, ...], PlainValidator(_one_or_several, json_schema_input_type=str | list[str])]


@with_config(STRICT)
@dataclass(frozen=True)
class Accounts:
    """Which accounts are read: by the values that a field of `filter` may have, and by id (`pinned`, 18 characters)."""

    connection: Annotated[Text, Field(description="the id of the Airflow Connection to Salesforce")]
    object: Annotated[str, Field(pattern=_NAME, description="the Salesforce object that is read")]
    id: Annotated[str, Field(pattern=_PATH, description="the Salesforce field with the account's id")]
    name: Annotated[str, Field(pattern=_PATH, description="the Salesforce field with the account's name")]
    filter: Annotated[
        dict[Annotated[str, Field(pattern=_PATH)], OneOrSeveral],
        Field(
            min_length=1,
            description="a table of Salesforce fields, each with the value or list of values to read",
        ),
    ]
    """A value is written as `=`, a list as `IN`."""
    pinned: Annotated[
        tuple[AccountId, ...],
        Field(description="a list of account ids that are always read; a missing account is a problem"),
    ] = ()


@with_config(STRICT)
@dataclass(frozen=True)
class Instance:
    """One Zendesk account: its name here, the id of its Airflow Connection, and whether it may be written."""

    name: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="a name for the instance: lower case, digits, _")
    ]
    connection: Annotated[Text, Field(description="the id of the Airflow Connection to this Zendesk account")]
    write: Annotated[bool, Field(description="true, or false for an instance that is only read and reported")]


@with_config(STRICT)
@dataclass(frozen=True)
class Attribute:
    """One row of the mapping. `rule` is id_18, id_15, text, checkbox, dropdown, date or number."""

    field: Annotated[
        str, Field(pattern=_KEY, description='"name", or the key of the organization field that is written')
    ]
    source: Annotated[
        str, Field(alias="from", pattern=_PATH, description="the Salesforce field that supplies the value")
    ]
    rule: Annotated[Rule, Field(description="how the Salesforce value is converted")]
    true_for: Annotated[
        tuple[TextOrTruth, ...],
        Field(description="for a checkbox: a list of Salesforce values that check it, in any case"),
    ] = ()
    options: Annotated[
        dict[Text, Annotated[str, Field(pattern=r"^\S+$")]],
        Field(description="for a drop-down: a table of Salesforce values, in any case, to values of Zendesk options"),
    ] = dataclasses.field(default_factory=dict)
    """Casefolded Salesforce value to the value of the Zendesk option."""
    pinned: Annotated[
        str | None,
        Field(pattern=r"^\S+$", description="for a drop-down: the value of the option that pinned accounts get"),
    ] = None
    policy: Annotated[
        Literal["source", "if_empty", "once"],
        Field(
            description="source: follows Salesforce; if_empty: written only while it is empty in Zendesk; once: written"
            " only when the organization is created"
        ),
    ] = "source"
    clear: Annotated[bool, Field(description="false: an empty value in Salesforce never clears the field")] = True

    def leaves(self, before: str | bool | float | None, want: str | bool | float | None) -> bool:
        """Whether the field of an existing organization keeps its canonical value `before` although `want` differs."""
        if self.policy == "once" or (want is None and not self.clear):
            return True
        return self.policy == "if_empty" and before is not None

    @property
    def values(self) -> tuple[str, ...]:
        """Every option that this row can write, each once."""
        return tuple(dict.fromkeys([*self.options.values(), *([self.pinned] if self.pinned else [])]))


@with_config(STRICT)
@dataclass(frozen=True)
class Partners:
    """What makes an organization a partner organization: one of `values` in organization field `field`."""

    field: Annotated[str, Field(pattern=_KEY, description="the key of the drop-down that marks partner organizations")]
    values: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="a list of values of that field; each makes a partner organization"),
    ]


@with_config(STRICT)
@dataclass(frozen=True)
class OnlyIfOlder:
    """Narrows marks by a date more than `years` ago: in `field` of Zendesk or `source` of Salesforce."""

    years: Annotated[Years, Field(description="the minimum age of that date")]
    field: Annotated[str | None, Field(pattern=_KEY, description="the key of a date field of the organization")] = None
    source: Annotated[
        str | None,
        Field(alias="from", pattern=_PATH, description="or a Salesforce date field of the missing account"),
    ] = None


@with_config(STRICT)
@dataclass(frozen=True)
class Marks:
    """The checkbox that marks an organization, and the organizations that are never marked."""

    field: Annotated[
        str, Field(pattern=_KEY, description="the key of the checkbox that marks; a partner that returns is un-marked")
    ] = "mark_for_deletion"
    protected: Annotated[
        tuple[AccountId, ...], Field(description="a list of account ids whose organizations are never marked")
    ] = ()
    only_if_older: Annotated[
        OnlyIfOlder | None,
        Field(description="a table with years, and field or from: only older organizations are marked"),
    ] = None
    grace_days: Annotated[
        float,
        Field(
            ge=0,
            allow_inf_nan=False,
            json_schema_extra={"unit": "days"},
            description="how long an account must be missing, in every complete run, before its organization is marked",
        ),
    ] = 0
    merged: Annotated[
        Literal["problem", "mark"],
        Field(description="what happens to the organization of an account that was merged into another"),
    ] = "problem"
    no_trace: Annotated[
        Literal["hold", "mark"],
        Field(description="what happens if Salesforce shows no record of an account: it may be hidden, not gone"),
    ] = "hold"
    open_tickets: Annotated[
        Literal["hold", "show", "ignore"],
        Field(description="whether a mark waits until its organization's tickets are solved, shows or ignores them"),
    ] = "hold"
    recheck_minutes: Annotated[
        Minutes, Field(description="after this time Salesforce and Zendesk are asked again about a mark that waits")
    ] = 60


@with_config(STRICT)
@dataclass(frozen=True)
class Reads:
    """What two reads must be for a plan, and how often organizations are listed in full."""

    max_skew_minutes: Annotated[
        Minutes,
        Field(description="the most between the beginnings of the two reads; for more, clear both gather tasks"),
    ] = 30
    full_every_hours: Annotated[
        Hours, Field(description="how long after a full listing organizations are read by what changed; see Reads")
    ] = 24


@with_config(STRICT)
@dataclass(frozen=True)
class Retry:
    """Delays of Airflow's retries after a retryable error, in seconds."""

    first_seconds: Annotated[
        Seconds, Field(description="the first delay; each further delay is double, unless the system names a time")
    ] = 15
    max_seconds: Annotated[Seconds, Field(description="the longest delay")] = 300


@with_config(STRICT)
@dataclass(frozen=True)
class Calls:
    """How a single HTTP call behaves; seconds, attempts, and percent of the quota left to others."""

    connect_seconds: Annotated[Seconds, Field(description="how long to wait for a connection")] = 10
    read_seconds: Annotated[Seconds, Field(description="how long to wait for data of a response")] = 60
    attempts: Annotated[
        Times,
        Field(description="attempts of a read or token request; of a write only if it did not arrive"),
    ] = 4
    first_wait_seconds: Annotated[
        Seconds, Field(description="the first wait; each further wait is double, unless the system names a time")
    ] = 1
    max_wait_seconds: Annotated[
        Seconds, Field(description="the longest wait; for a longer wait, Airflow tries the task again later")
    ] = 90
    reserve_percent: Annotated[
        Percent, Field(lt=100, description="the part of Zendesk's requests a minute that is left to other clients")
    ] = 20


@with_config(STRICT)
@dataclass(frozen=True)
class Sync:
    """How batches are written; see the comments in `partner_sync.toml`."""

    jobs_in_flight: Annotated[Jobs, Field(description="bulk jobs queued or running at once; Zendesk allows 30")] = 20
    poll_seconds: Annotated[Seconds, Field(description="between two polls of a job within one attempt")] = 1
    polling_seconds: Annotated[
        Seconds, Field(description="polling time of all batches together, before they free their worker slots")
    ] = 30
    reschedule_seconds: Annotated[
        Seconds, Field(description="until the next attempt; with less, the scheduler can miss attempts")
    ] = 10
    submit_seconds: Annotated[
        Seconds, Field(description="from announcing a submit to sending it; after that, the batch starts over")
    ] = 10
    job_minutes: Annotated[
        Minutes, Field(description="the longest a batch waits before it fails with JobPendingError")
    ] = 20
    max_plan_age_hours: Annotated[
        Hours, Field(description="the oldest plan that is written; for an older plan, clear both gather tasks")
    ] = 6
    submits: Annotated[
        Times, Field(description="submits of one batch, if the outcome of the previous submit was lost")
    ] = 3

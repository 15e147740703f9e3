"""What only the archive stores: runs, failures, verdicts, partner states, open jobs, alarms.

Field names are JSON keys of the archive and stay stable, so that archived objects remain readable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from partner_sync.model import (
    FAILED_VERDICTS,
    VERDICTS,
    Kind,
    Plan,
    PlanOrder,
    Value,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class PartnerState:
    """A partner as it was last read. `desired` is None without an account, `existing` without an organization."""

    account_id: str | None
    organization_id: int | None
    name: str
    desired: tuple[Value, ...] | None
    existing: tuple[Value, ...] | None
    marked: bool


@dataclass(frozen=True, slots=True)
class PartnerStates:
    """The state of every partner of an instance; the values of a row follow `fields`.

    For people, `titles` has the name of a field in Zendesk, and `sources` the Salesforce field and the rule that it
    comes from.
    """

    order: PlanOrder
    instance: str
    fields: tuple[str, ...]
    rows: tuple[PartnerState, ...]
    titles: dict[str, str] = field(default_factory=dict)
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenJob:
    """An entry of the open-job register: a claim of a batch, and the bulk job that was, or may have been, submitted.

    Every claim has its own `token`; a batch has several entries if it was tried again or two processes have it at once.
    `time` is when it was claimed; `intended` when the submit was announced (None before that); `rows` are the positions
    in the batch that the submit holds. `sent` (positions), `submits` and `calls` cover earlier claims of the batch too.
    `known_job` is a job that Zendesk had before the submit. A `settled` entry has no job that can still run. It blocks
    nobody, and stays until its batch has reported what was sent. `run_id` and `run_after` lead to the plan.
    """

    order: PlanOrder
    batch: str
    token: str
    digest: str
    run_id: str
    run_after: datetime
    time: datetime
    intended: datetime | None = None
    job_id: str | None = None
    known_job: str | None = None
    rows: tuple[int, ...] = ()
    sent: tuple[int, ...] = ()
    submits: int = 0
    calls: int = 0
    settled: bool = False

    @property
    def announced(self) -> bool:
        """Whether a job of it may still run, as far as the register knows."""
        return self.intended is not None and not self.settled

    @property
    def batch_key(self) -> tuple[str, str]:
        return self.order.plan_id, self.batch


@dataclass(frozen=True, slots=True)
class CandidateJobs:
    """Jobs that ran at the first check after the response to a submit was lost. One of them may be the lost job."""

    job_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventsClaim:
    """The batch that emits the asset events of its plan."""

    batch: str


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """The outcome of one change, as a flat line of the archive.

    `written` is whether this or an earlier try sent the row, at `written_at`, in `job_id` unless that response was lost
    (two lines with the same `job_id` are one write). `try_number` is 0 where the batch of a later plan read the row
    back. `vendor_words` is Zendesk's message, `calls` the number of Zendesk calls of its batch until then. `whole_job`
    is whether the row was rejected because its job failed as a whole: that says nothing about its value.
    """

    run_id: str
    plan_id: str
    batch: str
    try_number: int
    at: datetime
    instance: str
    kind: Kind
    account_id: str
    organization_id: int | None
    name: str
    verdict: Verdict
    reason: str
    vendor_words: str
    written: bool
    job_id: str | None
    calls: int
    written_at: datetime | None = None
    whole_job: bool = False


class VerdictTally(Counter[Verdict]):
    """How many rows have each verdict, as "30 confirmed, 2 rejected" in a text."""

    @classmethod
    def of(cls, rows: Iterable[RowVerdict]) -> VerdictTally:
        return cls(row.verdict for row in rows)

    @property
    def failed(self) -> int:
        return sum(self[verdict] for verdict in FAILED_VERDICTS)

    def __str__(self) -> str:
        return ", ".join(f"{self[verdict]} {verdict}" for verdict in VERDICTS if self[verdict])


@dataclass(frozen=True, slots=True)
class Trigger:
    """Who or what started a DAG run, and its params."""

    dag_id: str
    run_id: str
    run_type: str
    triggered_by: str | None
    logical_date: datetime | None
    run_after: datetime
    params: dict[str, object]


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that ended with our error. `batch` is the element of a mapped task; `words` is the vendor's message.

    `retryable` is whether Airflow was going to try again.
    """

    trigger: Trigger
    task: str
    batch: str | None
    try_number: int
    at: datetime
    error: str
    message: str
    words: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The content of `run.json`: the run's trigger, versions, and its newest plan without the changes."""

    trigger: Trigger
    versions: dict[str, str]
    plan: Plan
    hosts: dict[str, str] = field(default_factory=dict)
    """System or instance to the vendor's host, or to the URL of a server on this machine in its place, for links."""
    asked: dict[str, int] = field(default_factory=dict)
    """"salesforce" or instance to the calls of `compare`: lookups, counts of tickets, reads of what is adopted."""

    @property
    def calls_to_read(self) -> dict[str, int]:
        """System ("salesforce", "zendesk") to the calls of all tasks before `sync`, token requests not counted."""
        calls = {"salesforce": 0, "zendesk": 0}
        for proof in self.plan.reads:
            calls["salesforce" if proof.system == "Salesforce" else "zendesk"] += proof.calls
        for name, number in self.asked.items():
            calls[name if name == "salesforce" else "zendesk"] += number
        return calls


AlarmCause = Literal["failed", "hung", "overdue", "unreachable", "withheld", "problems", "rejected", "planning_only"]
ALARM_CAUSES: tuple[AlarmCause, ...] = get_args(AlarmCause)
"""What an alarm is about, the most urgent first. Each cause has an alarm of its own."""


@dataclass(frozen=True, slots=True)
class AlarmNote:
    """An object of the alarm log: a message to the team, the run that caused it, and when it was announced.

    `open` has every open alarm and since when it is open; `new` are those that the team has certainly not heard of.
    """

    run_id: str
    at: datetime
    open: dict[AlarmCause, datetime] = field(default_factory=dict)
    new: tuple[AlarmCause, ...] = ()
    recovered: tuple[AlarmCause, ...] = ()

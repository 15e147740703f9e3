"""Every error that Partner Sync raises on purpose, sorted by what happens next.

PartnerSyncError
├── PermanentError           retrying cannot help: Airflow fails the task at once
│   ├── ConfigError          config, Connection or param is wrong: names every error
│   ├── RejectedError        a system answered 4xx: system, method, path, status, message
│   │   └── AuthenticationError
│   ├── SchemaError          Zendesk's or Salesforce's fields are not what the mapping needs
│   ├── SnapshotError        an XCom or archive object is missing, dangling or foreign: which task to clear
│   ├── WithheldError        a limit was exceeded: kind, count, limit, next step
│   └── VerdictError         rows not confirmed: which and why
└── RetryableError           the same may succeed later: Airflow retries with back-off
    ├── UnavailableError     429, 5xx, time-out, reset; carries retry_after
    │   ├── UnknownHostError
    │   ├── TooManyJobsError
    │   └── QueryLostError
    ├── StorageError         object storage did not read or write an archive object or an XCom
    ├── IncompleteReadError  a read lacks rows, or has one twice
    └── JobPendingError      still running after the total bound

A message says what happened, where, and what to do next. It contains ids, counts and our own reasons: never a token,
header, query string, customer name or row. The vendor's response is an attribute, for the archive.

A class says in its first sentence what happened, and in `advice` what a person does; the documentation shows both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from partner_sync.model import Verdict


class PartnerSyncError(Exception):
    """The root of everything that Partner Sync raises on purpose."""

    advice: ClassVar[str] = "Read the message: it says what happened, where, and what to do next."


class PermanentError(PartnerSyncError):
    """Retrying cannot help; somebody has to change something first."""

    advice = (
        'This class itself is raised only if the config has problems = "fail": fix the problems of the plan, each of'
        " which names its fix."
    )


class RetryableError(PartnerSyncError):
    """The same call may succeed later. `retry_after` is in seconds; None if the vendor named no time."""

    advice = "Nothing while Airflow retries the task. After the last try, see the kind of error below."

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Finding:
    """One wrong setting: its key, what is wrong, and what to write instead; `place` names it by line and row."""

    key: str
    wrong: str
    advice: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.place or self.key} {self.wrong}. {self.advice}"


class ConfigError(PermanentError):
    """Config, Connection or param is wrong. `findings` has every error, so that one round of fixes is enough."""

    advice = (
        "Fix every error that the message lists. Then clear the failed task, or trigger a new run if a param was wrong."
    )

    def __init__(self, where: str, findings: Sequence[Finding]) -> None:
        self.where = where
        self.findings = tuple(findings)
        count = "an error" if len(self.findings) == 1 else f"{len(self.findings)} errors"
        super().__init__("\n  - ".join([f"{where} has {count}:", *map(str, self.findings)]))


class RejectedError(PermanentError):
    """A system answered 4xx. `vendor_message`, at most 2,000 characters of its response, goes to the archive only."""

    advice = (
        "The message names call, status and next step. Usually the user of the Connection lacks a permission (403) or"
        " the host is not an active account (404). Fix it, then clear the failed task."
    )

    def __init__(self, system: str, method: str, path: str, status: int, vendor_message: str, next_step: str) -> None:
        self.system, self.method, self.path, self.status = system, method, path, status
        self.vendor_message = vendor_message[:2000]
        super().__init__(f"{system} refused {method} {path} with {status}. {next_step}")


class AuthenticationError(RejectedError):
    """A system does not accept the credentials of its Connection (401, or a refused token request)."""

    advice = (
        "Check whether the secret was replaced or has expired, whether the client is confidential, and whether its user"
        " is active. Fix the Connection that the message names, then clear the failed task."
    )


class SchemaError(PermanentError):
    """Fields are not what the mapping needs. `findings` names each field, what is wrong, and how to fix it."""

    advice = (
        "For each field that the message names: create or activate it, add the option, let the Connection's user see"
        " it, or correct its row in the config. Nothing was written; clear the failed task."
    )

    def __init__(self, where: str, findings: Sequence[Finding]) -> None:
        self.where = where
        self.findings = tuple(findings)
        lines = "\n".join(f"  - {finding}" for finding in self.findings)
        super().__init__(f"{where} is not what the mapping needs; nothing was written:\n{lines}")


CLEAR_BOTH = "Clear gather_accounts and gather_organizations with downstream."
"""The next step for new snapshots. One of them alone would be compared with an old one: what came in between is missing
there, and would be marked or created twice."""


class SnapshotError(PermanentError):
    """An XCom or archive object is missing, dangling, or of another shape or time. The message says what to clear."""

    advice = (
        "Clear the tasks that the message names, with downstream: the run goes on with fresh snapshots. Where it names"
        " both gather tasks, clear both at once."
    )


class WithheldError(PermanentError):
    """Changes are on hold and need a decision. The message names the next step."""

    advice = (
        "Review them on the page. If they are right, trigger a run with the conf that the message shows; if not, find"
        " out why accounts or values are missing. All other changes were written."
    )


class VerdictError(PermanentError):
    """Rows of a batch are not confirmed. `counts` has their number by verdict."""

    advice = (
        "Look up the rows that the message names in the archive's verdicts, which contain Zendesk's message. Fix the"
        " cause; the next run plans these rows again."
    )

    def __init__(self, message: str, *, counts: Mapping[Verdict, int]) -> None:
        super().__init__(message)
        self.counts = counts


class UnavailableError(RetryableError):
    """A system did not answer, or answered 429 or 5xx.

    `effect` is "none" if the request never arrived or was refused with 429, else "unknown".
    """

    advice = (
        "Nothing at first. If it persists, check the status page of the system that the message names, and the network"
        " in between."
    )

    def __init__(
        self,
        system: str,
        method: str,
        path: str,
        happened: str,
        *,
        effect: str,
        retry_after: float | None = None,
        vendor_message: str = "",
        next_step: str = "",
    ) -> None:
        self.system, self.method, self.path, self.happened, self.effect = (
            system,
            method,
            path,
            happened,
            effect,
        )
        self.vendor_message = vendor_message[:2000]
        wait = f" It asks to wait {retry_after:.0f} s." if retry_after else ""
        self.fact = f"{system} {happened} at {method} {path}.{wait}"
        step = next_step or f"check the status page of {system} and the network between here and there."
        super().__init__(f"{self.fact} If it happens again, {step}", retry_after=retry_after)


class UnknownHostError(UnavailableError):
    """The name of a host does not resolve. Airflow retries, since DNS may be down; `make run` does not."""

    advice = (
        "Correct the host in the Connection that the message names. If the name is right, check the DNS of the machine"
        " that runs the task, then clear the failed task."
    )

    def __init__(self, system: str, method: str, path: str, host: str, where: str, *, absent: bool) -> None:
        super().__init__(system, method, path, "could not be reached", effect="none")
        self.fact = f"{host} {'does not exist' if absent else 'cannot be looked up'}."
        step = f"Correct the host in {where}; if the name is right, check the DNS of this machine."
        self.args = (f"{self.fact} {system} was not reached at {method} {path}. {step}",)


class TooManyJobsError(UnavailableError):
    """Zendesk has as many bulk jobs queued or running as it allows; nothing was submitted."""

    advice = "Nothing: the batch is rescheduled. If it persists, find out what else uses Zendesk's 30 jobs."


class QueryLostError(UnavailableError):
    """Salesforce lost the query or its session between two pages; the read starts over once, by a new session."""

    advice = "Nothing at first. If it persists, check the status page of Salesforce."


class StorageError(RetryableError):
    """Object storage, which holds archive and XComs, failed: no space, no permission, or no connection."""

    advice = "Check that the storage of archive and XComs has space left, and that workers may read and write there."

    def __init__(self, did_not: str, what: str, why: str) -> None:
        self.why = why
        super().__init__(
            f"Object storage did not {did_not} {what}: {why}. If it happens again, check the space that is left"
            " there, and at who may read and write."
        )


class IncompleteReadError(RetryableError):
    """A read lacks rows that exist, or has a row twice, so the absence of a row means nothing."""

    advice = (
        "Nothing at first. If it persists, view accounts and organizations as the users of the Connections: a lost"
        " permission hides rows without an error."
    )


class JobPendingError(RetryableError):
    """A batch was not written, or its bulk job did not end, within the time limit."""

    advice = (
        "The message names what it waited for. For a job, check Zendesk's job statuses and its status page; for other"
        " batches, check that their tasks are running. What was sent is recorded: the next try, or the cleared task,"
        " continues from there."
    )

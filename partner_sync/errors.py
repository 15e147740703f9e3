"""What can go wrong, sorted by what happens next.

PartnerSyncError
├── PermanentError           retrying cannot help: Airflow fails the task at once
│   ├── ConfigError          config, Connection or param is wrong: every error, named
│   ├── RejectedError        the vendor said no (4xx): system, method, path, status, its words
│   │   └── AuthenticationError
│   ├── SchemaError          Zendesk's or Salesforce's fields are not what the mapping needs
│   ├── SnapshotError        an XCom or archive object is missing, dangling or foreign: which task to clear
│   ├── WithheldError        limits passed: kind, count, limit, how to go on
│   └── VerdictError         rows not confirmed: which, why
└── RetryableError           the same may succeed later: Airflow retries with back-off
    ├── UnavailableError     429, 5xx, time-out, reset; carries retry_after
    │   ├── UnknownHostError
    │   ├── TooManyJobsError
    │   └── QueryLostError
    ├── StorageError         object storage did not take or give an object of the archive, or an XCom
    ├── IncompleteReadError  read and announced counts differ
    └── JobPendingError      still running after the total bound

A message says what happened, where, and what to do next. It holds ids, counts and our own reasons: never a token,
header, query string, customer name or row. The vendor's words are an attribute, for the archive.

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
    """Retrying cannot help; a person has to change something first."""

    advice = (
        'By itself it is raised only where the config says problems = "fail": settle the problems of the plan, each of'
        " which says how."
    )


class RetryableError(PartnerSyncError):
    """The same call may succeed later. `retry_after` is in seconds, None where the vendor named no time."""

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
    """Config, Connection or param is wrong. `findings` has all of them, so that one round of repair is enough."""

    advice = (
        "Mend every error that the message lists. Then clear the failed task, or trigger a new run where a param was"
        " wrong."
    )

    def __init__(self, where: str, findings: Sequence[Finding]) -> None:
        self.where = where
        self.findings = tuple(findings)
        count = "an error" if len(self.findings) == 1 else f"{len(self.findings)} errors"
        super().__init__("\n  - ".join([f"{where} has {count}:", *map(str, self.findings)]))


class RejectedError(PermanentError):
    """A system answered 4xx. `words` is what it said, cut to 2,000 characters: for the archive, not for a log."""

    advice = (
        "The message names call, status and next step. Mostly the user of the Connection lacks a right (403) or the"
        " host is no account in use (404): mend it, then clear the failed task."
    )

    def __init__(self, system: str, method: str, path: str, status: int, words: str, next_step: str) -> None:
        self.system, self.method, self.path, self.status = system, method, path, status
        self.words = words[:2000]
        super().__init__(f"{system} refused {method} {path} with {status}. {next_step}")


class AuthenticationError(RejectedError):
    """A system does not accept the credentials of its Connection (401, or a refused token request)."""

    advice = (
        "Look whether the secret was replaced or has ended, whether the client is confidential, and whether its user is"
        " active; mend the Connection that the message names, then clear the failed task."
    )


class SchemaError(PermanentError):
    """Fields are not what the mapping needs. `findings` names each field, what is wrong, and how to mend it."""

    advice = (
        "For each field that the message names: create or activate it, add the option, let the Connection's user see"
        " it, or correct its row in the config. Nothing was written; clear the failed task."
    )

    def __init__(self, where: str, findings: Sequence[Finding]) -> None:
        self.where = where
        self.findings = tuple(findings)
        lines = "\n".join(f"  - {finding}" for finding in self.findings)
        super().__init__(f"{where} is not what the mapping needs; nothing was written:\n{lines}")


class SnapshotError(PermanentError):
    """An XCom or archive object is missing, dangling, or of another shape or time. The message says what to clear."""

    advice = "Clear the task that the message names, with downstream: the run goes on with a fresh snapshot."


class WithheldError(PermanentError):
    """Changes passed a limit and were withheld as a whole kind. The message says how to go on."""

    advice = (
        "Look at the withheld changes in the plan. If they are right, trigger a run with the conf that the message"
        " shows; if not, find out why the accounts are missing. All other kinds were written."
    )


class VerdictError(PermanentError):
    """Rows of a batch are not confirmed. `counts` has their number by verdict."""

    advice = (
        "Look up the rows that the message names in the archive's verdicts: Zendesk's words stand there. Mend the"
        " cause; the next run plans these rows again."
    )

    def __init__(self, message: str, *, counts: Mapping[Verdict, int]) -> None:
        super().__init__(message)
        self.counts = counts


class UnavailableError(RetryableError):
    """A system did not answer, or answered 429 or 5xx.

    `effect` says what may have come of the request: "none" (it never arrived, or was refused by a 429), or "unknown".
    """

    advice = (
        "Nothing at first. If it goes on, look at the status page of the system that the message names, and at the"
        " network in between."
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
        words: str = "",
        next_step: str = "",
    ) -> None:
        self.system, self.method, self.path, self.happened, self.effect = (
            system,
            method,
            path,
            happened,
            effect,
        )
        self.words = words[:2000]
        wait = f" It asks to wait {retry_after:.0f} s." if retry_after else ""
        self.fact = f"{system} {happened} at {method} {path}.{wait}"
        step = next_step or f"look at the status page of {system} and at the network between here and there."
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

    advice = "Nothing: the batch comes back by itself. If it lasts, look who else keeps Zendesk's 30 jobs busy."


class QueryLostError(UnavailableError):
    """Salesforce forgot the query in the middle of its pages; it is asked from the start, once."""

    advice = "Nothing at first. If it goes on, look at the status page of Salesforce."


class StorageError(RetryableError):
    """Object storage, where archive and XComs are, did not do what it was asked: no room, no right, no reach."""

    advice = "See that there is room left where archive and XComs are, and that workers may read and write there."

    def __init__(self, did_not: str, what: str, why: str) -> None:
        self.why = why
        super().__init__(
            f"Object storage did not {did_not} {what}: {why}. If it happens again, look at the space that is left"
            " there, and at who may read and write."
        )


class IncompleteReadError(RetryableError):
    """What was read is not all that was announced, so nothing may be concluded from what is absent."""

    advice = (
        "Nothing at first. If it goes on, look at accounts and organizations as the users of the Connections: a lost"
        " permission hides rows without an error."
    )


class JobPendingError(RetryableError):
    """A batch could not be written, or its bulk job not seen to end, within its total bound."""

    advice = (
        "The message says what it waited for: a job, so look at Zendesk's job statuses and its status page; or other"
        " batches, so see that their tasks go on. What was sent is remembered: the next try, or the task when you"
        " clear it, goes on from there."
    )

"""Reads the partner accounts from Salesforce: all pages of one SOQL query, with proof that the read is complete."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any, TypeVar
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

import simple_salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceOperationError,
)

from partner_sync.errors import (
    AuthenticationError,
    Finding,
    IncompleteReadError,
    PartnerSyncError,
    QueryLostError,
    RejectedError,
    SchemaError,
    UnavailableError,
)
from partner_sync.model import AccountsSnapshot, ReadProof
from partner_sync.vendors.transport import Answer, Session

T = TypeVar("T")

CLIENT_ERRORS = (ValueError, KeyError, IndexError, TypeError, AttributeError, ExpatError)
"""What simple-salesforce raises for a response that is a web page, truncated, or of another shape."""
BUSY_CODES = frozenset({"REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "UNABLE_TO_LOCK_ROW"})
SCHEMA_CODES = frozenset({"INVALID_FIELD", "INVALID_TYPE", "MALFORMED_QUERY"})
LOCATOR_CODE = "INVALID_QUERY_LOCATOR"
KEYWORDS = frozenset({"select", "from", "where", "and", "or", "not", "in"})


def read_accounts(
    client: simple_salesforce.Salesforce,
    soql: str,
    *,
    now: Callable[[], datetime],
    progress: Callable[[int, int], None],
) -> AccountsSnapshot:
    """All rows of `soql`. `client` uses our `Session`; `progress` is called with the rows read and announced so far."""
    session: Session = client.session
    begun, calls = now(), session.calls
    reading = _Reading(client, session, soql, progress)
    try:
        reading.read()
    except QueryLostError:
        begun = now()  # the rows of the lost query are discarded
        reading = _Reading(client, session, soql, progress)
        reading.read()
    proof = ReadProof("Salesforce", len(reading.rows), reading.announced, reading.pages, session.calls - calls)
    if not reading.rows:
        raise IncompleteReadError(
            "Salesforce has no account for the query. A lost permission is the likely cause: check the"
            " accounts as the user of the Connection, and compare the filter in the config."
        )
    return AccountsSnapshot(begun, now(), proof, tuple(reading.rows))


class _Reading:
    """One pass over the pages of a query."""

    def __init__(
        self,
        client: simple_salesforce.Salesforce,
        session: Session,
        soql: str,
        progress: Callable[[int, int], None],
    ) -> None:
        self._client, self._session, self._soql, self._progress = client, session, soql, progress
        self._paths = selected(soql)
        self._seen: set[str] = set()
        self.rows: list[dict[str, object]] = []
        self.announced, self.pages = 0, 0

    def read(self) -> None:
        page = call_salesforce(self._session, lambda: self._client.query(self._soql), self._soql)
        self.announced = self._part(page, "totalSize", int)
        self._take(page)
        while not self._part(page, "done", bool):
            following = self._part(page, "nextRecordsUrl", str)
            self._once(following, "named a page for the second time")
            page = self._next(following)
            self._take(page)
        if len(self.rows) != self.announced:
            raise IncompleteReadError(
                f"Salesforce announced {self.announced} accounts and sent {len(self.rows)}. The read was"
                " discarded. If it happens again, check the permissions of the Connection's user."
            )

    def _next(self, path: str) -> Any:
        return call_salesforce(
            self._session, lambda: self._client.query_more(self._own(path), identifier_is_url=True), self._soql
        )

    def _own(self, path: str) -> str:
        """The path of a next page. Salesforce sends it without a host; a URL with another host is refused."""
        url = urlsplit(path)
        if not url.netloc:
            return path
        self._session.refuse_foreign(url)
        return url.path

    def _take(self, page: Any) -> None:
        for record in self._part(page, "records", list):
            if not isinstance(record, dict):
                raise _unreadable(self._session)
            attributes = record.get("attributes")
            if isinstance(attributes, dict) and isinstance(url := attributes.get("url"), str):
                self._once(url, "sent an account for the second time")
            row = {path: _at(record, path) for path in self._paths}
            if any(isinstance(value, float) and not isfinite(value) for value in row.values()):
                raise _unreadable(self._session)  # NaN, which Python parses although JSON has no such number
            self.rows.append(row)
        self.pages += 1
        self._progress(len(self.rows), self.announced)

    def _once(self, what: str, happened: str) -> None:
        if what in self._seen:
            raise IncompleteReadError(
                f"Salesforce {happened} within one read. The read was discarded. If it happens again, check"
                " the permissions of the Connection's user."
            )
        self._seen.add(what)

    def _part(self, page: Any, key: str, kind: type[T]) -> T:
        value = page.get(key) if isinstance(page, dict) else None
        if not isinstance(value, kind):
            raise _unreadable(self._session)
        return value


def selected(soql: str) -> tuple[str, ...]:
    """The field paths that a query selects, in its own spelling."""
    found = re.match(r"\s*SELECT\s+(.*?)\s+FROM\s", soql, re.IGNORECASE | re.DOTALL)
    return tuple(path.strip() for path in found[1].split(",")) if found else ()


def _at(record: Mapping[str, object], path: str) -> object:
    """The value at a path; None below an empty lookup. Salesforce responds with its own upper and lower case."""
    value: object = record
    for step in path.split("."):
        if value is None:
            return None
        fields = value if isinstance(value, dict) else {}
        name = step if step in fields else next((key for key in fields if key.casefold() == step.casefold()), None)
        if name is None:
            advice = "The read was discarded: check the name in the config, and clear this task."
            raise SchemaError("Salesforce", [Finding(path, "is missing from the response", advice)])
        value = fields[name]
    return value


# -- errors -------------------------------------------------------------------------------------------------


def call_salesforce(session: Session, call: Callable[[], T], soql: str = "") -> T:
    """The result of a call to simple-salesforce. Its exceptions are raised as our errors."""
    try:
        return call()
    except (SalesforceError, SalesforceOperationError, *CLIENT_ERRORS) as error:
        ours = translate_error(error, session, soql)
    raise ours  # outside of the except, since the library's message contains the query and the response


def translate_error(error: Exception, session: Session, soql: str = "") -> PartnerSyncError:
    """The error for an exception of simple-salesforce."""
    if isinstance(error, SalesforceAuthenticationFailed):
        return _login_failed(error, session)
    if isinstance(error, SalesforceError) and isinstance(error.content, list | dict):
        return _refused(error, session, soql)
    if isinstance(error, SalesforceExpiredSession) or session.last.status == 401:
        return _not_accepted(session.last, session.where, "")
    return _unreadable(session)


def _login_failed(error: SalesforceAuthenticationFailed, session: Session) -> PartnerSyncError:
    """A refused token request. Its code is Salesforce's, or the HTTP status if the response was not JSON."""
    if error.code in BUSY_CODES:
        return _unreadable(session, f"is at its limit ({error.code})", error.auth_message)
    if isinstance(error.code, int) and error.code < 400:
        return _unreadable(session)
    message = f"{error.code}: {error.auth_message}"
    whole = isinstance(error.code, int) or "<" in message  # the whole response, which can contain anything
    shown = "" if whole else " ".join(message.split()).removesuffix(":")[:300]
    return _not_accepted(session.last, session.where, message, shown)


def _not_accepted(asked: Answer, where: str, message: str, shown: str = "") -> AuthenticationError:
    step = (
        f"Check the credentials of {where} and its domain (a My Domain such as 'acme.my'), and that its user is active;"
        " with a consumer_key and no password, check that the client credentials flow of the app is on."
    )
    if shown:
        step = f'Salesforce reported "{shown}". {step}'
    return AuthenticationError("Salesforce", asked.method, asked.path, asked.status, message, step)


def _unreadable(
    session: Session, happened: str = "answered something that cannot be read", message: str = ""
) -> UnavailableError:
    last = session.last
    return UnavailableError("Salesforce", last.method, last.path, happened, effect="none", vendor_message=message)


def _refused(error: SalesforceError, session: Session, soql: str) -> PartnerSyncError:
    """The error for a response in JSON: an array of {message, errorCode}."""
    items = error.content if isinstance(error.content, list) else [error.content]
    reported = [item for item in items if isinstance(item, dict)]
    codes = {str(item.get("errorCode", "")) for item in reported}
    message = "; ".join(f"{item.get('errorCode')}: {item.get('message')}" for item in reported)
    last = session.last
    if error.status == 401:  # simple-salesforce has already logged in again, and the new session was refused too
        return _not_accepted(Answer("GET", urlsplit(str(error.url)).path, 401), session.where, message)
    if LOCATOR_CODE in codes:
        lost = "forgot the query"
        return QueryLostError("Salesforce", last.method, last.path, lost, effect="none", vendor_message=message)
    if busy := codes & BUSY_CODES:
        return _unreadable(session, f"is at its limit ({', '.join(sorted(busy))})", message)
    step = _next_step(error.status, session)
    rejected = RejectedError("Salesforce", last.method, last.path, error.status, message, step)
    if not codes & SCHEMA_CODES:
        return rejected
    advice = "Check that it exists in Salesforce and that the Connection's user can see it, then fix the config."
    field = _field_named_in(message, soql) or "the query"
    schema = SchemaError(
        "Salesforce", [Finding(field, f"is refused by Salesforce with {', '.join(sorted(codes))}", advice)]
    )
    schema.__cause__ = rejected  # carries Salesforce's message, for the archive
    return schema


def _next_step(status: int, session: Session) -> str:
    if status == 403:
        return "Give the user of the Connection the permissions API Enabled and read access to Account."
    if status in (404, 410):
        return f"Check that the API version and the domain of {session.where} still exist."
    return (
        "Salesforce's message is in the archive, in failures/ of this run; check"
        f" {session.where} and the config's [accounts]."
    )


# Only prose says which field of a query is wrong: Salesforce sends `fields` for writes alone. Nothing branches on the
# result, which only names the field in our message.
def _field_named_in(message: str, soql: str) -> str | None:
    """The field path of our query that Salesforce's message is about: by row and column, else by a quoted name.

    For a lookup, Salesforce quotes only the last step: "No such column 'Name' on entity 'User'".
    """
    code = re.sub(r"'(?:\\.|[^'\\])*'", lambda literal: " " * len(literal[0]), soql)
    paths = [path for path in re.finditer(r"\w+(?:\.\w+)*", code) if path[0].casefold() not in KEYWORDS]
    place = re.search(r"ERROR at Row:(\d+):Column:(\d+)", message)
    row, column = (int(place[1]), int(place[2])) if place else (1, 0)
    start = sum(map(len, soql.splitlines(keepends=True)[: row - 1])) + column - 1
    for name in re.findall(r"'([\w.]+)'", message.casefold()):
        about = [path for path in paths if f".{name}." in f".{path[0].casefold()}."]
        if about:
            return next((path for path in about if path.start() <= start < path.end()), about[0])[0]
    return None

"""Turns the exceptions of simple-salesforce into our errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from typing import TypeVar
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceOperationError,
)

from partner_sync.errors import (
    AuthenticationError,
    Finding,
    PartnerSyncError,
    QueryLostError,
    RejectedError,
    SchemaError,
    UnavailableError,
)
from partner_sync.vendors.transport import Answer, Session

T = TypeVar("T")

CLIENT_ERRORS = (ValueError, KeyError, IndexError, TypeError, AttributeError, ExpatError)
"""What simple-salesforce raises for a response that is a web page, truncated, or of another shape."""
BUSY_CODES = frozenset({"REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "UNABLE_TO_LOCK_ROW"})
SCHEMA_CODES = frozenset({"INVALID_FIELD", "INVALID_TYPE", "MALFORMED_QUERY"})
LOCATOR_CODE, SESSION_CODE, TOKEN_CODE = "INVALID_QUERY_LOCATOR", "INVALID_SESSION_ID", "INVALID_AUTH_HEADER"
KEYWORDS = frozenset({"select", "from", "where", "and", "or", "not", "in"})


def call_salesforce(session: Session, call: Callable[[], T], soql: str = "", *, continues: bool = False) -> T:
    """The result of a call to simple-salesforce, whose exceptions are raised as errors of ours.

    `continues` says that the call asks for a further page of `soql`.
    """
    try:
        return call()
    except (SalesforceError, SalesforceOperationError, *CLIENT_ERRORS) as error:
        ours = translate_error(error, session, soql, continues=continues)
    raise ours  # outside of the except, since the library's message contains the query and the response


def translate_error(error: Exception, session: Session, soql: str = "", *, continues: bool = False) -> PartnerSyncError:
    """The error for an exception of simple-salesforce."""
    if isinstance(error, SalesforceAuthenticationFailed):
        return _login_failed(error, session)
    if isinstance(error, SalesforceError) and isinstance(error.content, list | dict):
        return _refused(error, session, soql, continues)
    if isinstance(error, SalesforceExpiredSession) or session.last.status == 401:
        return _not_accepted(session.last, session.where, "")
    return unreadable(session)


def _login_failed(error: SalesforceAuthenticationFailed, session: Session) -> PartnerSyncError:
    """A refused token request. Its code is Salesforce's, or the HTTP status if the response was not JSON."""
    if error.code in BUSY_CODES:
        return unreadable(session, f"is at its limit ({error.code})", error.auth_message)
    if isinstance(error.code, int) and error.code < 400:
        return unreadable(session)
    message = f"{error.code}: {error.auth_message}"
    shown = (
        not isinstance(error.code, int) and "<" not in message
    )  # else the whole response, which can contain anything
    return _not_accepted(
        session.last, session.where, message, " ".join(message.split()).removesuffix(":")[:300] if shown else ""
    )


def _not_accepted(asked: Answer, where: str, message: str, shown: str = "") -> AuthenticationError:
    step = (
        f"Check the credentials of {where} and its domain (a My Domain such as 'acme.my'), and that its user is active;"
        " with a consumer_key and no password, check that the client credentials flow of the app is on."
    )
    if shown:
        step = f'Salesforce reported "{shown}". {step}'
    return AuthenticationError("Salesforce", asked.method, asked.path, asked.status, message, step)


def unreadable(
    session: Session, happened: str = "answered something that cannot be read", message: str = ""
) -> UnavailableError:
    last = session.last
    return UnavailableError("Salesforce", last.method, last.path, happened, effect="none", vendor_message=message)


def _refused(error: SalesforceError, session: Session, soql: str, continues: bool) -> PartnerSyncError:
    """The error for a response in JSON: an array of {message, errorCode}."""
    items = error.content if isinstance(error.content, list) else [error.content]
    reported = [item for item in items if isinstance(item, dict)]
    codes = {str(item.get("errorCode", "")) for item in reported}
    message = "; ".join(f"{item.get('errorCode')}: {item.get('message')}" for item in reported)
    path = urlsplit(str(error.url)).path
    if lost := _lost(codes, continues):
        return QueryLostError("Salesforce", "GET", path, lost, effect="none", vendor_message=message)
    if error.status == 401:  # simple-salesforce has already logged in again, and the new session was refused too
        return _not_accepted(Answer("GET", path, 401), session.where, message)
    if busy := codes & BUSY_CODES:
        return unreadable(session, f"is at its limit ({', '.join(sorted(busy))})", message)
    rejected = RejectedError(
        "Salesforce", session.last.method, session.last.path, error.status, message, _next_step(error.status, session)
    )
    if not codes & SCHEMA_CODES:
        return rejected
    advice = "Check that it exists in Salesforce and that the Connection's user can see it, then fix the config."
    finding = Finding(
        _field_named_in(message, soql) or "the query",
        f"is refused by Salesforce with {', '.join(sorted(codes))}",
        advice,
    )
    schema = SchemaError("Salesforce", [finding])
    schema.__cause__ = rejected  # carries Salesforce's message, for the archive
    return schema


def _lost(codes: Set[str], continues: bool) -> str:
    """What ended a query that a new session can ask from the start; empty if that would not help.

    A locator may belong to the session that made it: then no other session gets its next page. simple-salesforce does
    not renew a token that Salesforce calls malformed.
    """
    if LOCATOR_CODE in codes:
        return "forgot the query"
    if SESSION_CODE in codes and continues:
        return "ended the session of the query"
    return "does not read its own token" if TOKEN_CODE in codes else ""


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
    """The field path of our own query that Salesforce's message is about: by row and column, else by a quoted name.

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

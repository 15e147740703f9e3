"""What the exceptions of simple-salesforce mean, as errors of ours."""

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
"""What simple-salesforce stumbles over when an answer is a web page, cut, or of another shape."""
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
    raise ours  # outside of the except: the library's messages hold the query and what Salesforce said


def translate_error(error: Exception, session: Session, soql: str = "", *, continues: bool = False) -> PartnerSyncError:
    """What an exception of simple-salesforce means."""
    if isinstance(error, SalesforceAuthenticationFailed):
        return _login_failed(error, session)
    if isinstance(error, SalesforceError) and isinstance(error.content, list | dict):
        return _refused(error, session, soql, continues)
    if isinstance(error, SalesforceExpiredSession) or session.last.status == 401:
        return _not_accepted(session.last, session.where, "")
    return unreadable(session)


def _login_failed(error: SalesforceAuthenticationFailed, session: Session) -> PartnerSyncError:
    """A refused token request. Its code is a word of Salesforce, or the HTTP status where the answer was no JSON."""
    if error.code in BUSY_CODES:
        return unreadable(session, f"is at its limit ({error.code})", error.auth_message)
    if isinstance(error.code, int) and error.code < 400:
        return unreadable(session)
    words = f"{error.code}: {error.auth_message}"
    shown = not isinstance(error.code, int) and "<" not in words  # else the whole response, which may hold anything
    return _not_accepted(
        session.last, session.where, words, " ".join(words.split()).removesuffix(":")[:300] if shown else ""
    )


def _not_accepted(asked: Answer, where: str, words: str, shown: str = "") -> AuthenticationError:
    step = (
        f"Check the credentials of {where} and its domain (a My Domain such as 'acme.my'), and that its user is active;"
        " with a consumer_key and no password, that the app's client credentials flow is on too."
    )
    if shown:
        step = f'Salesforce reported "{shown}". {step}'
    return AuthenticationError("Salesforce", asked.method, asked.path, asked.status, words, step)


def unreadable(
    session: Session, happened: str = "answered something that cannot be read", words: str = ""
) -> UnavailableError:
    last = session.last
    return UnavailableError("Salesforce", last.method, last.path, happened, effect="none", words=words)


def _refused(error: SalesforceError, session: Session, soql: str, continues: bool) -> PartnerSyncError:
    """An error answer in JSON: an array of {message, errorCode}."""
    items = error.content if isinstance(error.content, list) else [error.content]
    said = [item for item in items if isinstance(item, dict)]
    codes = {str(item.get("errorCode", "")) for item in said}
    words = "; ".join(f"{item.get('errorCode')}: {item.get('message')}" for item in said)
    path = urlsplit(str(error.url)).path
    if lost := _lost(codes, continues):
        return QueryLostError("Salesforce", "GET", path, lost, effect="none", words=words)
    if error.status == 401:  # simple-salesforce has logged in once more by then, with success and in vain
        return _not_accepted(Answer("GET", path, 401), session.where, words)
    if busy := codes & BUSY_CODES:
        return unreadable(session, f"is at its limit ({', '.join(sorted(busy))})", words)
    rejected = RejectedError(
        "Salesforce", session.last.method, session.last.path, error.status, words, _next_step(error.status, session)
    )
    if not codes & SCHEMA_CODES:
        return rejected
    advice = "Compare it with Salesforce's setup, and that the user of the Connection may see it; then fix the config."
    finding = Finding(
        _named(words, soql) or "the query", f"is refused by Salesforce with {', '.join(sorted(codes))}", advice
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
        return f"See that the API version and the domain of {session.where} still exist."
    return f"Its words are in the archive, in failures/ of this run; check {session.where} and the config's [accounts]."


def _named(words: str, soql: str) -> str | None:
    """The field path of our own query that Salesforce's message is about: by its row and column, else by a quoted name.

    For a lookup Salesforce quotes the last step only: "No such column 'Name' on entity 'User'".
    """
    code = re.sub(r"'(?:\\.|[^'\\])*'", lambda literal: " " * len(literal[0]), soql)
    paths = [path for path in re.finditer(r"\w+(?:\.\w+)*", code) if path[0].casefold() not in KEYWORDS]
    place = re.search(r"ERROR at Row:(\d+):Column:(\d+)", words)
    row, column = (int(place[1]), int(place[2])) if place else (1, 0)
    start = sum(map(len, soql.splitlines(keepends=True)[: row - 1])) + column - 1
    for name in re.findall(r"'([\w.]+)'", words.casefold()):
        about = [path for path in paths if f".{name}." in f".{path[0].casefold()}."]
        if about:
            return next((path for path in about if path.start() <= start < path.end()), about[0])[0]
    return None

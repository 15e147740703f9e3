"""Reads the partner accounts from Salesforce: all pages of one SOQL query, with proof that the read is complete."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any, TypeVar
from urllib.parse import urlsplit

import simple_salesforce

from partner_sync.errors import CLEAR_BOTH, Finding, IncompleteReadError, QueryLostError, SchemaError
from partner_sync.model import AccountsSnapshot, ReadProof
from partner_sync.vendors.salesforce_errors import call_salesforce, unreadable
from partner_sync.vendors.transport import Session

T = TypeVar("T")


def read_accounts(
    client: simple_salesforce.Salesforce,
    soql: str,
    *,
    now: Callable[[], datetime],
    progress: Callable[[int, int], None],
) -> AccountsSnapshot:
    """All rows of `soql`, `client` uses our `Session`; `progress` is called with the rows read and announced so far."""
    begun, calls = now(), client.session.calls
    reading = _Reading(client, soql, progress)
    try:
        reading.read()
    except QueryLostError:
        begun = now()  # what was read of the lost query counts for nothing
        reading = reading.again()
    proof = ReadProof("Salesforce", len(reading.rows), reading.announced, reading.pages, client.session.calls - calls)
    if not reading.rows:
        raise IncompleteReadError(
            "Salesforce has no account for the query. A lost permission is the likely cause: check the"
            " accounts as the user of the Connection, and compare the filter in the config."
        )
    return AccountsSnapshot(begun, now(), proof, tuple(reading.rows))


def look_up(client: simple_salesforce.Salesforce, soql: str) -> tuple[dict[str, object], ...]:
    """All rows of `soql`, those in the recycle bin included: `IsDeleted`, and `MasterRecordId` of a merge's loser.

    No row is a result as well. Raises what `read_accounts` raises.
    """
    reading = _Reading(client, soql, lambda _read, _announced: None, include_deleted=True)
    try:
        reading.read()
    except QueryLostError:
        reading = reading.again()
    return tuple(reading.rows)


class _Reading:
    """One pass over the pages of a query."""

    def __init__(
        self,
        client: simple_salesforce.Salesforce,
        soql: str,
        progress: Callable[[int, int], None],
        *,
        include_deleted: bool = False,
    ) -> None:
        self._client, self._soql, self._progress, self._include_deleted = client, soql, progress, include_deleted
        self._session: Session = client.session
        self._paths = selected(soql)
        self._seen: set[str] = set()
        self.rows: list[dict[str, object]] = []
        self.announced, self.pages = 0, 0

    def read(self) -> None:
        page = self._call(lambda: self._client.query(self._soql, include_deleted=self._include_deleted))
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

    def again(self) -> _Reading:
        """Asks from the start, by a new session: a query may be lost because the session that asked it has ended."""
        self._call(self._client._refresh_session)
        reading = _Reading(self._client, self._soql, self._progress, include_deleted=self._include_deleted)
        reading.read()
        return reading

    def _next(self, path: str) -> Any:
        return self._call(lambda: self._client.query_more(self._own(path), identifier_is_url=True), continues=True)

    def _call(self, call: Callable[[], T], *, continues: bool = False) -> T:
        return call_salesforce(self._session, call, self._soql, continues=continues)

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
                raise unreadable(self._session)
            attributes = record.get("attributes")
            if isinstance(attributes, dict) and isinstance(url := attributes.get("url"), str):
                self._once(url, "sent an account for the second time")
            row = {path: _at(record, path) for path in self._paths}
            if any(isinstance(value, float) and not isfinite(value) for value in row.values()):
                raise unreadable(self._session)  # NaN, which Python reads although JSON has no such number
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
            raise unreadable(self._session)
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
            advice = f"The read was discarded: check the name in the config. {CLEAR_BOTH}"
            raise SchemaError("Salesforce", [Finding(path, "is missing from the response", advice)])
        value = fields[name]
    return value

"""Requests to Zendesk's API: with a credential, by cursor on our base URL, and every response checked.

Links in responses are never followed, since they can name another host.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NoReturn, TypeVar

import requests

from partner_sync.errors import AuthenticationError, IncompleteReadError, RejectedError, UnavailableError
from partner_sync.vendors.transport import Session, zendesk_error
from partner_sync.vendors.zendesk_auth import Credential

log = logging.getLogger(__name__)

T = TypeVar("T")
Row = dict[str, Any]
"""An organization in Zendesk's JSON. None is sent as null, which clears the field."""

MANY = 100
"""The most organizations in a page, a read by id and a bulk job; Zendesk refuses more."""


class ZendeskApi:
    """The API of one Zendesk account, named `instance` in messages; `base_url` is https://{its host}."""

    def __init__(self, session: Session, base_url: str, instance: str, auth: Credential) -> None:
        self.instance = instance
        self._session, self._base, self._auth = session, base_url.rstrip("/"), auth

    @property
    def calls(self) -> int:
        """Calls on the wire so far, without token requests."""
        return self._session.calls

    @property
    def host(self) -> str:
        """Where the Zendesk account is."""
        return self._session.host

    @property
    def begun(self) -> datetime | None:
        """When a read began, by Zendesk's own clock: the earliest time in its responses; None if it names none."""
        return self._session.earliest

    def begin(self) -> None:
        """Begins a read: `begun` is about the responses that follow."""
        self._session.earliest = None

    def _pages(self, path: str, key: str) -> Iterator[list[Row]]:
        """Loop on `has_more`: the last page names a cursor and a link as well."""
        query, seen = {"page[size]": str(MANY)}, set[str]()
        while True:
            answer = self._ask("GET", path, query)
            yield self._rows(answer, key, path)
            meta = answer.get("meta")
            if not isinstance(meta, dict):
                raise self._incomplete(path, "does not report whether there are more pages")
            if meta.get("has_more") is False:
                return
            cursor = meta.get("after_cursor")
            if not isinstance(cursor, str) or not cursor or cursor in seen:
                raise self._incomplete(path, "has no cursor for the next page although there are more")
            seen.add(cursor)
            query["page[after]"] = cursor

    def _ask(self, method: str, path: str, query: Mapping[str, str] | None = None, body: Row | None = None) -> Row:
        """Sends a request. After a 401, which has no effect, retries once with a renewed credential if there is one."""
        response = self._send(method, path, query, body)
        if response.status_code == 401 and self._auth.renew():
            response = self._send(method, path, query, body)
        if method != "GET":
            self._warn_of_dropped(response, path)
        if response.status_code >= 400:
            raise self._refused(response, method, path)
        return self._body(response, method, path)

    def _send(self, method: str, path: str, query: Mapping[str, str] | None, body: Row | None) -> requests.Response:
        return self._session.request(
            method,
            self._base + path,
            params=query,
            json=body,
            headers={"Accept": "application/json"},
            auth=self._auth,
        )

    def _body(self, response: requests.Response, method: str, path: str) -> Row:
        """The JSON object of a successful response."""
        content_type = response.headers.get("Content-Type", "")
        if "json" not in content_type:
            if method == "GET":
                step = (
                    f"It is no API answer: check that the host in {self._session.where} is an active Zendesk account."
                )
                raise RejectedError(self._session.system, method, path, response.status_code, response.text, step)
            raise self._unavailable(method, path, "answered something else than JSON")
        try:
            body = response.json(parse_constant=_no_json)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise self._unavailable(method, path, "answered broken JSON")
        return body

    def _refused(self, response: requests.Response, method: str, path: str) -> RejectedError | UnavailableError:
        status, vendor_message = response.status_code, response.text
        if status == 401:
            return AuthenticationError(self._session.system, method, path, status, vendor_message, self._auth.advice)
        if status == 409 and zendesk_error(response) == "DatabaseConflict":
            return self._unavailable(method, path, "had a database conflict", vendor_message)
        if status == 403:
            step = (
                f"Give the user behind {self._session.where} a role that may see and edit all organizations, and the"
                " OAuth client the scopes it asks for."
            )
        else:
            step = (
                "Zendesk's message is in the archive. The same request would be refused again: read the message, and"
                f" check that the host in {self._session.where} is right."
            )
        return RejectedError(self._session.system, method, path, status, vendor_message, step)

    def _unavailable(self, method: str, path: str, happened: str, vendor_message: str = "") -> UnavailableError:
        effect = "none" if method == "GET" else "unknown"
        return UnavailableError(
            self._session.system, method, path, happened, effect=effect, vendor_message=vendor_message
        )

    def _incomplete(self, path: str, happened: str) -> IncompleteReadError:
        return IncompleteReadError(
            f"{self._session.system} {happened} at GET {path}. The read was discarded."
            " If it happens again, check the permissions of the Connection's user."
        )

    def _warn_of_dropped(self, response: requests.Response, path: str) -> None:
        """Logs keys that Zendesk dropped, which it reports only in a header. Values in the header are not logged."""
        warning = response.headers.get("x-zendesk-api-warn", "")
        keys = re.findall(r'"([\w.\[\]-]+)"', "".join(re.findall(r"unpermitted_keys=>\[(.*?)\]", warning)))
        if warning:
            log.warning("%s dropped keys at %s: %s", self._session.system, path, ", ".join(keys) or "none named")

    def _rows(self, answer: Row, key: str, path: str) -> list[Row]:
        rows = self._part(answer, key, list, "GET", path)
        kind = str if key == "job_statuses" else int
        if not all(isinstance(row, dict) and type(row.get("id")) is kind and _has_fields(row) for row in rows):
            raise self._unavailable("GET", path, "answered in another shape")
        return rows

    def _part(self, answer: Row, key: str, kind: type[T], method: str, path: str) -> T:
        value = answer.get(key)
        if not isinstance(value, kind):
            raise self._unavailable(method, path, "answered in another shape")
        return value


def _no_json(word: str) -> NoReturn:
    """Refuses NaN and Infinity, which Python parses although JSON has no such numbers."""
    raise ValueError(word)


def _has_fields(row: Row) -> bool:
    return isinstance(row.get("organization_fields") or {}, dict)

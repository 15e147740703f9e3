"""A client for Zendesk's organizations and bulk jobs, with one method for each call.

Zenpy cannot clear a field, request a token, or limit its waits. Pages are requested by cursor on our base URL; links in
responses are never followed, since they can name another host.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
JOBS = "/api/v2/job_statuses"
ENDED = frozenset({"completed", "failed", "killed"})
"""A job in any other status, unknown ones included, may still write."""


@dataclass(frozen=True)
class Job:
    """A bulk job. Once it has ended, `results` has {status, id} or {error} for each row in the order of the request."""

    id: str
    status: str
    results: tuple[Row, ...]
    message: str

    @property
    def active(self) -> bool:
        """Whether it may still write."""
        return self.status not in ENDED


@dataclass(frozen=True)
class OrganizationCount:
    """How many organizations Zendesk counts. `settled` is false while it limits the number to 100,000 and counts."""

    value: int
    settled: bool


@dataclass(frozen=True)
class Related:
    """How many users and tickets an organization has."""

    users: int
    tickets: int


class Zendesk:
    """One Zendesk account, named `instance` in messages; `base_url` is https://{its host}."""

    def __init__(self, session: Session, base_url: str, instance: str, auth: Credential) -> None:
        self.instance = instance
        self._session, self._base, self._auth = session, base_url.rstrip("/"), auth

    @property
    def calls(self) -> int:
        """Calls on the wire so far, without token requests."""
        return self._session.calls

    # -- reading

    def count(self) -> OrganizationCount:
        """How many organizations there are; over 100,000, Zendesk responds with a number up to a day old."""
        path = "/api/v2/organizations/count"
        counted = self._part(self._ask("GET", path), "count", dict, "GET", path)
        value = self._part(counted, "value", int, "GET", path)
        return OrganizationCount(value, settled=counted.get("refreshed_at") is not None)

    def related(self, organization_id: int) -> Related:
        """What belongs to an organization (assumption: no document names the counts)."""
        path = f"/api/v2/organizations/{organization_id}/related"
        counts = self._part(self._ask("GET", path), "organization_related", dict, "GET", path)
        users, tickets = (self._part(counts, key, int, "GET", path) for key in ("users_count", "tickets_count"))
        return Related(users, tickets)

    def open_tickets(self, organization_id: int) -> int:
        """How many tickets of an organization are not solved, as of some minutes ago."""
        path = "/api/v2/search/count"
        query = {"query": f"type:ticket organization:{organization_id} status<solved"}
        return self._part(self._ask("GET", path, query), "count", int, "GET", path)

    def organization_fields(self) -> list[Row]:
        """All organization fields, inactive ones included."""
        return [field for page in self._pages("/api/v2/organization_fields", "organization_fields") for field in page]

    def pages(self) -> Iterator[list[Row]]:
        """All organizations by ascending id, page by page. Raises IncompleteReadError if there is no last page."""
        return self._pages("/api/v2/organizations", "organizations")

    def show_many(self, *, ids: Sequence[int] | None = None, external_ids: Sequence[str] | None = None) -> list[Row]:
        """The existing organizations among at most 100 ids or external ids, in Zendesk's order."""
        key, values = ("ids", ids) if ids is not None else ("external_ids", external_ids)
        path = "/api/v2/organizations/show_many"
        answer = self._ask("GET", path, {key: ",".join(map(str, _many(values or ())))})
        return self._rows(answer, "organizations", path)

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

    # -- writing

    def write_until(self, moment: float) -> None:
        """Begins no attempt of a submit after a moment of the monotonic clock; that raises UnavailableError."""
        self._session.write_until = moment

    def create_many(self, rows: Sequence[Row]) -> Job:
        """Submits a job that creates at most 100 organizations."""
        return self._submit("POST", "create_many", {"organizations": list(_many(rows))})

    def update_many(self, rows: Sequence[Row]) -> Job:
        """Submits a job that updates at most 100 organizations, each by its `id` with its own values."""
        return self._submit("PUT", "update_many", {"organizations": list(_many(rows))})

    def update_alike(self, ids: Sequence[int], row: Row) -> Job:
        """Submits a job that updates at most 100 organizations with the same values."""
        return self._submit("PUT", "update_many", {"organization": row}, {"ids": ",".join(map(str, _many(ids)))})

    def _submit(self, method: str, verb: str, body: Row, query: Mapping[str, str] | None = None) -> Job:
        path = f"/api/v2/organizations/{verb}"
        return self._job(self._ask(method, path, query, body), method, path)

    # -- jobs

    def job(self, job_id: str) -> Job | None:
        """A job by its id; None if Zendesk does not know it, because it is old or was created a moment ago."""
        path = f"{JOBS}/{job_id}"
        try:
            answer = self._ask("GET", path)
        except RejectedError as error:
            if error.status != 404:
                raise
            return None
        return self._job(answer, "GET", path)

    def jobs(self, job_ids: Sequence[str]) -> list[Job]:
        """Those of at most 100 jobs that Zendesk knows."""
        path = f"{JOBS}/show_many"
        answer = self._ask("GET", path, {"ids": ",".join(_many(job_ids))})
        return [self._job({"job_status": raw}, "GET", path) for raw in self._rows(answer, "job_statuses", path)]

    def newest_job(self) -> str | None:
        """The id of the newest job of any client; None if Zendesk keeps none of the last day.

        Raises RejectedError with status 403 for a user who may not see jobs.
        """
        answer = self._ask("GET", JOBS, {"page[size]": "1"})
        return next((str(row["id"]) for row in self._rows(answer, "job_statuses", JOBS)), None)

    def running_jobs(self, back_to: str | None = None) -> list[Job]:
        """The jobs that may still write, of any client: those newer than job `back_to`, and some that are older.

        The list starts with the newest job. Without `back_to` all pages are read, since a slow job can be older than
        hundreds that have ended; Zendesk keeps jobs for a day. With it the page after its own is the last: jobs of the
        same second may be in any order.
        """
        jobs, last = list[Job](), False
        for page in self._pages(JOBS, "job_statuses"):
            jobs += (self._job({"job_status": raw}, "GET", JOBS) for raw in page)
            if last:
                break
            last = any(raw["id"] == back_to for raw in page)
        return [job for job in jobs if job.active]

    def _job(self, answer: Row, method: str, path: str) -> Job:
        raw = self._part(answer, "job_status", dict, method, path)
        results = raw["results"] if isinstance(raw.get("results"), list) else []
        return Job(
            id=self._part(raw, "id", str, method, path),
            status=self._part(raw, "status", str, method, path),
            results=tuple(item if isinstance(item, dict) else {} for item in results),
            message=str(raw.get("message") or ""),
        )

    # -- requests

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


def _many(values: Sequence[T]) -> Sequence[T]:
    if not 0 < len(values) <= MANY:
        raise ValueError(f"a call takes 1 to {MANY} values, not {len(values)}")
    return values

"""A client for Zendesk's organizations and bulk jobs, with one method for each call.

Zenpy cannot clear a field, request a token, or limit its waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from partner_sync.errors import RejectedError
from partner_sync.vendors.zendesk_api import MANY, Row, ZendeskApi

T = TypeVar("T")

JOBS = "/api/v2/job_statuses"
EXPORTED = 1_000
"""The most organizations on a page of the incremental export."""
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
class ExportPage:
    """Organizations that changed, deleted ones with `deleted_at`; the last row of an id counts.

    `end` is where the next page begins, in seconds since 1970; None if the page is empty. `last` ends the export.
    """

    organizations: list[Row]
    end: int | None
    last: bool


@dataclass(frozen=True)
class Related:
    """How many users and tickets an organization has."""

    users: int
    tickets: int


class Zendesk(ZendeskApi):
    """The organizations and bulk jobs of one Zendesk account."""

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

    def export(self, start: int) -> ExportPage:
        """A page of what changed at `start` (seconds since 1970) or later, without the last minute; for admins only.

        Zendesk allows ten pages a minute. Deleted organizations carry `deleted_at`.
        """
        path = "/api/v2/incremental/organizations"
        answer = self._ask("GET", path, {"start_time": str(start), "per_page": str(EXPORTED)})
        rows = self._rows(answer, "organizations", path)
        end = answer.get("end_time")
        return ExportPage(
            rows,
            end=None if end is None else self._part(answer, "end_time", int, "GET", path),
            last=self._part(answer, "end_of_stream", bool, "GET", path),
        )

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


def _many(values: Sequence[T]) -> Sequence[T]:
    if not 0 < len(values) <= MANY:
        raise ValueError(f"a call takes 1 to {MANY} values, not {len(values)}")
    return values

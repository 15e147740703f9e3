"""The endpoints that make jobs: create_many, update_many in its two forms, destroy_many; and those that show jobs.

Sources: Zendesk's pages "Organizations" and "Job Statuses", "Rate limits" for the 30 jobs and their error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .faults import JOB_FAULTS, Faults
from .jobs import Job, Jobs, TooManyJobsError
from .organization_calls import MOST_VALUES, error, many_values, not_found, too_many_values, warning
from .organizations import Organizations
from .pages import Listing, cursor_page, offset_page, wants_cursor
from .settings import Settings
from .wire import Answer, Call

# The status beside the documented body is an assumption, as are the names of the job classes in it.
TOO_MANY_JOBS_STATUS = 429
_CLASSES = {
    "create": "OrganizationBulkCreateJob",
    "update": "OrganizationBulkUpdateJobV2",
    "delete": "OrganizationBulkDeleteJob",
}


class BulkCalls:
    """Submits jobs and shows them."""

    def __init__(self, settings: Settings, organizations: Organizations, jobs: Jobs, faults: Faults) -> None:
        self._settings = settings
        self._organizations = organizations
        self._jobs = jobs
        self._faults = faults

    def create_many(self, call: Call) -> Answer:
        """Up to 100 new organizations."""
        items = _items(call)
        if isinstance(items, Answer):
            return items
        dropped = [key for item in items for key in self._organizations.unpermitted(item, "organizations")]
        return self._submitted(call, "create", "create_many", items, dropped)

    def update_many(self, call: Call) -> Answer:
        """One change for up to 100 (``?ids=`` or ``?external_ids=``), or a change of its own for each, by ``id``."""
        if "ids" in call.query or "external_ids" in call.query:
            return self._update_alike(call)
        items = _items(call)
        if isinstance(items, Answer):
            return items
        dropped: list[str] = []
        changes = []
        for item in items:
            dropped += self._organizations.unpermitted(item, "organizations", ("id",))
            attributes = {key: value for key, value in item.items() if key != "id"}
            changes.append({"id": _number(item.get("id")), "attributes": attributes})
        return self._submitted(call, "update", "update_many", changes, dropped)

    def _update_alike(self, call: Call) -> Answer:
        values = many_values(call.query)
        if isinstance(values, Answer):
            return values
        attributes = call.json().get("organization")
        if not isinstance(attributes, dict):
            return error(400, "ParameterMissing", "param is missing or the value is empty: organization")
        dropped = self._organizations.unpermitted(attributes, "organization")
        changes = [{**_named(call, value), "attributes": attributes} for value in values]
        return self._submitted(call, "update", "update_many", changes, dropped)

    def destroy_many(self, call: Call) -> Answer:
        """Deletes up to 100, by ``?ids=`` or ``?external_ids=``."""
        values = many_values(call.query)
        if isinstance(values, Answer):
            return values
        return self._submitted(call, "delete", "destroy_many", [_named(call, value) for value in values], [])

    def _submitted(
        self, call: Call, action: str, endpoint: str, items: list[dict[str, Any]], dropped: Sequence[str]
    ) -> Answer:
        fault = self._faults.take(call, JOB_FAULTS)
        try:
            job = self._jobs.submit(action, items, call.at, fault)
        except TooManyJobsError as refusal:
            answer = _too_many_jobs(action, refusal.current_job_ids)
        else:
            answer = Answer(200, {"job_status": self._rendered(job)}, warning(endpoint, dropped), job_id=job.id)
        limit = self._settings.job_limit
        remaining = max(0, limit - len(self._jobs.in_flight()))
        answer.headers["zendesk-ratelimit-inflight-jobs"] = f"total={limit}; remaining={remaining}; resets=60"
        return answer

    def list_jobs(self, call: Call) -> Answer:
        """The jobs of the last day, newest first."""
        listing = Listing(
            "job_statuses",
            f"{self._settings.zendesk_canonical_url}/api/v2/job_statuses.json",
            self._jobs.listed(),
            lambda job: job.number,
            "-id",
            self._rendered,
        )
        page = cursor_page if wants_cursor(call.query) else offset_page
        return Answer(200, page(listing, call.query))

    def show_job(self, _call: Call, job_id: str) -> Answer:
        """One job, or 404."""
        job = self._jobs.find(job_id)
        return not_found() if job is None else Answer(200, {"job_status": self._rendered(job)}, job_id=job.id)

    def show_jobs(self, call: Call) -> Answer:
        """Up to 100 jobs by ``ids``; unknown ones are left out."""
        values = many_values({"ids": call.query.get("ids", "")})
        if isinstance(values, Answer):
            return values
        jobs = [job for job in map(self._jobs.find, values) if job is not None]
        shown = [self._rendered(job) for job in jobs]
        return Answer(200, {"job_statuses": shown, "next_page": None, "previous_page": None, "count": len(shown)})

    def _rendered(self, job: Job) -> dict[str, Any]:
        return job.rendered(self._settings.zendesk_canonical_url)


def _items(call: Call) -> list[dict[str, Any]] | Answer:
    items = call.json().get("organizations")
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        return error(400, "ParameterMissing", "param is missing or the value is empty: organizations")
    return too_many_values() if len(items) > MOST_VALUES else items


def _named(call: Call, value: str) -> dict[str, Any]:
    return {"id": _number(value)} if "ids" in call.query else {"external_id": value}


def _number(value: Any) -> int | None:
    """An id as Zendesk reads it: a number, or the digits of one."""
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value if isinstance(value, int) else None


def _too_many_jobs(action: str, current_job_ids: list[str]) -> Answer:
    description = f"Too many {_CLASSES[action]} jobs are currently queued or running. Try again later."
    body = {"error": "TooManyJobs", "description": description, "current_job_ids": current_job_ids}
    return Answer(TOO_MANY_JOBS_STATUS, body)

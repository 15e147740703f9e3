"""Zendesk's bulk jobs: queued, then working item by item, then ended, with what became of each item.

Source: Zendesk's page "Job Statuses", and recordings of zenpy and node-zendesk for the bodies.
Jobs run side by side, each at its own pace, whether or not anybody polls.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .faults import Fault
from .job_items import normalized, without
from .organization_rules import InvalidOrganizationError, Writer
from .organizations import Organizations
from .settings import Settings
from .storage import Storage

# The share of a job's time that it waits in the queue: assumption.
QUEUED_SHARE = 0.2
# No recording shows these two errors of an item: assumption.
ITEM_NOT_FOUND = "OrganizationNotFound"
CREATE_FAILED = "OrganizationCreateFailed"
UPDATE_FAILED = "OrganizationUpdateFailed"
_TYPES = {
    "create": "Bulk Create Organization",
    "update": "Bulk Update Organization",
    "delete": "Bulk Delete Organization",
}
_VERBS = {"create": "Creating", "update": "Updating", "delete": "Deleting"}
_ENDED = ("completed", "failed", "killed")
FOREIGN = "foreign"


class TooManyJobsError(Exception):
    """As many jobs are queued or working as may be."""

    def __init__(self, current_job_ids: list[str]) -> None:
        super().__init__("too many jobs")
        self.current_job_ids = current_job_ids


@dataclass
class Job:
    """One bulk job. Times are epoch seconds; ``done`` counts the items that were handled."""

    id: str
    number: int
    action: str
    items: list[dict[str, Any]]
    total: int
    created_at: float
    starts_at: float
    ends_at: float
    fault: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    status: str = "queued"
    done: int = 0
    results: list[dict[str, Any]] = field(default_factory=list)
    ended_at: float | None = None
    message: str | None = None
    polls: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing of it can still happen."""
        return self.status in _ENDED

    @property
    def lost(self) -> bool:
        """Whether the vendor denies that it exists."""
        return self.fault == "lost"

    @property
    def applies(self) -> int:
        """How many of its items take effect, from the first."""
        if self.fault not in ("lost", "failed", "never_ends"):
            return self.total
        applied = self.arguments["applied"]
        if isinstance(applied, bool):
            return self.total if applied else 0
        return int(applied)

    def due(self, place: int) -> float:
        """When an item is handled: evenly over the time after the queue."""
        return self.starts_at + (self.ends_at - self.starts_at) * (place + 1) / max(1, self.total)

    def places_due(self, now: float) -> Iterator[int]:
        """The items that should have been handled by *now* and are not."""
        last = self.applies if self.fault == "never_ends" else self.total
        for place in range(self.done, last):
            if self.due(place) > now:
                return
            yield place

    def as_json(self) -> dict[str, Any]:
        """Everything about it, for the control API."""
        return dict(self.__dict__)

    def rendered(self, base: str) -> dict[str, Any]:
        """As Zendesk shows it."""
        progress, message, results = None, None, None
        if self.status == "working":
            progress, message = self.done, f"{_VERBS.get(self.action, 'Updating')} organization #{self.done}"
        elif self.ended:
            progress, message = self.total, self.message
        if self.status == "completed":
            results = list(self.results)
        return {
            "id": self.id,
            "url": f"{base}/api/v2/job_statuses/{self.id}.json",
            "total": self.total,
            "progress": progress,
            "status": self.status,
            "message": message,
            "results": results,
            "job_type": _TYPES.get(self.action, "Bulk Update Ticket"),
        }


class Jobs:
    """All jobs, oldest first."""

    def __init__(self, storage: Storage, settings: Settings, organizations: Organizations) -> None:
        self._storage = storage
        self._settings = settings
        self._organizations = organizations
        self.load()

    def load(self) -> None:
        """Take over what the storage holds; jobs that had not ended go on."""
        progress = dict(self._storage.load("job_progress"))
        self.rows = {key: Job(**row, **progress.get(key, {})) for key, row in self._storage.load("job")}
        self._made = max((job.number for job in self.rows.values()), default=0)
        self.most_in_flight = len(self.in_flight())

    def in_flight(self) -> list[Job]:
        """The jobs that are queued or working."""
        return [job for job in self.rows.values() if not job.ended]

    def submit(self, action: str, items: Sequence[Mapping[str, Any]], now: float, fault: Fault | None = None) -> Job:
        """Take in a job. Raises ``TooManyJobsError``."""
        running = self.in_flight()
        refused = fault is not None and fault.do == "too_many_jobs"
        if refused or (self._settings.job_limit and len(running) >= self._settings.job_limit):
            raise TooManyJobsError([job.id for job in running])
        seconds = self._settings.job_seconds
        if fault is not None and fault.do == "slow":
            seconds = float(fault.arguments["seconds"])
        if fault is not None and fault.do == "lost" and not fault.arguments["in_time"]:
            seconds = 0.0
        job = self._add(action, [dict(item) for item in items], now, seconds)
        if fault is not None:
            job.fault, job.arguments = fault.do, fault.arguments
            self._save(job)
        if seconds == 0.0 and job.lost:
            self.advance(now)
        return job

    def add_foreign(self, seconds: float, now: float) -> Job:
        """A job of another integration, which only takes up a place for *seconds*."""
        return self._add(FOREIGN, [], now, seconds)

    def _add(self, action: str, items: list[dict[str, Any]], now: float, seconds: float) -> Job:
        self._made += 1
        job = Job(
            id=f"V3-{uuid.uuid4().hex}",
            number=self._made,
            action=action,
            items=items,
            total=len(items),
            created_at=now,
            starts_at=now + seconds * QUEUED_SHARE,
            ends_at=now + seconds,
        )
        self.rows[job.id] = job
        self._save(job, whole=True)
        self.most_in_flight = max(self.most_in_flight, len(self.in_flight()))
        return job

    def find(self, job_id: str) -> Job | None:
        """The job, as a poll for it sees it: a lost one is not there, some are not there yet."""
        job = self.rows.get(job_id)
        if job is None or job.lost:
            return None
        if job.fault == "first_polls_404" and job.polls < job.arguments["polls"]:
            job.polls += 1
            self._save(job)
            return None
        return job

    def listed(self) -> list[Job]:
        """The jobs that the vendor admits to, newest first."""
        return [job for job in reversed(self.rows.values()) if not job.lost]

    def end(self, job_id: str, now: float) -> Job:
        """Let a job that goes on too long do the rest at once. Raises ``KeyError``."""
        job = self.rows[job_id]
        if job.fault == "never_ends":
            job.fault = None
        job.starts_at = job.ends_at = min(now, job.ends_at)
        self._save(job, whole=True)
        self.advance(now)
        return job

    def advance(self, now: float) -> None:
        """Let everything happen that is due, in the order in which it is due."""
        running = self.in_flight()
        steps = [(job.due(place), job.number, place, job) for job in running for place in job.places_due(now)]
        for due, _, place, job in sorted(steps, key=lambda step: step[:3]):
            self._handle(job, place, due)
        for job in running:
            self._progress(job, now)
        self._forget(now)

    def _progress(self, job: Job, now: float) -> None:
        before = (job.status, job.done)
        if job.status == "queued" and now >= job.starts_at:
            job.status = "working"
        if job.done == job.total and now >= job.ends_at and job.fault != "never_ends":
            job.ended_at = max(job.ends_at, job.created_at)
            if job.fault == "failed":
                job.status, job.message = job.arguments["status"], job.arguments["message"]
            else:
                end = datetime.fromtimestamp(job.ended_at, tz=timezone.utc)
                job.status, job.message = "completed", f"Completed at {end:%Y-%m-%d %H:%M:%S} +0000"
            if job.fault == "drop_results":
                job.results = job.results[: max(0, job.total - job.arguments["count"])]
        if before != (job.status, job.done) or job.ended:
            self._save(job)

    def _forget(self, now: float) -> None:
        """Jobs are kept for a day."""
        for job in list(self.rows.values()):
            if job.ended_at is not None and job.ended_at + self._settings.jobs_kept_seconds <= now:
                del self.rows[job.id]
                self._storage.delete("job", job.id)
                self._storage.delete("job_progress", job.id)

    def _handle(self, job: Job, place: int, due: float) -> None:
        job.done += 1
        item = dict(job.items[place])
        if place >= job.applies:
            return
        if job.fault == "fail_rows" and place in job.arguments["rows"]:
            job.results.append(self._failed(job, place, job.arguments["error"], job.arguments["details"]))
            return
        if job.fault == "drop_fields":
            item = without(item, job.arguments["keys"])
        elif job.fault == "normalize":
            item = normalized(item)
        writer = Writer("job", due, job.id)
        try:
            job.results.append(self._write(job, place, item, writer))
        except InvalidOrganizationError as error:
            job.results.append(self._failed(job, place, None, error.job_details()))

    def _write(self, job: Job, place: int, item: dict[str, Any], writer: Writer) -> dict[str, Any]:
        if job.action == "create":
            return {"status": "Created", "id": self._organizations.create(item, writer)["id"]}
        organization_id = self._target(item)
        if organization_id is None:
            return self._failed(job, place, ITEM_NOT_FOUND, "Organization not found")
        if job.action == "delete":
            self._organizations.delete(organization_id, writer)
            return {"action": "delete", "id": organization_id, "status": "Deleted", "success": True}
        attributes = item["attributes"]
        self._organizations.update(organization_id, attributes, writer)
        return {"action": "update", "id": organization_id, "status": "Updated", "success": True}

    def _target(self, item: Mapping[str, Any]) -> int | None:
        """The organization that an item is for, by id, or by external id in the form that allows it."""
        if "external_id" in item:
            found = self._organizations.with_external_id(str(item["external_id"]))
            return found[0]["id"] if found else None
        wanted = item.get("id")
        return wanted if wanted in self._organizations.rows else None

    def _failed(self, job: Job, place: int, error: str | None, details: str) -> dict[str, Any]:
        code = error or (CREATE_FAILED if job.action == "create" else UPDATE_FAILED)
        result: dict[str, Any] = {"index": place, "error": code}
        if job.action != "create":
            result["id"] = self._target(job.items[place]) or job.items[place].get("id")
        return {**result, "details": details}

    def _save(self, job: Job, whole: bool = False) -> None:
        """What never changes (the items, above all) is written once, progress each time."""
        progress = {name: getattr(job, name) for name in _PROGRESS}
        if whole:
            fixed = {name: value for name, value in job.__dict__.items() if name not in _PROGRESS}
            self._storage.put("job", job.id, fixed)
        self._storage.put("job_progress", job.id, progress)


_PROGRESS = ("status", "done", "results", "ended_at", "message", "polls", "fault", "arguments")

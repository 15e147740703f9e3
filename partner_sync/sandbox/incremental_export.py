"""``/incremental/organizations``: what changed since a time, deleted organizations included, with all its traps.

Sources: Zendesk's page "Incremental Exports" and public threads about it. A page has what changed at its start or
later. So a row whose change time is where a page ends comes again on the next one, and when more rows than fit into a
page have one change time, the next page is the same one, for ever. What changed in the last minute is left out.
"""

from __future__ import annotations

import bisect
from datetime import datetime, timezone
from typing import Any

from .limits import ZendeskQuota
from .organization_calls import error
from .organization_rules import timestamp
from .organizations import Organizations
from .settings import Settings
from .wire import Answer, Call

LARGEST_EXPORT = 1_000


class IncrementalExport:
    """Organizations in the order of their changes."""

    def __init__(self, settings: Settings, organizations: Organizations, quota: ZendeskQuota) -> None:
        self._settings = settings
        self._organizations = organizations
        self._quota = quota
        self._ordered: tuple[int, list[tuple[str, int]]] = (-1, [])

    def page(self, call: Call) -> Answer:
        """The page that begins at ``start_time``; 400 for a time too young, 429 after ten pages in a minute.

        The words of a 400 are an assumption, and that a ``per_page`` above 1,000 is one.
        """
        wait = self._quota.spend_export(call.at)
        if wait is not None:
            description = "Number of allowed incremental export API requests per minute exceeded"
            answer = error(429, "APIRateLimitExceeded", description)
            answer.headers["Retry-After"] = str(wait)
            return answer
        start, size = call.query.get("start_time", ""), call.query.get("per_page", str(LARGEST_EXPORT))
        if not start.isdigit():
            return error(400, "InvalidValue", "start_time must be seconds since 1970")
        if not size.isdigit() or not 1 <= int(size) <= LARGEST_EXPORT:
            return error(400, "InvalidValue", f"per_page must be from 1 to {LARGEST_EXPORT}")
        newest = call.at - self._settings.zendesk_export_delay_seconds
        if int(start) > newest:
            return error(400, "InvalidValue", "Too recent start_time. Use a start_time older than 60 seconds")
        return Answer(200, self._body(int(start), newest, int(size)))

    def _body(self, start: int, newest: float, size: int) -> dict[str, Any]:
        changes = self._changes()
        first = bisect.bisect_left(changes, (timestamp(start), 0))
        last = bisect.bisect_left(changes, (timestamp(newest + 1), 0))
        shown = changes[first : min(last, first + size)]
        base = self._settings.zendesk_canonical_url
        # That an empty page has neither an end nor a next page is an assumption.
        end_time = _epoch(shown[-1][0]) if shown else None
        url = f"{base}/api/v2/incremental/organizations.json?per_page={size}&start_time={end_time}"
        return {
            "organizations": [self._rendered(organization_id, base) for _, organization_id in shown],
            "next_page": url if shown else None,
            "count": len(shown),
            "end_of_stream": first + size >= last,
            "end_time": end_time,
        }

    def _changes(self) -> list[tuple[str, int]]:
        """Change time and id of everything, oldest first."""
        organizations = self._organizations
        version, changes = self._ordered
        if version != organizations.version:
            living = [(row["updated_at"], key) for key, row in organizations.rows.items()]
            deleted = [(row["deleted_at"], key) for key, row in organizations.deleted.items()]
            changes = sorted(living + deleted)
            self._ordered = (organizations.version, changes)
        return changes

    def _rendered(self, organization_id: int, base: str) -> dict[str, Any]:
        organizations = self._organizations
        row = organizations.rows.get(organization_id) or organizations.deleted[organization_id]
        return {**organizations.rendered(row, base), "deleted_at": row.get("deleted_at")}


def _epoch(time: str) -> int:
    return int(datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp())

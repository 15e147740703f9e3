"""Quotas: Zendesk's calls a minute, Salesforce's calls a day, and the headers that report them.

Counters start at nothing with the process.
"""

from __future__ import annotations

import math
from collections import deque

from .settings import Settings

_DAY = 86_400.0


class ZendeskQuota:
    """A window of fixed length for all calls, for incremental exports, and for the single updates of an organization.

    Source: Zendesk's page "Rate limits", and recorded headers (``ratelimit-*`` is there since 2024).
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._window = -1
        self._calls = 0
        self._updates: dict[int, int] = {}
        self._exports = 0

    def _roll(self, now: float) -> float:
        """Start a new window when it is time; answers the seconds until the next."""
        length = max(self._settings.zendesk_window_seconds, 0.001)
        window = int(now / length)
        if window != self._window:
            self._window, self._calls, self._exports = window, 0, 0
            self._updates.clear()
        return (window + 1) * length - now

    def spend(self, now: float) -> int | None:
        """Count one call. Answers None, or the seconds to wait when there was none left."""
        rest = self._roll(now)
        limit = self._settings.zendesk_calls_per_minute
        if limit and self._calls >= limit:
            return max(1, math.ceil(rest))
        self._calls += 1
        return None

    def spend_update(self, organization_id: int, now: float) -> int | None:
        """Count one single update of an organization, in the same way."""
        rest = self._roll(now)
        limit = self._settings.zendesk_updates_per_minute
        used = self._updates.get(organization_id, 0)
        if limit and used >= limit:
            return max(1, math.ceil(rest))
        self._updates[organization_id] = used + 1
        return None

    def spend_export(self, now: float) -> int | None:
        """Count one page of an incremental export, in the same way."""
        rest = self._roll(now)
        limit = self._settings.zendesk_exports_per_minute
        if limit and self._exports >= limit:
            return max(1, math.ceil(rest))
        self._exports += 1
        return None

    def headers(self, now: float) -> dict[str, str]:
        """The headers of each answer; without a limit there are none."""
        rest = self._roll(now)
        limit = self._settings.zendesk_calls_per_minute
        if not limit:
            return {}
        remaining = str(max(0, limit - self._calls))
        return {
            "X-Rate-Limit": str(limit),
            "X-Rate-Limit-Remaining": remaining,
            "ratelimit-limit": str(limit),
            "ratelimit-remaining": remaining,
            "ratelimit-reset": str(math.ceil(rest)),
        }


class SalesforceQuota:
    """Calls in the last 24 hours. Source: Salesforce's page on the header ``Sforce-Limit-Info``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._calls: deque[float] = deque()

    def spend(self, now: float) -> bool:
        """Count one call; False when there was none left, and it does not count then."""
        while self._calls and self._calls[0] <= now - _DAY:
            self._calls.popleft()
        limit = self._settings.salesforce_calls_per_day
        if limit and len(self._calls) >= limit:
            return False
        self._calls.append(now)
        return True

    def headers(self) -> dict[str, str]:
        """The header of each answer; without a limit there is none."""
        limit = self._settings.salesforce_calls_per_day
        if not limit:
            return {}
        return {"Sforce-Limit-Info": f"api-usage={len(self._calls)}/{limit}"}

"""The request quota and the wait that the headers of a response report.

A module of its own: it only parses headers and sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

ZENDESK_QUOTAS = ("ratelimit-{}", "rate-limit-{}", "x-rate-limit-{}")
"""The names of Zendesk's account-wide quota over the years, newest first."""


@dataclass(frozen=True)
class Quota:
    """The request quota as last reported. `resets_in` is in seconds; None for a quota that recovers over a day."""

    limit: int
    remaining: int
    resets_in: float | None

    def under(self, percent: float) -> bool:
        return self.remaining < self.limit * percent / 100


def quota_of(headers: Mapping[str, str]) -> Quota | None:
    """The scarcest quota that the headers of a response report; None if they report none."""
    usages = re.findall(r"api-usage=(\d+)/(\d+)", headers.get("Sforce-Limit-Info", ""))
    daily = [Quota(int(total), int(total) - int(used), None) for used, total in usages]
    if daily:
        return min(daily, key=lambda quota: quota.remaining / max(quota.limit, 1))
    for name in ZENDESK_QUOTAS:
        limit = _number(headers.get(name.format("limit"), "") or headers.get(name.format("").rstrip("-"), ""))
        remaining = _number(headers.get(name.format("remaining"), ""))
        if limit is not None and remaining is not None:
            reset = _number(headers.get(name.format("reset"), ""))
            return Quota(int(limit), int(remaining), 60 if reset is None else reset)  # Zendesk's quota is per minute
    return None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d+)?", text.strip()) else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a response asks to wait: a number, or a date compared with the response's own `Date`."""
    value = headers.get("Retry-After", "").strip()
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    try:
        asked = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        asked = datetime.now(timezone.utc)
    if until.tzinfo is None or asked.tzinfo is None:
        return None
    return max(0.0, (until - asked).total_seconds())

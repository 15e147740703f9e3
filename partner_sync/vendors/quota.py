"""The request quota, the wait and the time that the headers of a response report.

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
    """What the last answer said of the request quota, and the seconds until it is whole again."""

    limit: int
    remaining: int
    resets_in: float

    def under(self, percent: float) -> bool:
        return self.remaining < self.limit * percent / 100


def quota_of(headers: Mapping[str, str]) -> Quota | None:
    """The quota of Zendesk that the headers of an answer name, None if they name none.

    Salesforce's daily limit is not kept in reserve: a run needs a few calls of it, while waiting for it would stop the
    sync for a day because of others. When it is used up, Salesforce answers REQUEST_LIMIT_EXCEEDED.
    """
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
    asked = date_of(headers) or datetime.now(timezone.utc)
    return None if until.tzinfo is None else max(0.0, (until - asked).total_seconds())


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """When a system responded, by its own clock; None if it names no time."""
    try:
        date = parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError, OverflowError):
        return None
    return None if date.tzinfo is None else date

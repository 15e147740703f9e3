"""When the team is told: once when something is wrong, once when it is over, never in between. Pure.

Alarms are numbered. Each has two messages, `open` and `over`, and a message may take several attempts: whoever
announces an attempt first makes it, and only when that brought nothing for a while does somebody make the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

What = Literal["hung", "failed", "withheld", "overdue", "recovered"]
Part = Literal["open", "over"]

OVERDUE = timedelta(hours=2)
"""How long no run may have succeeded."""

STALE = timedelta(minutes=10)
"""After this long, an attempt that was not seen to arrive is taken for lost."""


@dataclass(frozen=True, slots=True)
class Sending:
    """How far one message is: attempts made, when the last of them began, and whether one is known to have arrived."""

    attempts: int = 0
    last: datetime | None = None
    arrived: bool = False

    def due(self, now: datetime) -> bool:
        return not self.arrived and (self.last is None or now - self.last > STALE)


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest alarm (0: there was none), and when a whole run last succeeded."""

    number: int = 0
    open: Sending = Sending()
    over: Sending = Sending()
    succeeded: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.number > 0 and self.over.attempts == 0


@dataclass(frozen=True, slots=True)
class News:
    """One attempt to tell one thing."""

    what: What
    number: int
    part: Part
    attempt: int


def after_failure(what: What, standing: Standing, now: datetime) -> News | None:
    """What to tell when a run hung, failed or withheld something. None: the team knows."""
    if not standing.is_open:
        return News(what, standing.number + 1, "open", 1)
    if standing.open.due(now):
        return News(what, standing.number, "open", standing.open.attempts + 1)
    return None


def after_success(standing: Standing, now: datetime) -> News | None:
    """What to tell when a whole run succeeded. None: nothing was wrong, or the team knows that it is over."""
    if standing.number and standing.over.due(now):
        return News("recovered", standing.number, "over", standing.over.attempts + 1)
    return None


def after_deadline(queued: datetime | None, standing: Standing, now: datetime) -> News | None:
    """What to tell when a run, queued then, missed its deadline. None: the team knows, or there is nothing to tell.

    A run of a past date, as in a backfill, has missed it from the start: that says nothing.
    """
    if queued is not None and now - queued < OVERDUE / 2:
        return None
    if standing.succeeded is not None and now - standing.succeeded < OVERDUE:
        return None
    return after_failure("overdue", standing, now)

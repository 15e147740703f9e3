"""Decides when the team gets a message: once when something is wrong, once when it is over, none in between. Pure.

Alarms are numbered. Each has two messages, `open` and `over`, and each message can take several attempts: the run that
announces an attempt first makes it. Another run makes the next attempt only if that one stays without success for a
while. Attempts are numbered because two runs may end at once and a sender may be killed between announcing and sending.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

MessageKind = Literal["hung", "failed", "withheld", "overdue", "recovered"]
Part = Literal["open", "over"]

OVERDUE = timedelta(hours=2)
"""The longest time without a successful run."""

STALE = timedelta(minutes=10)
"""After this time, an attempt that is not recorded as arrived counts as lost."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of a message: attempts made, when the last attempt began, and whether an attempt arrived."""

    attempts: int = 0
    last: datetime | None = None
    arrived: bool = False

    def due(self, now: datetime) -> bool:
        return not self.arrived and (self.last is None or now - self.last > STALE)


@dataclass(frozen=True, slots=True)
class AlarmState:
    """The newest alarm (0: there was none), and when a whole run last succeeded."""

    number: int = 0
    open: Delivery = Delivery()
    over: Delivery = Delivery()
    succeeded: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.number > 0 and self.over.attempts == 0


@dataclass(frozen=True, slots=True)
class Notice:
    """One attempt at one message."""

    what: MessageKind
    number: int
    part: Part
    attempt: int


def after_failure(what: MessageKind, state: AlarmState, now: datetime) -> Notice | None:
    """The notice after a run hung, failed or withheld changes; None if the team knows."""
    if not state.is_open:
        return Notice(what, state.number + 1, "open", 1)
    if state.open.due(now):
        return Notice(what, state.number, "open", state.open.attempts + 1)
    return None


def after_success(state: AlarmState, now: datetime) -> Notice | None:
    """The notice after a whole run succeeded; None if nothing was wrong or the team knows that it is over."""
    if state.number and state.over.due(now):
        return Notice("recovered", state.number, "over", state.over.attempts + 1)
    return None


def after_deadline(queued: datetime | None, state: AlarmState, now: datetime) -> Notice | None:
    """The notice after a run, queued at `queued`, missed its deadline; None if no notice is due.

    A run of a past date, as in a backfill, misses its deadline at once. That is no alarm.
    """
    if queued is not None and now - queued < OVERDUE / 2:
        return None
    if state.succeeded is not None and now - state.succeeded < OVERDUE:
        return None
    return after_failure("overdue", state, now)

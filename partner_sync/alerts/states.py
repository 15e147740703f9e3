"""Decides which message the team gets: what is new, what has recovered, and once a day what is still open. Pure.

Each cause has an alarm: it opens when a run shows the cause and ends when a run proves that it is over. Every message
has all open alarms, so the newest message is the state. A message that is not recorded as arrived in time counts as
lost: the next message repeats its content.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from partner_sync.archive.records import ALARM_CAUSES, AlarmCause, AlarmNote

STALE = timedelta(minutes=10)
"""After this time, a message that is not recorded as arrived counts as lost: its sender may have been killed."""

REMINDER = timedelta(days=1)
"""The longest silence while an alarm is open."""

NO_MESSAGE = AlarmNote("", datetime.min.replace(tzinfo=timezone.utc))


@dataclass(frozen=True, slots=True)
class AlarmState:
    """The newest message, its number (0: there was none), and whether a channel has accepted it."""

    number: int = 0
    last: AlarmNote = NO_MESSAGE
    arrived: bool = True


def due(
    state: AlarmState, run_id: str, shown: AbstractSet[AlarmCause], over: AbstractSet[AlarmCause], now: datetime
) -> AlarmNote | None:
    """The message after a run that showed some causes and proved that others are over; None if none is due."""
    last = state.last
    known = last.open.keys() - (() if state.arrived else last.new)
    reported = last.open.keys() | (() if state.arrived else last.recovered)
    opened = {
        cause: last.open.get(cause, now)
        for cause in ALARM_CAUSES
        if cause in shown or (cause in last.open and cause not in over)
    }
    new = tuple(cause for cause in opened if cause not in known)
    recovered = tuple(cause for cause in ALARM_CAUSES if cause in reported and cause not in opened)
    if opened.keys() == last.open.keys():
        silence = REMINDER if state.arrived else STALE
        if not (opened or recovered) or now - last.at <= silence:
            return None
    return AlarmNote(run_id, now, opened, new, recovered)

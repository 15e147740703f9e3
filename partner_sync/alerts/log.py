"""The alarm log: the messages that the team got, as objects in the archive. Two runs may end at once, so they only add.

alarms/<number>.json            a message, announced before it is sent
alarms/<number>.arrived.json    a channel accepted it
alarms/succeeded.json           the last whole run that succeeded
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from partner_sync.alerts.states import AlarmState
from partner_sync.archive import codec
from partner_sync.archive.object_store import Root, children, get, put, put_new
from partner_sync.archive.records import AlarmNote

_NAME = re.compile(r"(\d+)\.json")


class AlarmLog:
    """The alarm log in the archive's root."""

    def __init__(self, root: Root) -> None:
        self.folder = root / "alarms"

    def state(self) -> AlarmState:
        names = {path.name for path in children(self.folder)}
        number = max((int(found[1]) for found in map(_NAME.fullmatch, names) if found), default=0)
        last = get(AlarmNote, self._message(number)) if number else None
        return AlarmState(number, last, self._arrived(number).name in names) if last else AlarmState()

    def announce(self, decide: Callable[[AlarmState], AlarmNote | None]) -> tuple[int, AlarmNote] | None:
        """Announces the message that `decide` finds due; returns it with its number for the caller to send.

        If another run announces a message meanwhile, it decides again on the state after that message.
        """
        while (note := decide(state := self.state())) is not None:
            if put_new(self._message(state.number + 1), codec.to_json(note)):
                return state.number + 1, note
        return None

    def arrived(self, number: int, note: AlarmNote) -> None:
        put(self._arrived(number), codec.to_json(note))

    def write_success(self, note: AlarmNote) -> None:
        put(self._success, codec.to_json(note))

    def last_success(self) -> datetime | None:
        """When a whole run last succeeded."""
        note = get(AlarmNote, self._success)
        return note.at if note else None

    @property
    def _success(self) -> Root:
        return self.folder / "succeeded.json"

    def _message(self, number: int) -> Root:
        return self.folder / f"{number:06d}.json"

    def _arrived(self, number: int) -> Root:
        return self.folder / f"{number:06d}.arrived.json"

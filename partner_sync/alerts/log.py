"""The alarm log: which messages the team got, as objects in the archive. Two runs may end at once, so they only add.

alarms/<number>.open.<attempt>.json     an attempt to report that something is wrong
alarms/<number>.open.arrived.json       an attempt arrived
alarms/<number>.over.<attempt>.json     the same for "recovered"
alarms/<number>.over.arrived.json
alarms/succeeded.json                   the last whole run that succeeded
"""

from __future__ import annotations

import re

from partner_sync.alerts.states import AlarmState, Delivery, Notice
from partner_sync.archive import codec
from partner_sync.archive.object_store import Root, children, get, put, put_new
from partner_sync.archive.records import AlarmNote

ARRIVED, SUCCEEDED = "arrived", "succeeded.json"
_NAME = re.compile(r"(\d+)\.(open|over)\.(\d+|arrived)\.json")


class AlarmLog:
    """The alarm log in the archive's root."""

    def __init__(self, root: Root) -> None:
        self.folder = root / "alarms"

    def state(self) -> AlarmState:
        names = [_NAME.fullmatch(path.name) for path in children(self.folder)]
        found = [(int(name[1]), name[2], name[3]) for name in names if name]
        number = max((number for number, _, _ in found), default=0)
        succeeded = get(AlarmNote, self.folder / SUCCEEDED)
        return AlarmState(
            number=number,
            open=self._delivery(number, "open", [which for at, part, which in found if (at, part) == (number, "open")]),
            over=self._delivery(number, "over", [which for at, part, which in found if (at, part) == (number, "over")]),
            succeeded=succeeded.at if succeeded else None,
        )

    def announce(self, notice: Notice, note: AlarmNote) -> bool:
        """Announces an attempt. Returns True to exactly one of several callers: that caller makes it."""
        return put_new(self._path(notice.number, notice.part, str(notice.attempt)), codec.to_json(note))

    def arrived(self, notice: Notice, note: AlarmNote) -> None:
        put(self._path(notice.number, notice.part, ARRIVED), codec.to_json(note))

    def succeeded(self, note: AlarmNote) -> None:
        put(self.folder / SUCCEEDED, codec.to_json(note))

    def _delivery(self, number: int, part: str, found: list[str]) -> Delivery:
        attempts = max((int(which) for which in found if which != ARRIVED), default=0)
        last = get(AlarmNote, self._path(number, part, str(attempts))) if attempts else None
        return Delivery(attempts, last.at if last else None, ARRIVED in found)

    def _path(self, number: int, part: str, which: str) -> Root:
        return self.folder / f"{number:06d}.{part}.{which}.json"

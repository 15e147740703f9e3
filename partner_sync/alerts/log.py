"""What the team was told so far, as objects of the archive that are only ever added: two runs may end at once.

alarms/<number>.open.<attempt>.json     an attempt to say that something is wrong
alarms/<number>.open.arrived.json       one of them arrived
alarms/<number>.over.<attempt>.json     the same for "recovered"
alarms/<number>.over.arrived.json
alarms/succeeded.json                   the last whole run that succeeded
"""

from __future__ import annotations

import re

from partner_sync.alerts.states import News, Sending, Standing
from partner_sync.archive import codec
from partner_sync.archive.object_store import Root, children, get, put, put_new
from partner_sync.archive.records import AlarmNote

ARRIVED, SUCCEEDED = "arrived", "succeeded.json"
_NAME = re.compile(r"(\d+)\.(open|over)\.(\d+|arrived)\.json")


class AlarmLog:
    """The alarm log in the archive's root."""

    def __init__(self, root: Root) -> None:
        self.folder = root / "alarms"

    def standing(self) -> Standing:
        names = [_NAME.fullmatch(path.name) for path in children(self.folder)]
        told = [(int(name[1]), name[2], name[3]) for name in names if name]
        number = max((number for number, _, _ in told), default=0)
        succeeded = get(AlarmNote, self.folder / SUCCEEDED)
        return Standing(
            number=number,
            open=self._sending(number, "open", [which for at, part, which in told if (at, part) == (number, "open")]),
            over=self._sending(number, "over", [which for at, part, which in told if (at, part) == (number, "over")]),
            succeeded=succeeded.at if succeeded else None,
        )

    def announce(self, news: News, note: AlarmNote) -> bool:
        """Announces an attempt; tells whether it is ours to make: of several at once, one is told True."""
        return put_new(self._path(news.number, news.part, str(news.attempt)), codec.to_json(note))

    def arrived(self, news: News, note: AlarmNote) -> None:
        put(self._path(news.number, news.part, ARRIVED), codec.to_json(note))

    def succeeded(self, note: AlarmNote) -> None:
        put(self.folder / SUCCEEDED, codec.to_json(note))

    def _sending(self, number: int, part: str, told: list[str]) -> Sending:
        attempts = max((int(which) for which in told if which != ARRIVED), default=0)
        last = get(AlarmNote, self._path(number, part, str(attempts))) if attempts else None
        return Sending(attempts, last.at if last else None, ARRIVED in told)

    def _path(self, number: int, part: str, which: str) -> Root:
        return self.folder / f"{number:06d}.{part}.{which}.json"

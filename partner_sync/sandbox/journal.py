"""What happened, in order: every call of a vendor's API, and every change of an organization."""

from __future__ import annotations

from typing import Any

from .storage import Storage
from .wire import Call

Entry = dict[str, Any]


class Journal:
    """Calls and writes, numbered from 1."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.calls: list[Entry] = []
        self.writes: list[Entry] = []
        self.load()

    def load(self) -> None:
        """Take over what the storage holds; calls that never got an answer are there without a status."""
        self.calls = [entry for _, entry in self._storage.load("call")]
        self.writes = [entry for _, entry in self._storage.load("write")]

    @property
    def next_call(self) -> int:
        """The number of the next call."""
        return len(self.calls) + 1

    def begin(self, call: Call) -> Entry:
        """Note a call on its arrival; ``status`` stays null until it is answered, or for ever when it is not."""
        entry: Entry = {
            "n": call.n,
            "at": call.at,
            "system": call.system,
            "method": call.method,
            "path": call.path,
            "query": sorted(call.query),
            "status": None,
            "fault": None,
            "job_id": None,
            "seconds": None,
        }
        self.calls.append(entry)
        self._storage.put("call", str(call.n), entry)
        return entry

    def end(self, entry: Entry, **outcome: Any) -> None:
        """Note what became of a call."""
        entry.update(outcome)
        # After a reset the numbers begin again, while older calls may still be on their way.
        if entry["n"] <= len(self.calls) and self.calls[entry["n"] - 1] is entry:
            self._storage.put("call", str(entry["n"]), entry)

    def write(self, **change: Any) -> None:
        """Note an applied change of an organization."""
        entry = {"n": len(self.writes) + 1, **change}
        self.writes.append(entry)
        self._storage.put("write", str(entry["n"]), entry)

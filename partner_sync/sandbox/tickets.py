"""How many tickets and users an organization has, and what the search index knows of that by now."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from .storage import Storage


@dataclass(frozen=True)
class Tickets:
    """Counts of one organization from a time on (epoch seconds)."""

    at: float = 0.0
    open: int = 0
    solved: int = 0
    users: int = 0


class TicketCounts:
    """The counts by organization id, with those of the past, because the index shows the past."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._rows: dict[int, list[Tickets]] = {}
        self.load()

    def load(self) -> None:
        """Take over what the storage holds."""
        stored = self._storage.load("tickets")
        self._rows = {int(key): [Tickets(**each) for each in history] for key, history in stored}

    def put(self, organization_id: int, counts: Tickets) -> None:
        """Let an organization have other counts from ``counts.at`` on. Raises ``ValueError`` for what is no number."""
        for name, count in asdict(counts).items():
            if isinstance(count, bool) or not isinstance(count, (int, float)) or count < 0:
                raise ValueError(f"{name} must be a number from 0, not {count!r}")
        history = self._rows.setdefault(organization_id, [])
        history.append(counts)
        self._storage.put("tickets", str(organization_id), [asdict(each) for each in history])

    def find(self, organization_id: int, at: float) -> Tickets:
        """The counts as they were at a time."""
        known = [counts for counts in self._rows.get(organization_id, []) if counts.at <= at]
        return known[-1] if known else Tickets()

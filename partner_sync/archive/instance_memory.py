"""What complete runs remember of one instance, the holds that people can approve, and whether the instance is armed.

instances/<instance>/memory/<order>.json    missing accounts with evidence, held rows, cases, streaks
instances/<instance>/holds/<hold>.json      the rows of a hold, from the first plan that had it
instances/<instance>/marked/<day>/...       organizations that batches marked, for the budget of seven days
instances/<instance>/read.json              the last complete read of organizations
instances/<instance>/armed.json             who ended planning only, and when
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from partner_sync.archive import codec
from partner_sync.archive.archive import put_newest, segment
from partner_sync.archive.memory_records import Armed, HoldRecord, MarkedOrganizations, Memory, ReadRecord
from partner_sync.archive.object_store import Root, children, get, put, put_new

BUDGET = timedelta(days=7)
MEMORY_STEP = (
    "Without it a run starts with nothing remembered: marks wait for evidence again, and holds are red again. If it was"
    " damaged, move it away."
)


class InstanceMemory:
    """Reads and writes what is remembered of an instance below the archive's `root`."""

    def __init__(self, root: Root, instance: str) -> None:
        self._folder = root / "instances" / segment(instance)

    def newest(self) -> Memory | None:
        """The memory of the newest complete plan.

        :raises SnapshotError: if it is damaged
        """
        paths = list(children(self._folder / "memory"))
        return get(Memory, paths[-1], MEMORY_STEP) if paths else None

    def remember(self, memory: Memory) -> None:
        """Writes the memory of a plan, unless a newer plan has written its own."""
        put_newest(self._folder / "memory", memory.order, codec.to_json(memory))

    def hold(self, hold_id: str) -> HoldRecord | None:
        return get(HoldRecord, self._hold(hold_id))

    def write_hold(self, hold: HoldRecord) -> None:
        """Writes a hold, unless an earlier plan had the same rows on hold."""
        put_new(self._hold(hold.id), codec.to_json(hold))

    def marked_without_approval(self, now: datetime) -> frozenset[int]:
        """The organizations that were marked in the last seven days and that nobody approved."""
        oldest = f"{(now - BUDGET).astimezone(timezone.utc):%Y-%m-%d}"
        days = [day for day in children(self._folder / "marked") if day.name >= oldest]
        found = (get(MarkedOrganizations, path) for day in days for path in children(day))
        return frozenset(
            organization
            for one in found
            if one is not None
            for organization, decisions in one.organizations.items()
            if not decisions
        )

    def last_read(self) -> ReadRecord | None:
        """The last complete read of the instance's organizations.

        :raises SnapshotError: if it is damaged
        """
        return get(ReadRecord, self._folder / "read.json")

    def keep_read(self, record: ReadRecord) -> None:
        """Writes the last read. An older read in its place would do no harm: the next one would begin earlier."""
        put(self._folder / "read.json", codec.to_json(record))

    def armed(self) -> Armed | None:
        return get(Armed, self._armed)

    def arm(self, armed: Armed) -> bool:
        """Arms the instance. Returns False if it was armed before."""
        return put_new(self._armed, codec.to_json(armed))

    @property
    def _armed(self) -> Root:
        return self._folder / "armed.json"

    def _hold(self, hold_id: str) -> Root:
        return self._folder / "holds" / f"{segment(hold_id)}.json"

"""What is old enough to go: runs and decisions of the archive, alarm messages, XCom objects. Looks, and removes what it
gets.

Age goes by when an object was written. A run, a decision or a message goes as a whole or not at all: one fresh object
keeps it. A folder is walked; an object store is listed in pages, so ages and sizes cost no call for each object.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

from partner_sync.archive import object_store as objects
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.memory_records import Decision
from partner_sync.archive.object_store import Root, Stored, get, stored
from partner_sync.errors import StorageError


@dataclass(frozen=True)
class Group:
    """Objects that go together, by name."""

    name: str
    objects: tuple[Stored, ...]

    @property
    def written(self) -> datetime:
        """When the newest of them was written."""
        return max(one.written for one in self.objects)

    @property
    def size(self) -> int:
        return sum(one.size for one in self.objects)


def expired_runs(root: Root, *, before: datetime, keep: int) -> list[Group]:
    """Runs of the archive that are older than `before`, but none of the last `keep`, and none whose plan is an
    instance's latest or has an open job: the names of these objects hold the ids of the plans."""
    found = _runs(root)
    needed = [one.parts[-1] for one in stored(root / "instances") if one.parts[1] in ("latest", "standing", "open")]
    old = [group for group in found[: max(len(found) - keep, 0)] if group.written < before]
    return [group for group in old if not any(plan in name for plan in _plans(group) for name in needed)]


def expired_decisions(root: Root, *, before: datetime, keep: int) -> list[Group]:
    """Decisions of which nothing was in force before `before` and before the last `keep` runs, each with what is noted
    beside it.

    A run that is cleared records its decision again if the archive has none. So an approval or an undo stays until it
    would have expired as well, and the notes stay that ended what never expires.

    :raises SnapshotError: if a decision cannot be read
    """
    runs = _runs(root)
    oldest = min([before, *(group.written for group in runs[max(len(runs) - keep, 0) :])])
    found = [one for one in stored(root / "instances") if one.parts[1] == "decisions"]
    noted: dict[tuple[str, str], list[Stored]] = defaultdict(list)
    there = set()
    for one in found:
        name, *rest = one.parts[-1].split(".")
        if len(one.parts) == 3 and rest == ["json"]:
            there.add((one.parts[0], name))
        elif len(one.parts) == 3:
            noted[one.parts[0], name].append(one)
    groups = []
    for one in found:
        of = one.parts[0], one.parts[-1].split(".")[0]
        if one.parts[2] == "ended" and one.written < oldest and of not in there:
            decision = get(Decision, one.path, "It has ended. If it was damaged, move it away.")
            until = decision.until if decision is not None else None
            if until is None or until < oldest:
                groups.append(Group("/".join(of), (one, *(noted[of] if until else ()))))
    return [group for group in groups if group.written < oldest]


def expired_alarms(root: Root, *, before: datetime) -> list[Group]:
    """Messages of the alarm log that are older than `before`; the newest stays, since it has all open alarms."""
    found = [one for one in stored(root / "alarms") if one.parts[-1].split(".")[0].isdigit()]
    by_number = defaultdict(list)
    for one in found:
        by_number[one.parts[-1].split(".")[0]].append(one)
    groups = [Group(number, tuple(objects)) for number, objects in sorted(by_number.items())]
    return [group for group in groups[:-1] if group.written < before]


def expired_marks(root: Root, *, before: datetime) -> list[Group]:
    """Notes of marked organizations that are older than `before`; the budget needs those of `BUDGET`."""
    noted = [one for one in stored(root / "instances") if one.parts[1] == "marked" and one.written < before]
    return list(_grouped(noted, depth=3))


def expired_snapshots(root: Root, *, before: datetime) -> list[Group]:
    """Snapshots that no read found again since `before`, but none that is the newest of an instance.

    :raises SnapshotError: if it is not known which are the newest
    """
    instances = {one.parts[0] for one in stored(root / "instances")}
    known = [InstanceMemory(root, unquote(instance)) for instance in sorted(instances)]
    newest, reads = [one.newest() for one in known], [one.last_read() for one in known]
    needed = {digest for memory in newest if memory for digest in (memory.accounts, memory.organizations)}
    needed |= {read.organizations for read in reads if read}
    found = [one for one in stored(root / "snapshots") if one.written < before]
    return [Group(one.parts[-1], (one,)) for one in found if one.parts[-1].split(".")[0] not in needed]


def expired_inputs(root: Root, *, before: datetime) -> list[Group]:
    """What plans were made from, older than `before`: without its snapshots, a plan cannot be made again."""
    return [Group(one.parts[-1], (one,)) for one in stored(root / "inputs") if one.written < before]


def expired_xcoms(root: Root, dag_id: str, *, before: datetime) -> list[Group]:
    """XCom objects of a DAG that are older than `before`, by run, whether or not their database row is still there.

    No table of Airflow is asked: a plan is not written any more after some hours, so what is a few days old can only
    be looked at; and what was left behind by a deleted run or `airflow db clean` has no row that names it.
    """
    old = [one for one in stored(root / dag_id) if one.written < before]
    return list(_grouped(old, depth=1))


def remove_expired(groups: Iterable[Group]) -> Iterator[tuple[Stored, StorageError]]:
    """Removes what is in the groups, and folders that are empty then. Yields what could not be removed, and why."""
    for group in groups:
        for one in group.objects:
            try:
                objects.remove(one.path)
                if isinstance(one.path, Path):
                    _remove_empty(one.path, len(one.parts) - 1)
            except StorageError as error:
                yield one, error


def _runs(root: Root) -> list[Group]:
    """Every run, by when its newest object was written."""
    return sorted(_grouped(stored(root / "runs"), depth=2), key=lambda group: group.written)


def _grouped(objects: Iterable[Stored], *, depth: int) -> Iterator[Group]:
    groups = defaultdict(list)
    for one in objects:
        groups[one.parts[:depth]].append(one)
    for parts, several in sorted(groups.items()):
        yield Group("/".join(parts), tuple(several))


def _plans(group: Group) -> Collection[str]:
    """The plan folders of a run."""
    return {one.parts[2] for one in group.objects if len(one.parts) > 3}


def _remove_empty(path: Path, levels: int) -> None:
    """The folders above a removed file, up to `levels`, as long as they are empty."""
    for folder in list(path.parents)[:levels]:
        try:
            folder.rmdir()
        except OSError:
            return

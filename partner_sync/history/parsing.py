"""From the text of an archived object to a value. A foreign or damaged object is an error of one sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

from partner_sync.archive import codec
from partner_sync.archive.records import RowVerdict
from partner_sync.errors import SnapshotError, StorageError
from partner_sync.history.objects import ObjectText

_T = TypeVar("_T")
LEFT_OUT = "It is left out here. If it is damaged, move it away."
LONG = re.compile("[0-9]{19}")
"""No number with fewer digits is too large for SQLite."""


@dataclass(frozen=True, order=True)
class Place:
    """Where an object lies: its run's folder, what it is (in the order of reading), its plan's folder, its name."""

    folder: str
    order: int
    plan: str
    name: str

    @classmethod
    def of(cls, path: str) -> Place | None:
        """The place of runs/<day>/<run>/…; None for anything that we never write."""
        _, day, run, *rest = path.split("/")
        folder = f"runs/{day}/{run}"
        match rest:
            case [plan, "plan.json"]:
                return cls(folder, 0, plan, "plan.json")
            case ["run.json"]:
                return cls(folder, 1, "", "run.json")
            case ["failures", name] if name.endswith(".json"):
                return cls(folder, 2, "", name)
            case [plan, "verdicts", name] if name.endswith(".jsonl"):
                return cls(folder, 3, plan, name)
        return None


def parse_object(cls: type[_T], text: str, path: str) -> _T:
    """The value in an object. Raises SnapshotError, for a number too that the index cannot hold."""
    found = codec.from_json(cls, text, source=path, next_step=LEFT_OUT)
    if LONG.search(text) and not _holds(codec.as_json(found)):
        raise SnapshotError(f"{path} has a number that is too large. {LEFT_OUT}")
    return found


def _holds(value: object) -> bool:
    if isinstance(value, dict | list):
        return all(map(_holds, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, int) or value.bit_length() < 64


def readable_text(text: ObjectText, path: str) -> str:
    """The text of an object. Raises SnapshotError where it could not be read."""
    if not isinstance(text, str):
        why = text.why if isinstance(text, StorageError) else "gone" if isinstance(text, OSError) else "not a text"
        raise SnapshotError(f"{path} cannot be read ({why}). {LEFT_OUT}")
    return text


def parse_verdicts(text: str, path: str) -> list[RowVerdict]:
    """The lines of a verdict file. Raises SnapshotError."""
    lines = [line for line in text.split("\n") if line.strip()]  # a name may hold other line ends
    if not lines:
        raise SnapshotError(f"{path} is empty. {LEFT_OUT}")
    return [parse_object(RowVerdict, line, path) for line in lines]

"""What the process of a DAG run tells the one that shows it: one JSON line an event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO

from pydantic import TypeAdapter


@dataclass(frozen=True)
class Phase:
    """The process does something that takes its time."""

    text: str


@dataclass(frozen=True)
class Said:
    """A line of our own log."""

    level: str
    text: str


@dataclass(frozen=True)
class TaskChanged:
    """A task instance started or ended. `label` is the batch of a mapped one; `error` what it failed with."""

    task: str
    label: str
    state: str
    error: str = ""


@dataclass(frozen=True)
class Refused:
    """The run can't begin: the DAG does not load, or the conf is not what it takes."""

    why: str


@dataclass(frozen=True)
class Ended:
    """The DAG run is over. `tasks` are its task instances."""

    state: str
    run_id: str
    run_after: str
    tasks: tuple[tuple[str, str, str], ...]

    @property
    def when(self) -> datetime:
        return datetime.fromisoformat(self.run_after)


Event = Phase | Said | TaskChanged | Refused | Ended
_KINDS: dict[str, TypeAdapter[Event]] = {
    kind.__name__: TypeAdapter(kind) for kind in (Phase, Said, TaskChanged, Refused, Ended)
}


def write(stream: IO[str], event: Event) -> None:
    stream.write(json.dumps({"event": type(event).__name__, **asdict(event)}) + "\n")
    stream.flush()


def read(stream: IO[str]) -> Iterator[Event]:
    """All events until the other side is gone; a last line that was cut off is not one."""
    for line in stream:
        if line.endswith("\n"):
            data = json.loads(line)
            yield _KINDS[data.pop("event")].validate_python(data)

"""Events from the process of a DAG run to `make run`: one JSON line each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO

from pydantic import TypeAdapter


@dataclass(frozen=True)
class Phase:
    """The process begins a step that takes seconds."""

    text: str


@dataclass(frozen=True)
class LogLine:
    """A line of our own log."""

    level: str
    text: str


@dataclass(frozen=True)
class TaskChanged:
    """A task instance started or ended. `label` is the batch of a mapped task; `error` is what it failed with."""

    task: str
    label: str
    state: str
    error: str = ""


@dataclass(frozen=True)
class RunRefused:
    """The run cannot start: the DAG does not load, or its params refuse the conf."""

    why: str


@dataclass(frozen=True)
class RunEnded:
    """The DAG run ended. `tasks` are its task instances: id, label, state."""

    state: str
    run_id: str
    run_after: str
    tasks: tuple[tuple[str, str, str], ...]

    @property
    def when(self) -> datetime:
        return datetime.fromisoformat(self.run_after)


Event = Phase | LogLine | TaskChanged | RunRefused | RunEnded
_KINDS: dict[str, TypeAdapter[Event]] = {
    kind.__name__: TypeAdapter(kind) for kind in (Phase, LogLine, TaskChanged, RunRefused, RunEnded)
}


def write_event(stream: IO[str], event: Event) -> None:
    stream.write(json.dumps({"event": type(event).__name__, **asdict(event)}) + "\n")
    stream.flush()


def read_events(stream: IO[str]) -> Iterator[Event]:
    """Yields all events until the other side closes. Ignores a truncated last line."""
    for line in stream:
        if line.endswith("\n"):
            data = json.loads(line)
            yield _KINDS[data.pop("event")].validate_python(data)

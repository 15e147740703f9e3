"""More rows of the matrix: what a run reads and writes besides the two systems, XComs and archive, and its clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WRITING = ("open",)
INTO_PLACE = ("os.rename",)
LINKING = ("os.link",)
REMOVING = ("os.remove",)
LISTING = ("os.listdir", "os.scandir")


@dataclass(frozen=True)
class Access:
    """An access to an object, a file here. `path` is a pattern, `skip` how many such accesses come before this one.

    `does` is what the access is, `events` are the audit events that come right before it. `gone` says before which task
    the object can be removed or cut; None where it has no life between two tasks.
    """

    name: str
    task: str
    does: Literal["write", "read", "list", "remove"]
    path: str
    events: tuple[str, ...]
    skip: int = 0
    gone: str | None = None
    gone_path: str = ""
    world: str = "update"
    again: bool = False


@dataclass(frozen=True)
class ClockOf:
    """The clock of the process that a task runs in, wrong from the task `since` on and right again `until` another."""

    name: str
    task: str
    since: str
    until: str | None = None
    world: str = "update"
    again: bool = True


def _xcom(task: str) -> str:
    return f"*/xcom/*/{task}/*"


ACCESSES = (
    Access("XCom of accounts, written", "gather_accounts", "write", _xcom("gather_accounts"), WRITING),
    Access("XCom of organizations, written", "gather_organizations", "write", _xcom("gather_organizations"), WRITING),
    Access("XCom of accounts, read", "compare", "read", _xcom("gather_accounts"), WRITING, gone="compare"),
    Access("XCom of organizations, read", "compare", "read", _xcom("gather_organizations"), WRITING, gone="compare"),
    Access("plan", "compare", "write", "*/archive/runs/*plan.json*", WRITING, gone="sync"),
    Access("run", "compare", "write", "*/archive/runs/*run.json*", WRITING, gone="sync"),
    Access("XCom of a batch, written", "compare", "write", _xcom("compare"), WRITING),
    Access("newest plan, named", "compare", "write", "*/latest/.*", WRITING, gone="sync", gone_path="*/latest/*"),
    Access("newest plan, in its place", "compare", "write", "*/latest/*", INTO_PLACE),
    Access("plan before it, removed", "compare", "remove", "*/latest/[!.]*", REMOVING, again=True),
    Access("XCom of a batch, read", "sync", "read", _xcom("compare"), WRITING, gone="sync"),
    Access("register, own entry", "sync", "read", "*/open/[!.]*", WRITING),
    Access("register, claim", "sync", "write", "*/open/.*", WRITING),
    Access("newest plan, looked up", "sync", "list", "*/latest", LISTING, skip=2),
    Access("register, listed", "sync", "list", "*/open", LISTING),
    Access("register, intent", "sync", "write", "*/open/.*", WRITING, skip=1),
    Access("register, job", "sync", "write", "*/open/.*", WRITING, skip=2),
    Access("verdicts", "sync", "write", "*/verdicts/.*", WRITING),
    Access("register, entry removed", "sync", "remove", "*/open/[!.]*", REMOVING),
    Access("asset events, claimed", "sync", "write", "*/events.json", LINKING),
)

CLOCKS = (
    ClockOf("clock of the whole run", "gather_accounts", "gather_accounts"),
    ClockOf("clock of compare", "compare", "compare", until="sync"),
    ClockOf("clock of sync", "sync", "sync"),
)

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
    """An access to an object, a file here. `path` is a pattern, `skip` how many such accesses of its task come before.

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


SNAPSHOTS = "*/snapshots/.*"


def _xcom(task: str) -> str:
    return f"*/xcom/*/{task}/*"


ACCESSES = (
    Access("instance, armed", "gather_accounts", "write", "*/instances/*/.armed.json*", WRITING),
    Access("snapshot of accounts", "gather_accounts", "write", SNAPSHOTS, WRITING),
    Access("XCom of accounts, written", "gather_accounts", "write", _xcom("gather_accounts"), WRITING),
    Access(
        "last read, read",
        "gather_organizations",
        "read",
        "*/instances/*/read.json",
        WRITING,
        gone="gather_organizations",
        again=True,
    ),
    Access("register, listed by a read", "gather_organizations", "list", "*/open", LISTING, again=True),
    Access("verdicts, listed by a read", "gather_organizations", "list", "*/archive/runs/*", LISTING, again=True),
    Access(
        "snapshot before it, read",
        "gather_organizations",
        "read",
        "*/snapshots/[!.]*",
        WRITING,
        gone="gather_organizations",
        again=True,
    ),
    Access("snapshot of organizations", "gather_organizations", "write", SNAPSHOTS, WRITING),
    Access("last read, written", "gather_organizations", "write", "*/instances/*/.read.json*", WRITING),
    Access("XCom of organizations, written", "gather_organizations", "write", _xcom("gather_organizations"), WRITING),
    Access("XCom of accounts, read", "compare", "read", _xcom("gather_accounts"), WRITING, gone="compare"),
    Access("XCom of organizations, read", "compare", "read", _xcom("gather_organizations"), WRITING, gone="compare"),
    Access("memory, read", "compare", "read", "*/memory/[!.]*", WRITING, gone="compare", again=True),
    Access("decisions, listed", "compare", "list", "*/decisions", LISTING),
    Access("marks of seven days, listed", "compare", "list", "*/marked", LISTING),
    Access("whether armed, read", "compare", "read", "*/armed.json", WRITING),
    Access("config, archived", "compare", "write", "*/configs/*", LINKING),
    Access("rules, archived", "compare", "write", "*/rules/*", LINKING),
    Access("inputs of the plan", "compare", "write", "*/inputs/.*", WRITING),
    Access("plan", "compare", "write", "*/archive/runs/*plan.json*", WRITING, gone="sync"),
    Access("run", "compare", "write", "*/archive/runs/*run.json*", WRITING, gone="sync"),
    Access("partner states", "compare", "write", "*/standing/.*", WRITING),
    Access("XCom of a batch, written", "compare", "write", _xcom("compare"), WRITING),
    Access("memory, written", "compare", "write", "*/memory/.*", WRITING),
    Access("newest plan, named", "compare", "write", "*/latest/.*", WRITING, gone="sync", gone_path="*/latest/*"),
    Access("newest plan, in its place", "compare", "write", "*/latest/*", INTO_PLACE),
    Access("plan before it, removed", "compare", "remove", "*/latest/[!.]*", REMOVING, again=True),
    Access("XCom of a batch, read", "sync", "read", _xcom("compare"), WRITING, gone="sync"),
    Access("register, listed", "sync", "list", "*/open", LISTING),
    Access("register, claim", "sync", "write", "*/open/.*", WRITING),
    Access("newest plan, looked up", "sync", "list", "*/latest", LISTING),
    Access("register, own entry", "sync", "read", "*/open/[!.]*", WRITING),
    Access("register, before the intent", "sync", "list", "*/open", LISTING, skip=3),
    Access("verdicts of others, listed", "sync", "list", "*/verdicts", LISTING),
    Access("register, intent", "sync", "write", "*/open/.*", WRITING, skip=1),
    Access("marks of a batch", "sync", "write", "*/marked/*/.*", WRITING, world="mark"),
    Access("newest plan, last look", "sync", "list", "*/latest", LISTING, skip=1),
    Access("register, last look", "sync", "list", "*/open", LISTING, skip=5),
    Access("register, job", "sync", "write", "*/open/.*", WRITING, skip=2),
    Access("verdicts", "sync", "write", "*/verdicts/.*", WRITING),
    Access("register, entry removed", "sync", "remove", "*/open/[!.]*", REMOVING),
    Access("asset events, claimed", "sync", "write", "*/events.json", LINKING),
)
"""All in their order. No world of the matrix has holds, so no run writes `holds/`, reads approvals or takes one;
`tests/protocol` and `tests/sync` do. Settled verdicts and `suspects/` follow from cells that kill for good, or lose a
response."""

CLOCKS = (
    ClockOf("clock of the whole run", "gather_accounts", "gather_accounts"),
    ClockOf("clock of compare", "compare", "compare", until="sync"),
    ClockOf("clock of sync", "sync", "sync"),
)

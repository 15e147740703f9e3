"""What the processes of the model read and write: changes, decisions, plans, claims, jobs, and the archive."""

from __future__ import annotations

from dataclasses import dataclass, field

FOREVER = 10**9


@dataclass(frozen=True)
class Change:
    """What one row of a plan writes: (field, value before, value after). Before a create, every value is None."""

    row: int
    create: bool
    fields: tuple[tuple[int, int | None, int], ...]


@dataclass(eq=False)
class Decision:
    """An approval (`allow`) or `leave` of one change, or the `restore` of one field that a run wrote."""

    id: int
    kind: str
    user: int
    change: Change
    at: int
    until: int
    ended: int | None = None
    """When it ended, whatever the archive remembers."""
    lost: bool = False
    """The archive lost its end, or that it was taken."""
    sends: int = 0
    writes: int = 0
    wanted_otherwise: bool = False
    """Of a restore: the mapping has wanted something else since."""

    @property
    def row(self) -> int:
        return self.change.row

    def ended_by(self, time: int) -> bool:
        return self.ended is not None and self.ended <= time


@dataclass(eq=False)
class Plan:
    """`begun` is when its account snapshot was begun, `made` the end of `compare`; `rank` orders plans."""

    id: int
    begun: int
    made: int
    rank: tuple[int, int]
    changes: dict[int, Change] = field(default_factory=dict)
    allowed: dict[int, frozenset[Decision]] = field(default_factory=dict)
    """Rows that were held, and the approvals that were in force for them."""
    restores: dict[int, frozenset[Decision]] = field(default_factory=dict)


@dataclass(eq=False)
class Batch:
    """Rows of one plan that one job writes. Its verdicts are in the folder of its run, and never lost."""

    plan: Plan
    kind: str
    rows: list[int]
    done: bool = False
    verdicts: list[Verdicts] = field(default_factory=list)
    executed: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    settled_silently: bool = False


@dataclass(frozen=True)
class Verdicts:
    """One report on a batch: `rows` are (verdict, whether any claim sent it) by row."""

    at: int
    by: str
    rows: dict[int, tuple[str, bool]]


@dataclass(frozen=True)
class Claim:
    """An entry of the open-job register: announced once `intended`, followed once it has a job."""

    batch: Batch
    token: int = 0
    time: int = 0
    intended: int | None = None
    newest: Job | None = None
    """The newest job known before the submit."""
    job: Job | None = None
    rows: tuple[int, ...] = ()
    sent: frozenset[int] = frozenset()
    submits: int = 0
    settled: bool = False

    @property
    def announced(self) -> bool:
        return self.intended is not None and not self.settled


@dataclass(eq=False)
class Job:
    """A bulk job in Zendesk; without a batch, it is another integration's."""

    batch: Batch | None
    rows: dict[int, Change] = field(default_factory=dict)
    by: dict[int, frozenset[Decision]] = field(default_factory=dict)
    read: int = 0
    """When its rows were read last before the submit."""
    late: str = ""
    """Marks what goes wrong because of how it was submitted: "", " [window]" or " [lost]"."""
    state: str = "queued"
    came: int = 0
    shown: int = 0
    ended: int = FOREVER
    todo: list[int] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)

    @property
    def runs(self) -> bool:
        return self.state != "done"


class Archive:
    """The folder of the instance: all that processes know of each other."""

    def __init__(self, other: Archive | None = None) -> None:
        self.load(other)

    def load(self, other: Archive | None) -> None:
        """Replaces what it holds by what another one holds (None: by nothing)."""
        self.claims: dict[tuple[Batch, int], Claim] = dict(other.claims) if other else {}
        self.latest: set[Plan] = set(other.latest) if other else set()
        self.foreign_names = other.foreign_names if other else 0
        self.decisions: set[Decision] = set(other.decisions) if other else set()
        self.moved: set[Decision] = set(other.moved) if other else set()
        self.withdrawn: set[Decision] = set(other.withdrawn) if other else set()
        self.ended: set[Decision] = set(other.ended) if other else set()
        self.taken: set[tuple[Decision, Batch, int]] = set(other.taken) if other else set()
        self.candidates: dict[tuple[Batch, int], set[Job]] = dict(other.candidates) if other else {}

    def of(self, batch: Batch) -> list[Claim]:
        return [claim for (one, _), claim in self.claims.items() if one is batch]

    def newest(self) -> Plan | None:
        return max(self.latest, key=lambda plan: plan.rank, default=None)

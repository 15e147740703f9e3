"""What a plan is made from, as data: with it and the two snapshots, the same plan can be made again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from partner_sync.compare.causes import LastReads
from partner_sync.compare.evidence import AccountLookup, AccountRow
from partner_sync.compare.plan import ComparedRun, Comparison, Questions, compare_snapshots
from partner_sync.compare.snapshots import match_snapshots
from partner_sync.compare.tickets import Question, TicketCount, TicketCounts
from partner_sync.config.load import Config
from partner_sync.model import AccountsSnapshot, Organization, OrganizationsSnapshot


@dataclass(frozen=True, slots=True)
class CountedTickets:
    """A ticket count as it is archived: JSON has no keys of two parts."""

    instance: str
    organization_id: int
    count: TicketCount


@dataclass(frozen=True)
class Answers:
    """What a run asked, and what it was answered, in the order of its questions."""

    lookups: tuple[AccountLookup, ...] = ()
    tickets: tuple[CountedTickets, ...] = ()
    unreadable: frozenset[str] = frozenset()
    """Instances whose user may not count tickets."""
    last_rows: dict[str, AccountRow] = field(default_factory=dict)
    """Rows of the last account snapshot, of the accounts that were looked up."""
    rules: dict[str, str | None] = field(default_factory=dict)
    """Digest of accepted rules to their text, where the rules have changed."""
    last_reads: dict[str, LastReads] = field(default_factory=dict)
    """Instance to what the last run read of what would change."""

    def questions(self) -> Questions:
        """The same questions get the same answers."""
        lookups = iter(self.lookups)
        counts = {(one.instance, one.organization_id): one.count for one in self.tickets}
        return Questions(
            look_up=lambda _: next(lookups, AccountLookup()),
            count_tickets=lambda _: TicketCounts(counts, self.unreadable),
            last_rows=lambda: self.last_rows,
            rules=self.rules.get,
            last_reads=lambda instance, *_: self.last_reads.get(instance, LastReads()),
        )


@dataclass(frozen=True)
class PlanInputs:
    """Everything that a plan is made from. The snapshots are without rows: their digests name them.

    `adopted` are organizations that `compare` read itself, by instance; `rules` is the digest of the rules.
    """

    config_digest: str
    run: ComparedRun
    accounts: AccountsSnapshot
    organizations: OrganizationsSnapshot
    adopted: dict[str, tuple[Organization, ...]]
    answers: Answers
    rules: str = ""

    def compare(self, config: Config, accounts: AccountsSnapshot, organizations: OrganizationsSnapshot) -> Comparison:
        """Makes the plan again, from the whole snapshots."""
        matched = match_snapshots(config, accounts, organizations).with_read(self.adopted)
        return compare_snapshots(matched, self.run, self.answers.questions())


def without_rows(organizations: OrganizationsSnapshot) -> OrganizationsSnapshot:
    """A snapshot that only names what was read."""
    return replace(organizations, instances=tuple(replace(one, organizations=()) for one in organizations.instances))


class RecordedQuestions:
    """Asks the questions of a run and keeps the answers."""

    def __init__(self, ask: Questions) -> None:
        self._ask = ask
        self._lookups: list[AccountLookup] = []
        self._counts = TicketCounts()
        self._last_rows: Mapping[str, AccountRow] = {}
        self._rules: dict[str, str | None] = {}
        self._last_reads: dict[str, LastReads] = {}

    @property
    def questions(self) -> Questions:
        return Questions(self._look_up, self._count_tickets, self._last, self._rules_of, self._read_last)

    @property
    def answers(self) -> Answers:
        asked = {account for one in self._lookups for account in one.asked}
        return Answers(
            lookups=tuple(self._lookups),
            tickets=tuple(CountedTickets(*key, count) for key, count in sorted(self._counts.counted.items())),
            unreadable=self._counts.unreadable,
            last_rows={account: self._last_rows[account] for account in sorted(asked & self._last_rows.keys())},
            rules=self._rules,
            last_reads=self._last_reads,
        )

    def _look_up(self, ids: Sequence[str]) -> AccountLookup:
        self._lookups.append(self._ask.look_up(ids))
        return self._lookups[-1]

    def _count_tickets(self, asked: Sequence[Question]) -> TicketCounts:
        self._counts = self._ask.count_tickets(asked)
        return self._counts

    def _rules_of(self, digest: str) -> str | None:
        self._rules[digest] = self._ask.rules(digest)
        return self._rules[digest]

    def _read_last(self, instance: str, accounts: Collection[str], organizations: Collection[int]) -> LastReads:
        self._last_reads[instance] = self._ask.last_reads(instance, accounts, organizations)
        return self._last_reads[instance]

    def _last(self) -> Mapping[str, AccountRow]:
        self._last_rows = self._ask.last_rows()
        return self._last_rows

"""One instance on its way from matched organizations to its part of the plan, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from partner_sync.archive.memory_records import MissingAccount, Streak
from partner_sync.compare.causes import Causes, ReadLast
from partner_sync.compare.desired import Desired
from partner_sync.compare.differences import Differences
from partner_sync.compare.earlier_runs import EarlierRuns
from partner_sync.compare.evidence import AccountLookup, AccountRow
from partner_sync.compare.holds import HeldRows
from partner_sync.compare.leaves import ComparedRows, ended_leaves, take_left
from partner_sync.compare.marks import MissingAccounts
from partner_sync.compare.missing import Mentioned, Spared, find_missing_organizations
from partner_sync.compare.multimap import Multimap
from partner_sync.compare.name_conflicts import resolve_names
from partner_sync.compare.problem_kinds import problem
from partner_sync.compare.resting import rest
from partner_sync.compare.restores import Restores
from partner_sync.compare.snapshots import MatchedInstance, MatchedSnapshots
from partner_sync.compare.tickets import Question, TicketCounts, counted, with_counts
from partner_sync.ids import id_18
from partner_sync.model import KINDS, Change, Create, Hold, HoldReason, LeftRow, Mark, Organization, Problem, Update
from partner_sync.whitespace import trimmed


@dataclass
class Side:
    """The steps of one instance, in this order: `lost_case`, `compare_accounts`, `find_missing`, `decide_marks`,
    `rest`, `hold`. `changes` are the planned rows, held ones included; `holds` and `approvals` refer to them."""

    all: MatchedSnapshots
    matched: MatchedInstance
    earlier: EarlierRuns
    made: datetime
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    spared: Counter[Spared] = field(default_factory=Counter)
    unchanged: int = 0
    remembered: tuple[MissingAccount, ...] = ()
    waiting: dict[int, HoldReason] = field(default_factory=dict)
    streaks: tuple[Streak, ...] = ()
    caused: frozenset[str] = frozenset()
    """Change keys that changed rules cause."""
    postponed: frozenset[int] = frozenset()
    """Organizations whose mark comes later: in grace, or without an answer. Of changed rules: those that they cause."""
    left: tuple[LeftRow, ...] = ()
    settled: frozenset[str] = frozenset()
    _held: HeldRows | None = None

    @property
    def name(self) -> str:
        return self.matched.name

    @cached_property
    def restores(self) -> Restores:
        begun = self.all.accounts.begun
        return Restores(self.name, self.all.schema, self.earlier.decisions, begun, self.made)

    @cached_property
    def lost_case(self) -> dict[int, tuple[str, tuple[str, ...]]]:
        """Organization to its 15 characters and the accounts whose ids differ from them by case only."""
        found = {}
        unmatched = (one for one in self.matched.organizations if one.id not in self.matched.matches.held)
        short = [(one.id, own) for one in unmatched if len(own := _carried(one)) == 15]
        known = Multimap((one[:15].casefold(), one) for one in sorted(self.all.desired.known)) if short else Multimap()
        for number, own in short:
            others = tuple(known[own.casefold()])
            if others and all(not one.startswith(own) for one in others):
                found[number] = own, others
        return found

    def lost_case_ids(self) -> set[str]:
        """The ids that these organizations have, as account ids."""
        return {account for own, _ in self.lost_case.values() if (account := id_18(own)) is not None}

    def compare_accounts(self, twins: AccountLookup) -> None:
        """The creates, updates and problems of the accounts. `twins` looked up the ids of `lost_case`."""
        changes, accounts = Differences(self.all.schema, self.name), self.all.desired.accounts
        of_account, undecided = self.matched.matches.matched, self.matched.matches.undecided
        self.problems += self.matched.matches.problems
        if self.all.config.adoption == "problem":
            refused = {one for one in accounts if one in of_account and changes.adopts(of_account[one])}
            self.problems += [self._adoption(one, of_account[one]) for one in sorted(refused)]
            undecided = undecided | refused
        undecided = undecided | self._without_case(twins)
        accounts = {key: account for key, account in accounts.items() if key not in undecided}
        accounts = self.restores.desired(accounts, of_account)
        names = resolve_names(self.name, self.matched.write, accounts, of_account, self.matched.organizations)
        self.restores.names_withheld(of_account[one].id for one in names.withheld if one in of_account)
        self.settled = frozenset(accounts.keys() - names.withheld)
        self.problems += names.problems
        for account in accounts.values():
            organization, named = of_account.get(account.id), account.id not in names.withheld
            change: Create | Update | None = None
            if organization is not None:
                restored = self.restores.used.get(organization.id, ())
                change = changes.update(account, organization, with_name=named, restored=restored)
                self.unchanged += change is None and named
            elif named:
                change = changes.create(account)
            if change is not None:
                self.changes.append(change)

    def _without_case(self, twins: AccountLookup) -> frozenset[str]:
        """Accounts whose organization has the id without its case. A real twin, which Salesforce has, is left alone."""
        found = set[str]()
        for number, (own, others) in self.lost_case.items():
            if id_18(own) in twins.found:
                continue
            detail = f"Organization {number} has the id {own}: {' or '.join(others)} with another case."
            self.problems.append(
                problem("malformed_id", detail, instance=self.name, accounts=others, organizations=[number])
            )
            found.update(others)
        return frozenset(found - self.matched.matches.matched.keys())

    def find_missing(self, wanted: Desired, named: frozenset[str]) -> MissingAccounts:
        """The partner organizations without an account, and problems of those without a usable id."""
        unmatched = [one for one in self.matched.partners if one.id not in self.matched.matches.held]
        in_problems = {number for one in self.problems for number in one.organization_ids}
        mentioned = Mentioned(named, in_problems, wanted.unidentified)
        undone, unmarked = self.restores.marks(unmatched, mentioned)
        self.changes += unmarked
        unmatched = [one for one in unmatched if one.id not in undone]
        found = find_missing_organizations(self.all.config, self.name, unmatched, mentioned, self.made.date())
        self.problems += found.problems
        self.spared = found.spared
        self.spared["mark_undone"] = len(undone)
        return MissingAccounts(self.all.config, self.name, found.found, self.earlier, self.made)

    def decide_marks(
        self, missing: MissingAccounts, lookup: AccountLookup, last_rows: Mapping[str, AccountRow]
    ) -> None:
        organization_of = {account: one.id for account, one in self.matched.matches.matched.items()}
        found = missing.decide(lookup, last_rows, organization_of, len(self.matched.partners))
        self.changes += found.marks
        self.waiting = dict(found.waiting)
        self.problems += found.problems
        self.spared += found.spared
        self.remembered = found.remembered
        self.postponed = found.postponed

    def rest(self) -> None:
        """Takes out what people left and values that never stick, and puts the rows in their order."""
        memory = self.earlier.memory
        self.restores.rest(self.matched.organizations)
        kept, self.left = take_left(self.restores.explained(self.changes), self.earlier.decisions, self.made)
        rested = rest(
            kept,
            memory.streaks if memory else (),
            self.earlier.written,
            after=self.all.config.resting.after,
            made=self.made,
            rules=self.matched.rules,
            released=self.earlier.released,
        )
        self.changes = sorted(rested.changes, key=_change_order)
        self.problems += rested.problems
        self.streaks = rested.streaks

    @property
    def tried_again(self) -> set[str]:
        """The ids of problems of values that rest, in a run that tries them once more: they are not solved by that."""
        return {one.row for one in self.streaks if one.results >= self.all.config.resting.after}

    def explain(self, read_last: ReadLast) -> None:
        """Says why each field changes. Nothing is read for a run that changes nothing."""
        if not self.changes or self.earlier.memory is None:
            return
        organizations = {one.organization_id for one in self.changes if one.organization_id is not None}
        last = read_last(self.name, {one.account_id for one in self.changes}, organizations)
        found = Causes(self.all.config, self.all.schema, self.earlier, self.caused, self.restores.used, last)
        self.changes = list(found.explained(self.changes))

    def hold(self) -> HeldRows:
        """What the guards and the waiting marks hold. An instance that is only read holds nothing."""
        if self._held is None:
            self._held = HeldRows(
                self.all.config,
                self.all.schema,
                self.name,
                self.changes if self.matched.write else [],
                self.matched.partners,
                self.waiting,
                self.earlier,
                self.made,
                self.caused,
                self.restores.used,
            )
        return self._held

    def accepted_rules(self, holds: Iterable[Hold], rules: str) -> str:
        """The digest of the rules that are accepted after this run: its own, once nothing is held or comes later."""
        waits = rules != self.earlier.base_rules and self.postponed
        if not self.earlier.armed or (waits and self.earlier.base_rules):
            return self.earlier.base_rules
        return self.earlier.base_rules if any(one.reason == "rules" for one in holds) else rules

    def ended_keys(self) -> dict[str, set[str]]:
        """Decision to its keys that this plan shows to have ended."""
        if not self.earlier.decisions.leaves:
            return self.restores.ended
        problems = {account for one in self.problems for account in one.account_ids}
        partners = self.matched.partners
        compared = ComparedRows(
            organizations={one.id: one for one in self.matched.organizations},
            account_of={one.id: account for account, one in self.matched.matches.matched.items()},
            settled=self.settled,
            unsettled=(self.all.desired.blocked | problems) - self.settled,
            unmarked_partners={one.id for one in partners if not self.all.schema.is_marked(one)},
        )
        left = ended_leaves(self.earlier.decisions, self.left, compared, self.all.accounts.begun)
        return {**left, **self.restores.ended}

    def marks_that_pass(self) -> list[Mark]:
        """The marks that nothing holds yet: only their tickets are worth counting."""
        reasons = self.hold().reasons
        return [one for at, one in enumerate(self.changes) if isinstance(one, Mark) and at not in reasons]

    def with_tickets(self, asked: Iterable[Question], counts: TicketCounts) -> None:
        """Holds marks with open tickets, and those whose tickets are not counted."""
        passing = {one.organization_id for one in self.marks_that_pass()}
        if not passing:
            return
        found = {
            number: counts.counted[self.name, number] for number in passing if (self.name, number) in counts.counted
        }
        self.changes = [
            with_counts(one, found.get(one.organization_id)) if isinstance(one, Mark) else one for one in self.changes
        ]
        self.remembered = tuple(counted(one, found.get(one.organization_id), self.made) for one in self.remembered)
        holds = self.all.config.marks.open_tickets == "hold"
        waits = {number for number in passing if number not in found or (holds and found[number].tickets)}
        self.waiting |= dict.fromkeys(waits, "open_tickets")
        self._held = None
        if self.name in counts.unreadable:
            several = sorted(number for name, number in asked if name == self.name)
            detail = f"Zendesk refused to count the tickets of {len(several)} organizations."
            self.problems.append(problem("tickets_unreadable", detail, instance=self.name, organizations=several))

    def narrow(self, account_ids: frozenset[str]) -> tuple[list[Change], dict[int, tuple[str, ...]], tuple[Hold, ...]]:
        """What is written, the approvals of these rows by position, and the holds; of some accounts only, if any."""
        held = self.hold()
        written, approvals = list[Change](), dict[int, tuple[str, ...]]()
        for at, change in enumerate(self.changes):
            if at in held.reasons or (account_ids and change.account_id not in account_ids):
                continue
            if at in held.approvals:
                approvals[len(written)] = held.approvals[at]
            written.append(change)
        holds = held.holds()
        if account_ids:
            holds = tuple(one for one in holds if any(change.account_id in account_ids for change in one.changes))
        return written, approvals, holds

    def _adoption(self, account_id: str, organization: Organization) -> Problem:
        return problem(
            "adoption",
            f"Organization {organization.id} belongs to account {account_id}, but its type is"
            f" {organization.account_type or 'empty'}, not a partner type.",
            instance=self.name,
            accounts=[account_id],
            organizations=[organization.id],
        )


def _carried(organization: Organization) -> str:
    """The id of an organization as it is written: from its id field, or from external_id if that is empty."""
    return trimmed(organization.salesforce_id or "") or trimmed(organization.external_id or "")


def _change_order(change: Change) -> tuple[int, str, int]:
    return KINDS.index(change.kind), change.account_id, change.organization_id or 0

"""Which account gets which name. Names are unique in Zendesk, and it ignores their case.

Two steps: if several accounts want the same name, the account whose organization already has it keeps it. Then, for
each name that another organization has: does that organization get another name in this plan, and is that certain?
Organizations that wait for each other form chains, and at worst a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from partner_sync.compare.desired import DesiredAccount
from partner_sync.compare.multimap import Multimap
from partner_sync.compare.problem_kinds import problem
from partner_sync.model import Organization, Problem
from partner_sync.whitespace import trimmed

FREE, TAKEN, WAITS, CIRCLE, SHARED = "", "name_taken", "name_waits", "name_circle", "two_accounts_one_name"


def name_key(name: str) -> str:
    """Names with the same key are equal to Zendesk."""
    return trimmed(name).casefold()


@dataclass(frozen=True, slots=True)
class NameConflicts:
    """`withheld` are the accounts that do not get their name in this plan."""

    withheld: frozenset[str]
    problems: tuple[Problem, ...]


def resolve_names(
    instance: str,
    write: bool,
    accounts: Mapping[str, DesiredAccount],
    matched: Mapping[str, Organization],
    organizations: Iterable[Organization],
) -> NameConflicts:
    """Which of the accounts get their name in this plan, and a problem for each that does not.

    `accounts` are those that may be written; `organizations` are all of the instance.
    """
    resolution = _Resolution(instance, write, accounts, matched, organizations)
    problems = [*resolution.shared(), *resolution.held()]
    return NameConflicts(frozenset(one for one, outcome in resolution.outcome.items() if outcome), tuple(problems))


class _Resolution:
    def __init__(
        self,
        instance: str,
        write: bool,
        accounts: Mapping[str, DesiredAccount],
        matched: Mapping[str, Organization],
        organizations: Iterable[Organization],
    ) -> None:
        self.instance, self.write, self.accounts, self.matched = instance, write, accounts, matched
        self.holders = Multimap((name_key(organization.name), organization) for organization in organizations)
        self.account_of = {matched[one].id: one for one in accounts if one in matched}
        self.outcome: dict[str, str] = {}
        """Account to FREE, or to the kind of its problem."""

    def shared(self) -> Iterable[Problem]:
        """Names that several accounts want: the account whose organization already has the name keeps it."""
        wanting = Multimap((name_key(account.name), account) for account in self.accounts.values())
        for several in wanting.several():
            keeper = [account.id for account in several if account.id in self.matched and not self._renames(account)]
            self.outcome.update({account.id: SHARED for account in several if account.id not in keeper})
            yield self._shared_problem([account.id for account in several], keeper)

    def held(self) -> Iterable[Problem]:
        """Names that another organization has."""
        for account in self.accounts.values():
            if not self._others(account):
                continue
            outcome = self._decide(account)
            if outcome not in (FREE, SHARED):
                yield self._held_problem(account, outcome)

    def _renames(self, account: DesiredAccount) -> bool:
        """Whether the current name of its organization becomes free."""
        return name_key(self.matched[account.id].name) != name_key(account.name)

    def _others(self, account: DesiredAccount) -> Sequence[Organization]:
        """Other organizations that have the name that an account should get."""
        own = self.matched.get(account.id)
        if own is not None and trimmed(own.name) == account.name:
            return ()
        return [one for one in self.holders[name_key(account.name)] if own is None or one.id != own.id]

    def _decide(self, account: DesiredAccount) -> str:
        """Follows the chain of accounts that wait for each other to its end, then decides them from there."""
        chain: list[str] = []
        on_chain: set[str] = set()
        at = account
        while at.id not in self.outcome:
            if at.id in on_chain:
                self.outcome.update(dict.fromkeys(chain, CIRCLE))
                return CIRCLE
            on_chain.add(at.id)
            holder = self._freeing(at)
            if isinstance(holder, str):
                self.outcome[at.id] = holder
            else:
                chain.append(at.id)
                at = holder
        end = self.outcome[at.id]
        for waiting in reversed(chain):
            end = self.outcome[waiting] = _AFTER.get(end, end)
        return end

    def _freeing(self, account: DesiredAccount) -> DesiredAccount | str:
        """The account whose rename frees the name; FREE if no rename is needed, TAKEN if none frees it."""
        others = self._others(account)
        if not others:
            return FREE
        holder = self.accounts.get(self.account_of.get(others[0].id, ""))
        if len(others) > 1 or holder is None or not self._renames(holder) or not self.write:
            return TAKEN
        return holder

    def _shared_problem(self, ids: Sequence[str], keeper: Sequence[str]) -> Problem:
        kept = f", which the organization of {keeper[0]} has" if keeper else ""
        return problem(
            SHARED,
            f"Accounts {', '.join(sorted(ids))} want the same name {self.accounts[ids[0]].name}{kept}.",
            instance=self.instance,
            accounts=ids,
            organizations=[self.matched[one].id for one in ids if one in self.matched],
        )

    def _held_problem(self, account: DesiredAccount, outcome: str) -> Problem:
        others = self._others(account)
        own = [self.matched[account.id]] if account.id in self.matched else []
        held = ", ".join(f"organization {one.id} ({_carried(one)})" for one in others)
        return problem(
            outcome,
            f"The name {account.name} of account {account.id} is already in use by {held}.",
            instance=self.instance,
            accounts=[account.id],
            organizations=[one.id for one in (*own, *others)],
        )


_AFTER = {FREE: WAITS, SHARED: TAKEN}
"""Outcome of the account that has a name to the outcome of the account that waits for it, if it is another."""


def _carried(organization: Organization) -> str:
    if own := trimmed(organization.salesforce_id or ""):
        return f"its id field has {own}"
    return "its id field is empty"

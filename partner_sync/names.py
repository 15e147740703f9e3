"""Who may get which name. Zendesk's names are unique, upper and lower case being the same.

Accounts are dealt with in two steps: of those that want one name, whoever has it already keeps it; then each name that
an organization holds is looked at from that organization's side: does it get another name in this plan, and is that
certain? Organizations that wait for each other form chains, and at worst a circle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from partner_sync.model import Organization, Problem
from partner_sync.problems import problem

FREE, TAKEN, WAITS, CIRCLE, SHARED = "", "name_taken", "name_waits", "name_circle", "two_accounts_one_name"


def name_key(name: str) -> str:
    """Two names with one key are one name to Zendesk."""
    return name.strip().casefold()


@dataclass(frozen=True, slots=True)
class Wish:
    """An account and the name that it wants for its organization; None where that is yet to be created."""

    account_id: str
    name: str
    organization: Organization | None

    @property
    def renames(self) -> bool:
        """Whether the name that the organization has now becomes free."""
        return self.organization is not None and name_key(self.organization.name) != name_key(self.name)


@dataclass(frozen=True, slots=True)
class Names:
    """`withheld` are the accounts that do not get their name in this plan."""

    withheld: frozenset[str]
    problems: tuple[Problem, ...]


def settle(instance: str, write: bool, wishes: Iterable[Wish], organizations: Iterable[Organization]) -> Names:
    """Which of the wished names may be written, and a problem for each that may not."""
    return _Settling(instance, write, wishes, organizations).names()


class _Settling:
    def __init__(
        self, instance: str, write: bool, wishes: Iterable[Wish], organizations: Iterable[Organization]
    ) -> None:
        self.instance, self.write = instance, write
        self.wishes = {wish.account_id: wish for wish in wishes}
        self.of_organization = {
            wish.organization.id: wish for wish in self.wishes.values() if wish.organization is not None
        }
        self.holders: dict[str, list[Organization]] = defaultdict(list)
        for organization in organizations:
            self.holders[name_key(organization.name)].append(organization)
        self.outcome: dict[str, str] = {}
        """Account to FREE, or to the kind of its problem."""

    def names(self) -> Names:
        problems = [*self._shared(), *self._held()]
        return Names(frozenset(one for one, outcome in self.outcome.items() if outcome), tuple(problems))

    def _shared(self) -> Iterable[Problem]:
        """Names that several accounts want."""
        wanting: dict[str, list[Wish]] = defaultdict(list)
        for wish in self.wishes.values():
            wanting[name_key(wish.name)].append(wish)
        for wishes in wanting.values():
            if len(wishes) > 1:
                yield self._one_of(wishes)

    def _one_of(self, wishes: Sequence[Wish]) -> Problem:
        ids = sorted(wish.account_id for wish in wishes)
        keeper = [wish for wish in wishes if wish.organization is not None and not wish.renames]
        for wish in wishes:
            if wish not in keeper:
                self.outcome[wish.account_id] = SHARED
        held = f", which the organization of {keeper[0].account_id} has" if keeper else ""
        return problem(
            SHARED,
            f"Accounts {', '.join(ids)} all want the name {wishes[0].name}{held}.",
            instance=self.instance,
            accounts=ids,
            organizations=[wish.organization.id for wish in wishes if wish.organization is not None],
        )

    def _held(self) -> Iterable[Problem]:
        """Names that another organization holds."""
        for account_id in sorted(self.wishes):
            self._decide(account_id)
        for account_id in sorted(self.wishes):
            outcome = self.outcome[account_id]
            if outcome in (TAKEN, WAITS, CIRCLE):
                yield self._problem(self.wishes[account_id], outcome)

    def _decide(self, account_id: str) -> None:
        """Follow who waits for whom to where that ends; then every account on the way is decided from its end."""
        chain: dict[str, Wish] = {}
        wish = self.wishes[account_id]
        while wish.account_id not in self.outcome:
            if wish.account_id in chain:
                self.outcome.update(dict.fromkeys(chain, CIRCLE))
                return
            chain[wish.account_id] = wish
            holder = self._holder(wish)
            if isinstance(holder, str):
                self.outcome[wish.account_id] = holder
            else:
                wish = holder
        end = self.outcome[wish.account_id]
        for waiting in reversed(chain):
            if waiting != wish.account_id:
                end = _AFTER[end]
                self.outcome[waiting] = end

    def _holder(self, wish: Wish) -> Wish | str:
        """The wish that frees the name, or FREE or TAKEN where none is needed or none does."""
        others = self._others(wish)
        if not others:
            return FREE
        freeing = self.of_organization.get(others[0].id)
        if len(others) > 1 or freeing is None or not freeing.renames or not self.write:
            return TAKEN
        return freeing

    def _others(self, wish: Wish) -> list[Organization]:
        own = wish.organization
        if own is not None and own.name.strip() == wish.name:
            return []
        return [one for one in self.holders.get(name_key(wish.name), []) if own is None or one.id != own.id]

    def _problem(self, wish: Wish, outcome: str) -> Problem:
        others = self._others(wish)
        own = [wish.organization] if wish.organization is not None else []
        held = ", ".join(f"organization {one.id} ({_carried(one)})" for one in others)
        return problem(
            outcome,
            f"The name {wish.name}, which account {wish.account_id} wants, is held by {held}.",
            instance=self.instance,
            accounts=[wish.account_id],
            organizations=[one.id for one in (*own, *others)],
        )


_AFTER = {FREE: WAITS, WAITS: WAITS, TAKEN: TAKEN, SHARED: TAKEN, CIRCLE: CIRCLE}
"""What becomes of an account whose name is held by one with this outcome."""


def _carried(organization: Organization) -> str:
    if organization.salesforce_id and organization.salesforce_id.strip():
        return f"its id field has {organization.salesforce_id.strip()}"
    return "its id field is empty"

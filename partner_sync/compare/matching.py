"""Matches the accounts with the organizations of one instance: by the id field, else by external_id, never by name.

All organizations take part, partner organizations or not, and all accounts with an id, also those with a problem: an
organization of one account cannot belong to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from partner_sync.compare.multimap import Multimap
from partner_sync.compare.organization_schema import OrganizationSchema, external_key
from partner_sync.compare.problem_kinds import problem
from partner_sync.ids import id_18
from partner_sync.model import Organization, Problem


@dataclass(frozen=True, slots=True)
class Matches:
    """The matches of one instance. An account that is neither matched nor undecided has no organization."""

    matched: dict[str, Organization]
    undecided: frozenset[str]
    """Accounts whose organization a person must choose."""
    held: frozenset[int]
    """Organizations that belong to an account, or may belong to one: they are not marked."""
    problems: tuple[Problem, ...]


def match(
    schema: OrganizationSchema, instance: str, account_ids: Sequence[str], organizations: Iterable[Organization]
) -> Matches:
    """Matches all accounts that have an id with the organizations of one instance."""
    index = _Ids(schema, instance, frozenset(account_ids), organizations)
    matched: dict[str, Organization] = {}
    undecided: set[str] = set()
    held: set[int] = set()
    problems: list[Problem] = []
    for account_id in account_ids:
        found, doubts = index.decide(account_id)
        if found is not None:
            held.add(found.id)
            matched[account_id] = found
        for doubt in doubts:
            problems.append(doubt)
            held.update(doubt.organization_ids)
            if found is None:
                undecided.update(doubt.account_ids)
    for account_id in undecided:
        matched.pop(account_id, None)
    return Matches(matched, frozenset(undecided), frozenset(held), tuple(problems))


class _Ids:
    """The organizations of one instance by the ids that they carry."""

    def __init__(
        self, schema: OrganizationSchema, instance: str, known: frozenset[str], organizations: Iterable[Organization]
    ) -> None:
        self.instance, self.known, self.schema = instance, known, schema
        self.by_id: Multimap[Organization] = Multimap()
        self.by_external: Multimap[Organization] = Multimap()
        for organization in organizations:
            own, external = organization.salesforce_id, organization.external_id
            own = own if own in self.known else id_18(own)
            if own is not None:
                self.by_id.add(own, organization)
            if external is not None:
                key = external.casefold() if external in self.known else external_key(external)
                self.by_external.add(key, organization)

    def decide(self, account_id: str) -> tuple[Organization | None, Sequence[Problem]]:
        """The account's organization, if that is certain, and the problems that a person must solve."""
        own = self.by_id[account_id]
        external = self.by_external[account_id.casefold()]
        if len(own) == 1:
            alone = not external or (len(external) == 1 and external[0] is own[0])
            return own[0], () if alone else self._spare(account_id, own[0], external)
        if len(own) > 1:
            return None, [self._two(account_id, [*own, *self._also(own, external)])]
        if len(external) > 1:
            return None, [self._two(account_id, external)]
        if not external:
            return None, ()
        if id_18(external[0].salesforce_id) is not None:
            return None, [self._claimed(account_id, external[0])]
        return external[0], ()

    def _two(self, account_id: str, organizations: Sequence[Organization]) -> Problem:
        ids = sorted(organization.id for organization in organizations)
        others = [other for one in organizations if (other := id_18(one.salesforce_id)) is not None]
        return problem(
            "two_organizations_for_one_account",
            f"Organizations {', '.join(map(str, ids))} carry the same id {account_id}.",
            instance=self.instance,
            accounts=[account_id, *others],
            organizations=ids,
        )

    def _also(self, own: Sequence[Organization], external: Sequence[Organization]) -> list[Organization]:
        """Organizations that carry the id as external_id only, and no account's id in the id field."""
        return [one for one in external if one not in own and id_18(one.salesforce_id) not in self.known]

    def _spare(self, account_id: str, own: Organization, external: Sequence[Organization]) -> list[Problem]:
        """Other partner organizations with the account's external_id: not marked, since the account exists."""
        return [
            problem(
                "two_organizations_for_one_account",
                f"Organization {own.id} carries {account_id} in its id field and is treated as its organization."
                f" Organization {other.id} carries it as external_id and is left alone.",
                instance=self.instance,
                accounts=[account_id],
                organizations=[own.id, other.id],
            )
            for other in self._also([own], external)
            if self.schema.is_partner(other.account_type)
        ]

    def _claimed(self, account_id: str, organization: Organization) -> Problem:
        """An organization whose two ids disagree; its id field may name an account outside the query."""
        other = id_18(organization.salesforce_id) or ""
        whose = "another account" if other in self.known else "not an account of the query"
        return problem(
            "organization_claimed_twice",
            f"Organization {organization.id} carries {other} in its id field, which is {whose}, and {account_id} as"
            " external_id.",
            instance=self.instance,
            accounts=[account_id, other],
            organizations=[organization.id],
        )

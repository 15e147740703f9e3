"""How every partner stands: what its account wants, and what its organization has, as both were read. Pure.

A plan tells what differs; this tells the rest, so that whoever asks for an organization that always was in step gets an
answer as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from partner_sync.compare.desired import DesiredAccount, canonical, canonical_of, desired
from partner_sync.compare.matching import match
from partner_sync.config.load import Config
from partner_sync.ids import id_18
from partner_sync.model import (
    NAME,
    AccountsSnapshot,
    InstanceRead,
    Organization,
    OrganizationsSnapshot,
    PlanOrder,
    Standing,
    Standings,
    Value,
)
from partner_sync.whitespace import trimmed


def standings(
    config: Config, accounts: AccountsSnapshot, organizations: OrganizationsSnapshot, order: PlanOrder
) -> tuple[Standings, ...]:
    """One table for each instance: its accounts by id, then organizations of those that a problem blocks, and partner
    organizations without account."""
    wanted = desired(config, accounts.rows)
    table = _Table(config, wanted.fields)
    partner_values = frozenset(config.partners.values)
    found = []
    for read in organizations.instances:
        matched = match(read.instance, sorted(wanted.known), read.organizations, partner_values).matched
        rows = (
            *table.accounts(wanted.accounts, matched),
            *table.blocked(wanted.blocked, matched),
            *table.others(read, matched, partner_values),
        )
        found.append(Standings(order, read.instance, (NAME, *wanted.fields), tuple(rows)))
    return tuple(found)


class _Table:
    def __init__(self, config: Config, fields: tuple[str, ...]) -> None:
        rules = {attribute.field: attribute.rule for attribute in config.attributes}
        self.fields = tuple((field, canonical_of(rules.get(field, "checkbox"))) for field in fields)
        self.mark = config.marks.field

    def accounts(self, accounts: dict[str, DesiredAccount], matched: dict[str, Organization]) -> Iterator[Standing]:
        for one in accounts.values():
            organization = matched.get(one.id)
            yield self._row(one.id, one.name, (one.name, *one.values), organization)

    def blocked(self, account_ids: frozenset[str], matched: dict[str, Organization]) -> Iterator[Standing]:
        """What a problem keeps from being written is what people ask for."""
        for account_id in sorted(account_ids & matched.keys()):
            yield self._row(account_id, trimmed(matched[account_id].name), None, matched[account_id])

    def others(
        self, read: InstanceRead, matched: dict[str, Organization], partner_values: frozenset[str]
    ) -> Iterator[Standing]:
        ours = {organization.id for organization in matched.values()}
        for one in sorted(read.organizations, key=lambda organization: organization.id):
            if one.account_type in partner_values and one.id not in ours:
                yield self._row(id_18(one.salesforce_id) or id_18(one.external_id), trimmed(one.name), None, one)

    def _row(
        self, account_id: str | None, name: str, wanted: tuple[Value, ...] | None, organization: Organization | None
    ) -> Standing:
        if organization is None or organization.fields is None:
            return Standing(account_id, organization.id if organization else None, name, wanted, None, False)
        have = organization.fields
        values = (trimmed(organization.name), *(read(have.get(field)) for field, read in self.fields))
        marked = canonical("checkbox", have.get(self.mark)) is True
        return Standing(account_id, organization.id, name, wanted, values, marked)

"""How every partner stands: what its account wants, and what its organization has, as both were read. Pure.

A plan tells what differs; this tells the rest, so that whoever asks for an organization that always was in step gets an
answer as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from partner_sync.archive.records import PartnerState, PartnerStates
from partner_sync.compare.canonical import checkbox_value
from partner_sync.compare.desired import DesiredAccount
from partner_sync.compare.organization_schema import OrganizationSchema
from partner_sync.compare.plan import Comparison
from partner_sync.ids import id_18
from partner_sync.model import NAME, Organization, Value
from partner_sync.whitespace import trimmed


def partner_states(comparison: Comparison) -> Iterator[PartnerStates]:
    """One table for each instance: its accounts by id, then organizations of those that a problem blocks, and partner
    organizations without account."""
    matched, wanted = comparison.matched, comparison.matched.desired
    table = _Table(matched.schema)
    for instance in matched.instances:
        of_account = instance.matches.matched
        rows = (
            *table.accounts(wanted.accounts, of_account),
            *table.blocked(wanted.blocked, of_account),
            *table.others(instance.partners, of_account),
        )
        yield PartnerStates(comparison.plan.order, instance.name, (NAME, *matched.schema.fields), rows)


class _Table:
    def __init__(self, schema: OrganizationSchema) -> None:
        self.fields = tuple((field, schema.canonical[field]) for field in schema.fields)
        self.mark = schema.mark_field

    def accounts(self, accounts: dict[str, DesiredAccount], matched: dict[str, Organization]) -> Iterator[PartnerState]:
        for one in accounts.values():
            organization = matched.get(one.id)
            yield self._row(one.id, one.name, (one.name, *one.values), organization)

    def blocked(self, account_ids: frozenset[str], matched: dict[str, Organization]) -> Iterator[PartnerState]:
        """What a problem keeps from being written is what people ask for."""
        for account_id in sorted(account_ids & matched.keys()):
            yield self._row(account_id, trimmed(matched[account_id].name), None, matched[account_id])

    def others(self, partners: Iterable[Organization], matched: dict[str, Organization]) -> Iterator[PartnerState]:
        ours = {organization.id for organization in matched.values()}
        for one in partners:
            if one.id not in ours:
                yield self._row(id_18(one.salesforce_id) or id_18(one.external_id), trimmed(one.name), None, one)

    def _row(
        self, account_id: str | None, name: str, wanted: tuple[Value, ...] | None, organization: Organization | None
    ) -> PartnerState:
        if organization is None or organization.fields is None:
            return PartnerState(account_id, organization.id if organization else None, name, wanted, None, False)
        have = organization.fields
        values = (trimmed(organization.name), *(canonical(have.get(field)) for field, canonical in self.fields))
        if values == wanted:
            values = wanted  # one tuple instead of two for almost every partner
        marked = checkbox_value(have.get(self.mark))
        return PartnerState(account_id, organization.id, name, wanted, values, marked)

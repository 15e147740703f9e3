"""Partner states: the desired values of every account beside the values of its organization, as both were read.

A plan has only what differs. These tables also show partners that are in sync.
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
    """One table per instance: its accounts by id, the organizations of blocked accounts, and partner organizations
    without an account."""
    matched, wanted = comparison.matched, comparison.matched.desired
    table = _Table(matched.schema)
    for instance in matched.instances:
        of_account = instance.matches.matched
        rows = (
            *table.accounts(wanted.accounts, of_account),
            *table.blocked(wanted.blocked, of_account),
            *table.others(instance.partners, of_account),
        )
        yield PartnerStates(
            comparison.plan.order,
            instance.name,
            (NAME, *matched.schema.fields),
            rows,
            titles=dict(instance.titles),
            sources={one.field: (one.source, one.rule) for one in matched.config.attributes},
        )


class _Table:
    def __init__(self, schema: OrganizationSchema) -> None:
        self.fields = tuple((field, schema.canonical[field]) for field in schema.fields)
        self.mark = schema.mark_field
        self.policies = schema.policies

    def accounts(self, accounts: dict[str, DesiredAccount], matched: dict[str, Organization]) -> Iterator[PartnerState]:
        for one in accounts.values():
            organization = matched.get(one.id)
            yield self._row(one.id, one.name, (one.name, *one.values), organization)

    def blocked(self, account_ids: frozenset[str], matched: dict[str, Organization]) -> Iterator[PartnerState]:
        """Organizations of accounts that a problem blocks: people ask for these most."""
        for account_id in sorted(account_ids & matched.keys()):
            yield self._row(account_id, trimmed(matched[account_id].name), None, matched[account_id])

    def others(self, partners: Iterable[Organization], matched: dict[str, Organization]) -> Iterator[PartnerState]:
        ours = {organization.id for organization in matched.values()}
        for one in partners:
            if one.id not in ours:
                yield self._row(id_18(one.salesforce_id) or id_18(one.external_id), trimmed(one.name), None, one)

    def _kept(self, wanted: Iterable[Value], values: Iterable[Value]) -> Iterator[Value]:
        """The desired values; where a policy leaves a field as it is, that is its value."""
        for (field, _), want, value in zip(self.fields, wanted, values, strict=True):
            attribute = self.policies.get(field)
            yield value if attribute is not None and attribute.leaves(value, want) else want

    def _row(
        self, account_id: str | None, name: str, wanted: tuple[Value, ...] | None, organization: Organization | None
    ) -> PartnerState:
        if organization is None or organization.fields is None:
            return PartnerState(account_id, organization.id if organization else None, name, wanted, None, False)
        have = organization.fields
        if wanted is None:
            values = tuple(canonical(have.get(field)) for field, canonical in self.fields)
        else:  # most values are as desired, and the rule need not run
            values = tuple(
                want if (raw := have.get(field)) == want else canonical(raw)
                for (field, canonical), want in zip(self.fields, wanted[1:], strict=True)
            )
            wanted = wanted if not self.policies else (wanted[0], *self._kept(wanted[1:], values))
        marked = checkbox_value(have.get(self.mark))
        return PartnerState(account_id, organization.id, name, wanted, (trimmed(organization.name), *values), marked)

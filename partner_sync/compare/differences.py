"""The owned fields that differ between an account and its organization, each with a reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from partner_sync.compare.desired import DesiredAccount
from partner_sync.compare.organization_schema import OrganizationSchema
from partner_sync.errors import CLEAR_BOTH, SnapshotError
from partner_sync.ids import id_18
from partner_sync.model import EXTERNAL_ID, NAME, Create, FieldChange, Organization, Update, Value
from partner_sync.whitespace import trimmed


class Differences:
    """The comparison of single accounts and organizations, for one instance."""

    def __init__(self, schema: OrganizationSchema, instance: str) -> None:
        self.schema, self.instance = schema, instance
        self.fields = tuple((field, schema.canonical[field]) for field in schema.fields)
        self.reasons: Mapping[str, Callable[[Organization, Value, Value], str]] = {
            # An organization with another id or none in the id field was not matched by it.
            schema.id_field: lambda _, before, want: (
                "id had 15 characters" if id_18(before) == want else "matched by external_id"
            ),
            schema.partner_field: self._why_type,
            schema.mark_field: lambda *_: "partner is back: mark removed",
        }

    def create(self, account: DesiredAccount) -> Create:
        """Everything that is not empty, and the id as external_id, so that Zendesk refuses a second organization."""
        changed = [FieldChange(NAME, None, account.name), FieldChange(EXTERNAL_ID, None, account.id)]
        for (field, _), value in zip(self.fields, account.values, strict=True):
            if value is not None:
                changed.append(FieldChange(field, None, value))
        return Create(self.instance, account.id, account.name, tuple(changed), "new partner")

    def update(
        self,
        account: DesiredAccount,
        organization: Organization,
        *,
        with_name: bool,
        restored: Collection[str] = (),
    ) -> Update | None:
        """An update of the fields that differ; None if none does. A policy leaves nothing that is `restored`."""
        have = read_whole(self.instance, organization)
        changed: list[FieldChange] = []
        name = trimmed(organization.name)
        if with_name and name != account.name:
            changed.append(FieldChange(NAME, name, account.name))
        for (field, canonical), want in zip(self.fields, account.values, strict=True):
            raw = have.get(field)
            if raw == want:
                continue
            before = canonical(raw)
            if before != want and not self._leaves(field, before, want, restored):
                why = self.reasons.get(field)
                reason = why(organization, before, want) if why else ""
                changed.append(FieldChange(field, before, want, reason))
        if not changed:
            return None
        reasons = [one.reason for one in changed if one.reason]
        reason = "; ".join(reasons) or "out of date"
        adopted = self.adopts(organization) and any(one.field == self.schema.partner_field for one in changed)
        return Update(self.instance, account.id, organization.id, name, tuple(changed), reason, adopted)

    def _leaves(self, field: str, before: Value, want: Value, restored: Collection[str]) -> bool:
        attribute = self.schema.policies.get(field)
        return attribute is not None and field not in restored and attribute.leaves(before, want)

    def adopts(self, organization: Organization) -> bool:
        """Whether the organization is not a partner organization yet."""
        return not self.schema.is_partner(organization.account_type)

    def _why_type(self, organization: Organization, before: Value, _: Value) -> str:
        if not self.adopts(organization):
            return ""
        return f"adopted: was a {before} organization" if before else "adopted: had no type"


def read_whole(instance: str, organization: Organization) -> dict[str, Value]:
    """The owned fields of an organization. Raises SnapshotError if they were not read."""
    if organization.fields is None:
        raise SnapshotError(
            f"Organization {organization.id} of {instance} belongs to an account, but its fields were not read."
            f" It changed during the read. {CLEAR_BOTH}"
        )
    return organization.fields

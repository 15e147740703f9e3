"""What one account changes on its organization: the owned fields that differ, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from partner_sync.compare.desired import DesiredAccount
from partner_sync.compare.organization_schema import OrganizationSchema
from partner_sync.errors import SnapshotError
from partner_sync.ids import id_18
from partner_sync.model import EXTERNAL_ID, NAME, Create, FieldChange, Organization, Update, Value
from partner_sync.whitespace import trimmed

WITHOUT_ORGANIZATION = "account without an organization"
DIFFERS = "differs from its account"
UNMARKED = "partner is back: un-marked"
BY_EXTERNAL_ID = "matched by external_id"
SHORT_ID = "was in 15-character form"


class Changes:
    """The comparison of single accounts and organizations, for one instance."""

    def __init__(self, schema: OrganizationSchema, instance: str) -> None:
        self.schema, self.instance = schema, instance
        self.fields = tuple((field, schema.canonical[field]) for field in schema.fields)
        self.reasons: Mapping[str, Callable[[Organization, Value, Value], str]] = {
            # Whoever has another id in the id field, or none, cannot have been matched by it.
            schema.id_field: lambda _, before, want: SHORT_ID if id_18(before) == want else BY_EXTERNAL_ID,
            schema.partner_field: self._why_type,
            schema.mark_field: lambda *_: UNMARKED,
        }

    def create(self, account: DesiredAccount) -> Create:
        """What is not empty, and the id as external_id: Zendesk then refuses a second organization for it."""
        changed = [FieldChange(NAME, None, account.name), FieldChange(EXTERNAL_ID, None, account.id)]
        for (field, _), value in zip(self.fields, account.values, strict=True):
            if value is not None:
                changed.append(FieldChange(field, None, value))
        return Create(self.instance, account.id, account.name, tuple(changed), WITHOUT_ORGANIZATION)

    def update(self, account: DesiredAccount, organization: Organization, *, with_name: bool) -> Update | None:
        """What differs; None if nothing does."""
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
            if before != want:
                why = self.reasons.get(field)
                reason = why(organization, before, want) if why else ""
                changed.append(FieldChange(field, before, want, reason))
        if not changed:
            return None
        reasons = [one.reason for one in changed if one.reason]
        reason = "; ".join(reasons) or DIFFERS
        adopted = self.adopts(organization) and any(one.field == self.schema.partner_field for one in changed)
        return Update(self.instance, account.id, organization.id, name, tuple(changed), reason, adopted)

    def adopts(self, organization: Organization) -> bool:
        """Whether the organization is no partner organization yet."""
        return not self.schema.is_partner(organization.account_type)

    def _why_type(self, organization: Organization, before: Value, _: Value) -> str:
        if not self.adopts(organization):
            return ""
        return f"adopted: was a {before} organization" if before else "adopted: had no type"


def read_whole(instance: str, organization: Organization) -> dict[str, Value]:
    """The owned fields of an organization that has to have been read whole."""
    if organization.fields is None:
        raise SnapshotError(
            f"Organization {organization.id} of {instance} belongs to an account, but its fields were not read."
            " It changed while it was read: clear gather_organizations."
        )
    return organization.fields

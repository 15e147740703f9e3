"""What one account changes on its organization: the owned fields that differ, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from partner_sync.config import Config
from partner_sync.errors import SnapshotError
from partner_sync.ids import id_18
from partner_sync.mapping import DesiredAccount, canonical_of, id_field
from partner_sync.matching import Match
from partner_sync.model import EXTERNAL_ID, NAME, Create, FieldChange, Organization, Update, Value

WITHOUT_ORGANIZATION = "account without an organization"
DIFFERS = "differs from its account"
UNMARKED = "partner is back: un-marked"
BY_EXTERNAL_ID = "matched by external_id"
ADOPTED = "adopted"


class Changes:
    """The comparison of single accounts and organizations, made ready for one config and one list of fields."""

    def __init__(self, config: Config, fields: tuple[str, ...]) -> None:
        rules = {attribute.field: attribute.rule for attribute in config.attributes}
        self.partner_values = frozenset(config.partners.values)
        self.fields = tuple((field, canonical_of(rules.get(field, "checkbox"))) for field in fields)
        self.reasons: Mapping[str, Callable[[Match, FieldChange], str]] = {
            id_field(config): _why_id,
            config.partners.field: self._why_type,
            config.marks.field: lambda _, __: UNMARKED,
        }

    def create(self, instance: str, account: DesiredAccount) -> Create:
        """What is not empty, and the id as external_id: Zendesk then refuses a second organization for it."""
        changed = [FieldChange(NAME, None, account.name), FieldChange(EXTERNAL_ID, None, account.id)]
        for (field, _), value in zip(self.fields, account.values, strict=True):
            if value is not None:
                changed.append(FieldChange(field, None, value))
        return Create(instance, account.id, account.name, tuple(changed), WITHOUT_ORGANIZATION)

    def update(self, instance: str, account: DesiredAccount, match: Match, *, with_name: bool) -> Update | None:
        """What differs; None if nothing does."""
        organization = match.organization
        have = read_whole(instance, organization)
        changed: list[FieldChange] = []
        name = organization.name.strip()
        if with_name and name != account.name:
            changed.append(FieldChange(NAME, name, account.name))
        for (field, canonical), want in zip(self.fields, account.values, strict=True):
            raw = have.get(field)
            if raw == want:
                continue
            before = canonical(raw)
            if before != want:
                changed.append(self._reasoned(match, FieldChange(field, before, want)))
        if not changed:
            return None
        reason = "; ".join(dict.fromkeys(one.reason for one in changed if one.reason)) or DIFFERS
        return Update(instance, account.id, organization.id, name, tuple(changed), reason)

    def adopts(self, match: Match) -> bool:
        """Whether the organization is no partner organization yet."""
        return match.organization.account_type not in self.partner_values

    def _reasoned(self, match: Match, change: FieldChange) -> FieldChange:
        why = self.reasons.get(change.field)
        return FieldChange(change.field, change.before, change.after, why(match, change)) if why else change

    def _why_type(self, match: Match, change: FieldChange) -> str:
        if not self.adopts(match):
            return ""
        return f"{ADOPTED}: was a {change.before} organization" if change.before else f"{ADOPTED}: had no type"


def _why_id(match: Match, change: FieldChange) -> str:
    if match.by == EXTERNAL_ID:
        return BY_EXTERNAL_ID
    return f"{change.field} was in 15-character form" if id_18(change.before) == change.after else ""


def read_whole(instance: str, organization: Organization) -> dict[str, Value]:
    """The owned fields of an organization that has to have been read whole."""
    if organization.fields is None:
        raise SnapshotError(
            f"Organization {organization.id} of {instance} belongs to an account, but its fields were not read."
            " It changed while it was read: clear gather_organizations."
        )
    return organization.fields

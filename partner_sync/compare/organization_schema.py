"""What an organization is under a config: its fields, the account it belongs to, and whether it is a partner's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

from partner_sync.compare.canonical import CANONICAL, text_value
from partner_sync.config.load import Config
from partner_sync.config.settings import Attribute, Rule
from partner_sync.ids import id_18
from partner_sync.model import ATTRIBUTES, EXTERNAL_ID, NAME, Organization, Value
from partner_sync.whitespace import trimmed

TYPES: Mapping[Rule, tuple[str, ...]] = {
    "id_18": ("text", "textarea", "regexp"),
    "id_15": ("text", "textarea", "regexp"),
    "text": ("text", "textarea", "regexp"),
    "checkbox": ("checkbox",),
    "dropdown": ("dropdown", "tagger"),
    "date": ("date",),
    "number": ("integer", "decimal"),
}
"""Rule to the types that an organization field of it may have."""


@dataclass(frozen=True, slots=True)
class ExpectedField:
    """An organization field that Zendesk must have: one of these types, and at least these options."""

    key: str
    types: tuple[str, ...]
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrganizationSchema:
    """Organizations under one config; `organization_schema` builds it.

    `fields` are the organization fields that are compared, the mark last; `kept` are those that a gather keeps of a
    partner organization; `expected` must be true of Zendesk's fields before anything is written. `canonical` has the
    function of every field that a change may have. `identity` are the fields that name the account. `rules` has the
    rule of every field as data, `policies` the attributes that do not just follow Salesforce.
    """

    fields: tuple[str, ...]
    kept: tuple[str, ...]
    expected: tuple[ExpectedField, ...]
    canonical: Mapping[str, Callable[[object], Value]]
    id_field: str
    partner_field: str
    partner_types: tuple[str, ...]
    mark_field: str
    identity: frozenset[str] = frozenset()
    rules: Mapping[str, object] = field(default_factory=dict)
    policies: Mapping[str, Attribute] = field(default_factory=dict)

    def is_marked(self, organization: Organization) -> bool:
        return bool(self.canonical[self.mark_field]((organization.fields or {}).get(self.mark_field)))

    def is_partner(self, organization_type: object) -> bool:
        """Whether a value of `partner_field` makes an organization a partner's."""
        return isinstance(organization_type, str) and organization_type in self.partner_types


def organization_schema(config: Config) -> OrganizationSchema:
    mapped = [attribute for attribute in config.attributes if attribute.field != NAME]
    mark, older = config.marks.field, config.marks.only_if_older
    expected = {
        attribute.field: ExpectedField(attribute.field, TYPES[attribute.rule], tuple(sorted(attribute.values)))
        for attribute in mapped
    }
    expected[mark] = ExpectedField(mark, TYPES["checkbox"])
    dates = (older.field,) if older and older.field else ()
    for key in dates:
        expected.setdefault(key, ExpectedField(key, TYPES["date"]))
    fields = (*(attribute.field for attribute in mapped), mark)
    return OrganizationSchema(
        fields=fields,
        kept=tuple(dict.fromkeys([*fields, *dates])),
        expected=tuple(expected.values()),
        canonical={
            **dict.fromkeys(ATTRIBUTES, text_value),
            **{attribute.field: CANONICAL[attribute.rule] for attribute in mapped},
            mark: CANONICAL["checkbox"],
        },
        id_field=next(attribute.field for attribute in mapped if attribute.rule == "id_18"),
        partner_field=config.partners.field,
        partner_types=config.partners.values,
        mark_field=mark,
        identity=frozenset({EXTERNAL_ID, *(one.field for one in mapped if one.rule in ("id_18", "id_15"))}),
        rules={**{attribute.field: asdict(attribute) for attribute in config.attributes}, mark: None},
        policies={one.field: one for one in mapped if one.policy != "source" or not one.clear},
    )


def external_key(external_id: str) -> str:
    """External ids with one key are equal to Zendesk, which ignores their case; 18 characters are unique without it."""
    return (id_18(external_id) or trimmed(external_id)).casefold()


def belongs(account_id: str, salesforce_id: object, external_id: object) -> bool:
    """Whether an organization with these ids is the account's: its id field counts, then its external_id."""
    own = id_18(salesforce_id)
    return own == account_id if own is not None else external_key(str(external_id)) == account_id.casefold()

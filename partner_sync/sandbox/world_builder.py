"""Makes accounts and the organizations that match them, piece by piece, until they are a world."""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .ids import numbered_id
from .names import company_names, person_name
from .organization_ids import OrganizationIds

Row = dict[str, Any]

PINNED_ACCOUNT_ID = "0014M00001sDiGEQA0"
ACCOUNT_FIELDS = {
    "Id": "id",
    "Account_ID_18__c": "string",
    "Name": "string",
    "Type": "string",
    "Account_Owner_Calc__c": "string",
    "Technical_Account_Manager_Name__c": "string",
    "Solutions_Architect_Lookup__r.Id": "id",
    "Solutions_Architect_Lookup__r.Name": "string",
    "Partner_Track__c": "string",
    "Partners_Partner_Status__c": "string",
    "Restricted_Account__c": "string",
    "Support_Hold__c": "boolean",
    "Account_Risk_Level__c": "string",
    "Industry": "string",
    "BillingCountry": "string",
}
ACCOUNT_TYPES = ["customer", "former_customer", "open_partner", "select_partner", "alliance_partner"]
ORGANIZATION_FIELDS: list[Row] = [
    {"key": "salesforce_id", "type": "text", "title": "Salesforce ID"},
    {"key": "sfdc_short_id", "type": "text", "title": "SFDC short ID"},
    {"key": "account_type", "type": "dropdown", "options": ACCOUNT_TYPES},
    {"key": "account_owner", "type": "text"},
    {"key": "technical_account_manager", "type": "text"},
    {"key": "solutions_architect", "type": "text"},
    {"key": "restricted_account", "type": "checkbox"},
    {"key": "org_in_escalated_state", "type": "checkbox", "title": "Organization in escalated state"},
    {"key": "support_hold", "type": "checkbox"},
    {"key": "mark_for_deletion", "type": "checkbox"},
    {"key": "ignore_deletion", "type": "checkbox"},
    {"key": "support_level", "type": "dropdown", "options": ["bronze", "silver", "gold", "platinum"]},
    {"key": "expiration_date", "type": "date"},
    {"key": "sales_segmentation", "type": "text"},
    {"key": "am_project_id", "type": "text", "title": "AM project ID"},
    {"key": "renewal_notes", "type": "textarea"},
    {"key": "seats", "type": "integer"},
    {"key": "regions", "type": "multiselect", "options": ["emea", "amer", "apac"]},
]
_FIELD_KEYS = {definition["key"] for definition in ORGANIZATION_FIELDS}
_TYPE_BY_TRACK = {"open": "open_partner", "select": "select_partner"}
_CHECKBOXES = ("restricted_account", "org_in_escalated_state", "support_hold", "mark_for_deletion")
_FIRST_ACCOUNT = 300_000_000
_COUNTRIES = ("Germany", "United States", "Japan", "Sweden", "Brazil", "Poland", "Australia", "France")


@dataclass
class World:
    """What both systems hold at the beginning.

    ``cases`` name what is there on purpose: ids of accounts (``Id``) and of organizations (digits) by case. ``seed``
    decides about the ids of organizations that come later. ``deleted_accounts`` are in the recycle bin; those with a
    ``MasterRecordId`` lost a merge with that account.
    """

    accounts: list[Row] = field(default_factory=list)
    account_fields: dict[str, str] = field(default_factory=dict)
    organizations: list[Row] = field(default_factory=list)
    organization_fields: list[Row] = field(default_factory=list)
    cases: dict[str, list[str]] = field(default_factory=dict)
    seed: int = 1
    deleted_accounts: list[Row] = field(default_factory=list)


class WorldBuilder:
    """Collects rows; the same seed and the same calls make the same world."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.chance = random.Random(seed)  # noqa: S311 - nothing here is secret
        self.accounts: list[Row] = []
        self.deleted_accounts: list[Row] = []
        self.organizations: list[Row] = []
        self._cases: dict[str, list[Row]] = {}
        self._names = company_names(seed)
        self._taken: set[str] = set()
        self._made = 0

    def name(self) -> str:
        """A company name that nobody has yet."""
        while (name := next(self._names)).casefold() in self._taken:
            pass
        self._taken.add(name.casefold())
        return name

    def id(self) -> str:
        """An account id that nobody has yet."""
        while True:
            self._made += 1
            # A step that shares no factor with the room visits every number once.
            number = (_FIRST_ACCOUNT + 7_919 * self._made) % 62**5
            made = numbered_id("0014M00001", number)
            if made != PINNED_ACCOUNT_ID:
                return made

    def account(self, **fields: Any) -> Row:
        """A partner account that the query finds, unless *fields* say otherwise."""
        chance = self.chance
        account_id = fields.pop("Id", None) or self.id()
        name = fields.pop("Name", "") if "Name" in fields else self.name()
        if name:
            self._taken.add(name.strip().casefold())
        account: Row = {
            "Id": account_id,
            "Account_ID_18__c": account_id,
            "Name": name,
            "Type": "Partner",
            "Account_Owner_Calc__c": person_name(chance),
            "Technical_Account_Manager_Name__c": person_name(chance) if chance.random() < 0.8 else None,
            "Solutions_Architect_Lookup__r": _user(person_name(chance)) if chance.random() < 0.7 else None,
            "Partner_Track__c": chance.choice(("Open", "Select")),
            "Partners_Partner_Status__c": "Authorized",
            "Restricted_Account__c": chance.choice((None, "Not Restricted")),
            "Support_Hold__c": False,
            "Account_Risk_Level__c": chance.choice((None, "Healthy", "At Risk")),
            "Industry": chance.choice(("Technology", "Manufacturing", "Retail", None)),
            "BillingCountry": chance.choice(_COUNTRIES),
        }
        account.update(fields)
        self.accounts.append(account)
        return account

    def deleted(self, organization: Row) -> Row:
        """Put the account of an organization into the recycle bin, and return the organization."""
        account_id = organization["organization_fields"]["salesforce_id"]
        self.deleted_accounts.append(
            {
                "Id": account_id,
                "Account_ID_18__c": account_id,
                "Name": organization["name"],
                "Type": "Partner",
                "Partner_Track__c": "Select",
                "Partners_Partner_Status__c": "Authorized",
            }
        )
        return organization

    def organization_of(self, account: Mapping[str, Any], **changes: Any) -> Row:
        """The organization that is in sync with an account, but for *changes* (attributes or keys of fields)."""
        chance = self.chance
        architect = account["Solutions_Architect_Lookup__r"]
        values: Row = {
            "salesforce_id": account["Id"],
            "sfdc_short_id": account["Id"][:15],
            "account_type": _account_type(account),
            "account_owner": _trimmed(account["Account_Owner_Calc__c"]),
            "technical_account_manager": _trimmed(account["Technical_Account_Manager_Name__c"]),
            "solutions_architect": architect["Name"] if architect else None,
            "restricted_account": account["Restricted_Account__c"] == "Restricted Party",
            "org_in_escalated_state": account["Account_Risk_Level__c"] == "At Risk - Escalated",
            "support_hold": account["Support_Hold__c"],
            "mark_for_deletion": False,
            "support_level": chance.choice(("bronze", "silver", "gold", "platinum", None)),
            "sales_segmentation": chance.choice(("Commercial", "Enterprise", None)),
        }
        for key in _CHECKBOXES:
            # A checkbox that nobody ever touched has no value at all.
            if values[key] is False and chance.random() < 0.4:
                values[key] = None
        attributes = {
            "name": (account["Name"] or "").strip(),
            # Older organizations were made before external ids were set.
            "external_id": account["Id"] if chance.random() < 0.8 else None,
        }
        return self._organization(attributes, values, changes)

    def organization(self, **changes: Any) -> Row:
        """A customer's organization, unless *changes* (attributes or keys of fields) say otherwise."""
        chance = self.chance
        account_id = self.id()
        has_id = chance.random() < 0.9
        kind = chance.choices(("customer", "former_customer", None), (8, 2, 1))[0]
        closed = kind == "former_customer"
        values: Row = {
            "salesforce_id": account_id if has_id else None,
            "sfdc_short_id": account_id[:15] if has_id else None,
            "account_type": kind,
            "account_owner": person_name(chance),
            "support_hold": closed or None,
            "mark_for_deletion": True if closed and chance.random() < 0.3 else None,
            "support_level": chance.choice(("bronze", "silver", "gold", "platinum")),
            "expiration_date": f"{chance.randint(2020, 2028)}-{chance.randint(1, 12):02}-28T00:00:00+00:00",
            "am_project_id": f"AM-{chance.randint(1000, 9999)}" if chance.random() < 0.3 else None,
        }
        name = changes["name"] if "name" in changes else self.name()
        attributes = {"name": name, "external_id": account_id if has_id and chance.random() < 0.5 else None}
        return self._organization(attributes, values, changes)

    def _organization(self, attributes: Row, values: Row, changes: Mapping[str, Any]) -> Row:
        for key, value in changes.items():
            (values if key in _FIELD_KEYS else attributes)[key] = value
        self._taken.add(attributes["name"].strip().casefold())
        kept = {key: value for key, value in values.items() if value is not None}
        organization = {**attributes, "organization_fields": kept}
        self.organizations.append(organization)
        return organization

    def case(self, name: str, *rows: Row) -> None:
        """Remember accounts and organizations as an example of something."""
        self._cases.setdefault(name, []).extend(rows)

    def world(self) -> World:
        """Shuffle everything, number the organizations, and hand it over."""
        self.chance.shuffle(self.accounts)
        self.chance.shuffle(self.organizations)
        ids = OrganizationIds(self._seed)
        for place, organization in enumerate(self.organizations):
            organization["id"] = ids.next()
            organization["created_at"] = _some_time(place, len(self.organizations))
        return World(
            self.accounts,
            dict(ACCOUNT_FIELDS),
            self.organizations,
            [dict(definition) for definition in ORGANIZATION_FIELDS],
            {name: [str(row.get("Id") or row["id"]) for row in rows] for name, rows in self._cases.items()},
            self._seed,
            self.deleted_accounts,
        )


def _user(name: str) -> Row:
    return {"Id": numbered_id("0054M00000", zlib.crc32(name.encode()) % 62**5), "Name": name}


def _account_type(account: Mapping[str, Any]) -> str | None:
    if account["Id"] == PINNED_ACCOUNT_ID:
        return "alliance_partner"
    return _TYPE_BY_TRACK.get(str(account["Partner_Track__c"]).lower())


def _trimmed(text: str | None) -> str | None:
    return text.strip() if text else None


def _some_time(place: int, total: int) -> str:
    """A creation time, over five years; the id does not rise with it."""
    month = place * 60 // max(1, total)
    return f"{2021 + month // 12}-{month % 12 + 1:02}-03T09:{place % 60:02}:00Z"

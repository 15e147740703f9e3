"""What Zendesk must show when a run has ended, and what was really written: by the sandbox, not by our code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from partner_sync.sandbox import PINNED_ACCOUNT_ID, Controls

Row = dict[str, Any]

TYPES = {"Open": "open_partner", "Select": "select_partner"}


def desired(account: Row) -> Row:
    """The organization of an account, field by field."""
    architect = account["Solutions_Architect_Lookup__r"]
    pinned = account["Id"] == PINNED_ACCOUNT_ID
    return {
        "name": account["Name"],
        "salesforce_id": account["Id"],
        "sfdc_short_id": account["Id"][:15],
        "account_owner": account["Account_Owner_Calc__c"],
        "technical_account_manager": account["Technical_Account_Manager_Name__c"],
        "solutions_architect": architect["Name"] if architect else None,
        "account_type": "alliance_partner" if pinned else TYPES[account["Partner_Track__c"]],
        "restricted_account": account["Restricted_Account__c"] == "Restricted Party",
        "org_in_escalated_state": account["Account_Risk_Level__c"] == "At Risk - Escalated",
        "support_hold": account["Support_Hold__c"],
        "mark_for_deletion": False,
    }


def wrong(sandbox: Controls) -> list[str]:
    """Every way in which Zendesk is not as Salesforce wants it; empty if it is exactly so."""
    return list(_wrong(sandbox))


def _wrong(sandbox: Controls) -> Iterator[str]:
    by_account: dict[str, list[Row]] = {}
    for organization in sandbox.organizations():
        by_account.setdefault(organization["organization_fields"].get("salesforce_id"), []).append(organization)
    created, marked = (set(sandbox.cases().get(case, ())) for case in ("create", "mark"))
    theirs = {int(number) for number in marked}
    for account in sandbox.accounts():
        found = by_account.get(account["Id"], [])
        theirs.update(organization["id"] for organization in found)
        if len(found) != 1:
            yield f"{account['Id']} has {len(found)} organizations"
            continue
        wanted = desired(account) | ({"external_id": account["Id"]} if account["Id"] in created else {})
        yield from (f"{account['Id']}: {each}" for each in _differences(found[0], wanted))
    for number in marked:
        yield from _differences(sandbox.organization(int(number)), {"mark_for_deletion": True})
    for write in sandbox.writes():
        if write["organization_id"] not in theirs:
            yield f"organization {write['organization_id']} was written, and nobody asked for it"


def _differences(organization: Row, wanted: Row) -> Iterator[str]:
    fields = {**organization, **organization["organization_fields"]}
    for key, value in wanted.items():
        if (fields[key] or False) != (value or False):  # a checkbox that nobody touched has no value
            yield f"{key} of {organization['id']} is {fields[key]!r}, not {value!r}"


def written_twice(sandbox: Controls) -> int:
    """Writes that left an organization as it was, or gave it values that an earlier write had given it."""
    same = Counter((write["organization_id"], json.dumps(write["after"], sort_keys=True)) for write in sandbox.writes())
    return sum(number - 1 for number in same.values()) + sum(write["no_op"] for write in sandbox.writes())


def created_twice(sandbox: Controls) -> int:
    """Organizations that were created although their account had been given one before."""
    ids = Counter(write["external_id"] for write in sandbox.writes() if write["action"] == "create")
    return sum(number - 1 for number in ids.values())

"""What must be true whatever happened: nothing twice, nothing stale, verdicts true, and Zendesk as desired.

The truth is the sandbox's own record, and the rules are written down here again: nothing of this is our product's code.
Functions return violations, and an empty list if there is none.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from partner_sync.archive import codec
from partner_sync.archive.archive import Archive
from partner_sync.archive.object_store import Root, children, read
from partner_sync.archive.records import OpenJob, RowVerdict
from partner_sync.model import Plan
from partner_sync.sandbox import PINNED_ACCOUNT_ID, Controls

Row = Mapping[str, Any]

TEXTS = ("salesforce_id", "sfdc_short_id", "account_owner", "technical_account_manager", "solutions_architect")
CHECKBOXES = ("restricted_account", "org_in_escalated_state", "support_hold")


# -- nothing twice ------------------------------------------------------------------------------------------


def accounts_with_two_organizations(sandbox: Controls) -> list[str]:
    """Account ids that more than one organization carries."""
    carried: Counter[str] = Counter()
    for row in sandbox.organizations():
        carried.update({row["external_id"], row["organization_fields"].get("salesforce_id")} - {None})
    return [account for account, count in carried.items() if count > 1]


def created_twice(writes: Iterable[Row]) -> list[str]:
    """Account ids for which an organization was created more than once."""
    ids = Counter(write["external_id"] for write in writes if write["action"] == "create")
    return [account for account, count in ids.items() if count > 1]


def without_effect(writes: Iterable[Row]) -> list[Row]:
    """Writes of what was there already."""
    return [write for write in writes if write["no_op"]]


# -- nothing stale ------------------------------------------------------------------------------------------


def restored(writes: Iterable[Row]) -> dict[tuple[int, str], list[str]]:
    """Organizations and fields that got a value again which a newer one had replaced. For worlds that never go back."""
    seen: dict[tuple[int, str], list[str]] = defaultdict(list)
    for write in writes:
        for field, value in {**write["after"], **write["after"].get("organization_fields", {})}.items():
            if field not in ("organization_fields", "updated_at"):
                seen[write["organization_id"], field].append(json.dumps(value))
    return {key: values for key, values in seen.items() if len(values) > len(set(values))}


def by_an_older_plan(writes: Iterable[Row], plan_of_job: Mapping[str, Plan]) -> list[Row]:
    """Writes of an organization by a plan after a newer plan had written it."""
    written: dict[int, Plan] = {}
    found = []
    for write in writes:
        plan, earlier = plan_of_job[write["job_id"]], written.get(write["organization_id"])
        if earlier is not None and earlier.order.newer_than(plan.order):
            found.append(write)
        written[write["organization_id"]] = plan
    return found


# -- verdicts true ------------------------------------------------------------------------------------------


def lines(plan_folder: Root) -> list[RowVerdict]:
    """The verdicts of all tries of a plan in the archive."""
    return [
        codec.from_json(RowVerdict, line, source=str(path), next_step="")
        for path in children(plan_folder / "verdicts")
        for line in read(path).removesuffix("\n").split("\n")
    ]


def lines_of_run(run_folder: Root) -> list[RowVerdict]:
    """The verdicts of all tries of all plans of a run."""
    return [row for plan in children(run_folder) if plan.name != "run.json" for row in lines(plan)]


def untrue(sandbox: Controls, verdicts: Iterable[RowVerdict]) -> list[str]:
    """Verdicts that the record contradicts."""
    return list(_untrue(sandbox, verdicts))


def _untrue(sandbox: Controls, verdicts: Iterable[RowVerdict]) -> Iterator[str]:
    jobs = {job["id"] for job in sandbox.jobs()}
    wrote = {(write["organization_id"], write["job_id"]) for write in sandbox.writes()}
    ids = _organization_ids(sandbox)
    for row in verdicts:
        if row.job_id and not row.written:
            yield f"{row.account_id} has a job and was not sent: {row}"
        if row.job_id and row.job_id not in jobs:
            yield f"{row.job_id} is no job of Zendesk: {row}"
        organization = row.organization_id or ids.get(row.account_id)
        if row.job_id and row.verdict == "confirmed" and (organization, row.job_id) not in wrote:
            yield f"{row.account_id} is confirmed, and {row.job_id} did not write it: {row}"


def unreported(sandbox: Controls, verdicts: Iterable[RowVerdict], written: Collection[int]) -> list[int]:
    """Organizations of `written` that no verdict reports as written."""
    ids = _organization_ids(sandbox)
    reported = {row.organization_id or ids.get(row.account_id) for row in verdicts if row.written}
    return sorted(set(written) - reported)


def _organization_ids(sandbox: Controls) -> dict[str, int]:
    return {row["external_id"]: row["id"] for row in sandbox.organizations() if row["external_id"]}


def still_open(archive: Archive) -> list[OpenJob]:
    """Entries of the register that could hold a batch back."""
    return [entry for entry in archive.open_jobs("global") if not entry.settled]


# -- Zendesk as desired -------------------------------------------------------------------------------------


def desired(account: Row) -> dict[str, Any]:
    """What an account wants of its organization."""
    track = {"open": "open_partner", "select": "select_partner"}.get(str(account["Partner_Track__c"]).lower())
    return {
        "name": account["Name"].strip(),
        "salesforce_id": account["Id"],
        "sfdc_short_id": account["Id"][:15],
        "account_owner": account["Account_Owner_Calc__c"],
        "technical_account_manager": account["Technical_Account_Manager_Name__c"],
        "solutions_architect": (account["Solutions_Architect_Lookup__r"] or {}).get("Name"),
        "account_type": "alliance_partner" if account["Id"] == PINNED_ACCOUNT_ID else track,
        "restricted_account": account["Restricted_Account__c"] == "Restricted Party",
        "org_in_escalated_state": account["Account_Risk_Level__c"] == "At Risk - Escalated",
        "support_hold": bool(account["Support_Hold__c"]),
    }


def actual(organization: Row) -> dict[str, Any]:
    """The same fields of an organization. A checkbox that nobody touched has no value."""
    fields = organization["organization_fields"]
    return {
        "name": organization["name"],
        **{key: fields[key] for key in (*TEXTS, "account_type")},
        **{key: bool(fields[key]) for key in CHECKBOXES},
    }

"""The procedure that Partner Sync replaces, as its descriptions have it: a chain of scripts, here in one.

It asks Salesforce for the accounts, lists the organizations, compares the two, and writes: creates one by one, then
updates and marks in jobs of 100, with a sleep of 30 s after every 20 jobs. Nobody looks at what becomes of the jobs.
It shares no code with the product.

    python -m tests.benchmarks.old_procedure '{"salesforce": CONNECTION, "zendesk": CONNECTION}'

The one line that it prints tells, as JSON, how long the last stage took and what it sent.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import requests

Row = dict[str, Any]

FIELDS = {
    "account_owner": "Account_Owner_Calc__c",
    "technical_account_manager": "Technical_Account_Manager_Name__c",
    "solutions_architect": "Solutions_Architect_Lookup__r",
    "restricted_account": "Restricted_Account__c",
    "org_in_escalated_state": "Account_Risk_Level__c",
    "support_hold": "Support_Hold__c",
    "account_type": "Partner_Track__c",
}
PINNED = "0014M00001sDiGEQA0"
QUERY = (
    "SELECT Account_ID_18__c, Name, Account_Owner_Calc__c, Technical_Account_Manager_Name__c, Restricted_Account__c,"
    " Solutions_Architect_Lookup__r.Name, Partner_Track__c, Support_Hold__c, Account_Risk_Level__c FROM Account"
    f" WHERE Account_ID_18__c = '{PINNED}' OR (Type = 'Partner' AND Partners_Partner_Status__c IN ('Authorized')"
    " AND Partner_Track__c IN ('Open', 'Select'))"
)
PARTNERS = ("alliance_partner", "open_partner", "select_partner")
JOB, JOBS_BEFORE_A_SLEEP, SLEEP_SECONDS = 100, 20, 30.0
TIMEOUT = 60


class System:
    """Plain HTTP calls with a token, at the endpoint that a Connection names."""

    def __init__(self, connection: Row, token_path: str, **order: Any) -> None:
        self.url = connection["extra"]["endpoint_url"]
        self.session = requests.Session()
        self.session.trust_env = False
        answer = self.session.post(self.url + token_path, timeout=TIMEOUT, **order)
        answer.raise_for_status()
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def call(self, method: str, path: str, **arguments: Any) -> Row:
        answer = self.session.request(method, self.url + path, timeout=TIMEOUT, **arguments)
        answer.raise_for_status()
        return dict(answer.json())


def accounts(salesforce: System) -> Iterator[Row]:
    answer = salesforce.call("GET", "/services/data/v58.0/query", params={"q": QUERY})
    yield from answer["records"]
    while not answer["done"]:
        answer = salesforce.call("GET", answer["nextRecordsUrl"])
        yield from answer["records"]


def organizations(zendesk: System) -> Iterator[Row]:
    query = {"page[size]": "100"}
    while True:
        answer = zendesk.call("GET", "/api/v2/organizations", params=query)
        yield from answer["organizations"]
        if not answer["meta"]["has_more"]:
            return
        query["page[after]"] = answer["meta"]["after_cursor"]


def wanted(account: Row) -> Row:
    """The organization that an account asks for."""
    account_id = account["Account_ID_18__c"]
    fields = {key: account[source] for key, source in FIELDS.items()}
    fields |= {
        "salesforce_id": account_id,
        "sfdc_short_id": account_id[:15],
        "solutions_architect": (fields["solutions_architect"] or {}).get("Name"),
        "restricted_account": fields["restricted_account"] == "Restricted Party",
        "org_in_escalated_state": fields["org_in_escalated_state"] == "At Risk - Escalated",
        "support_hold": fields["support_hold"] in (True, "true", "Yes"),
        "account_type": "alliance_partner" if account_id == PINNED else f"{fields['account_type']}_partner".lower(),
    }
    return {"name": account["Name"], "external_id": account_id, "organization_fields": fields}


def compare(rows: Iterable[Row], existing: Iterable[Row]) -> tuple[list[Row], list[Row], list[int]]:
    """What to create, what to update, and the ids of what to mark."""
    by_id = {
        each["organization_fields"]["salesforce_id"]: each
        for each in existing
        if each["organization_fields"].get("account_type") in PARTNERS
    }
    creates, updates = [], []
    for organization in map(wanted, rows):
        found = by_id.pop(organization["external_id"], None)
        if found is None:
            creates.append(organization)
        elif _differs(organization, found):
            updates.append({"id": found["id"], **organization})
    marks = [each["id"] for each in by_id.values() if not each["organization_fields"].get("mark_for_deletion")]
    return creates, updates, marks


def _differs(organization: Row, found: Row) -> bool:
    fields, wanted_fields = found["organization_fields"], organization["organization_fields"]
    return organization["name"] != found["name"] or any(
        (fields.get(key) or None) != (value or None) for key, value in wanted_fields.items()
    )


def write(zendesk: System, creates: list[Row], updates: list[Row], marks: list[int]) -> int:
    """The stage that is compared. Answers how many jobs it sent."""
    for organization in creates:
        zendesk.call("POST", "/api/v2/organizations", json={"organization": organization})
    marked = [{"id": number, "organization_fields": {"mark_for_deletion": True}} for number in marks]
    jobs = 0
    for rows in (updates, marked):
        for start in range(0, len(rows), JOB):
            body = {"organizations": rows[start : start + JOB]}
            zendesk.call("PUT", "/api/v2/organizations/update_many", json=body)
            jobs += 1
            if jobs % JOBS_BEFORE_A_SLEEP == 0:
                time.sleep(SLEEP_SECONDS)
    return jobs


def main(connections: dict[str, Row]) -> None:
    extra = connections["salesforce"]["extra"]
    form = {"client_id": extra["consumer_key"], "client_secret": extra["consumer_secret"]}
    credentials = {"grant_type": "client_credentials"}
    salesforce = System(connections["salesforce"], "/services/oauth2/token", data={**credentials, **form})
    extra = connections["zendesk"]["extra"]
    body = {"client_id": extra["client_id"], "client_secret": extra["client_secret"], "scope": "read write"}
    zendesk = System(connections["zendesk"], "/oauth/tokens", json={**credentials, **body})
    creates, updates, marks = compare(accounts(salesforce), organizations(zendesk))
    begun = time.monotonic()
    jobs = write(zendesk, creates, updates, marks)
    told = {"creates": len(creates), "updates": len(updates), "marks": len(marks), "jobs": jobs}
    sys.stdout.write(json.dumps({"seconds": time.monotonic() - begun, **told}) + "\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

"""What Zendesk must show when a run has ended, and what was really written: by the sandbox, not by our code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from partner_sync.sandbox import Controls
from tests import oracle

Row = dict[str, Any]


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
        wanted = {**oracle.desired(account), "mark_for_deletion": False}
        wanted |= {"external_id": account["Id"]} if account["Id"] in created else {}
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
    writes = sandbox.writes()
    same = Counter((write["organization_id"], json.dumps(write["after"], sort_keys=True)) for write in writes)
    return sum(number - 1 for number in same.values()) + len(oracle.without_effect(writes))

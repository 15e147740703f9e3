"""Tickets and users of an organization, and the permissions to count them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from partner_sync.sandbox import ControlError, Sandbox


def searched(zendesk: Any, organization_id: int, *more: str) -> int:
    query = " ".join(("type:ticket", f"organization:{organization_id}", *more))
    return int(zendesk.get("/search/count", {"query": query})["count"])


@pytest.fixture
def organization_id(sandbox: Sandbox) -> int:
    return sandbox.add_organizations([{"name": "a"}])[0]


def test_the_tickets_and_users_of_an_organization_are_counted(
    sandbox: Sandbox, zendesk: Any, organization_id: int
) -> None:
    path = f"/organizations/{organization_id}/related"
    assert zendesk.get(path) == {"organization_related": {"tickets_count": 0, "users_count": 0}}
    sandbox.put_tickets(organization_id, open=3, solved=40, users=12)
    assert zendesk.get(f"{path}.json") == {"organization_related": {"tickets_count": 43, "users_count": 12}}
    assert zendesk.call("GET", "/organizations/1/related").status_code == 404


def test_the_search_counts_all_tickets_or_the_open_ones(sandbox: Sandbox, zendesk: Any, organization_id: int) -> None:
    sandbox.put_tickets(organization_id, open=3, solved=40)
    assert searched(zendesk, organization_id) == 43
    assert searched(zendesk, organization_id, "status<solved") == 3
    assert searched(zendesk, 1, "status<solved") == 0


def test_the_search_knows_new_tickets_after_its_lag(sandbox: Sandbox, zendesk: Any, organization_id: int) -> None:
    sandbox.put_tickets(organization_id, open=1)
    sandbox.settings(zendesk_search_lag_seconds=0.3)
    time.sleep(0.3)
    sandbox.put_tickets(organization_id, open=5)
    assert searched(zendesk, organization_id, "status<solved") == 1
    time.sleep(0.35)
    assert searched(zendesk, organization_id, "status<solved") == 5


@pytest.mark.parametrize(
    "query",
    [
        "type:user",
        "organization:1",
        "type:ticket",
        "type:ticket organization:acme",
        "type:ticket organization:1 urgent",
    ],
)
def test_a_search_of_another_form_is_not_supported_and_says_so(zendesk: Any, query: str) -> None:
    answer = zendesk.call("GET", "/search/count", params={"query": query})
    assert (answer.status_code, answer.json()["error"]) == (501, "SandboxUnsupported")


def test_a_search_needs_a_query(zendesk: Any) -> None:
    assert zendesk.call("GET", "/search/count").status_code == 422


@pytest.mark.parametrize("counts", [{"open": -1}, {"users": "many"}, {"solved": True}, {"closed": 1}])
def test_counts_are_numbers_of_known_names(sandbox: Sandbox, organization_id: int, counts: dict[str, Any]) -> None:
    with pytest.raises(ControlError) as refusal:
        sandbox.request("POST", f"/organizations/{organization_id}/tickets", body=counts)
    assert refusal.value.status == 400


@pytest.mark.parametrize("denied", ["/search/count", "/organizations/*/related", "/job_statuses*"])
def test_a_permission_can_be_missing_for_one_endpoint_alone(
    sandbox: Sandbox, zendesk: Any, organization_id: int, denied: str
) -> None:
    sandbox.fault("forbidden", system="zendesk", path=f"/api/v2{denied}", times=None)
    statuses = {
        path: zendesk.call("GET", path, params={"query": "type:ticket organization:1"}).status_code
        for path in ("/search/count", f"/organizations/{organization_id}/related", "/job_statuses", "/users/me")
    }
    assert sorted(statuses.values()) == [200, 200, 200, 403]


def test_salesforce_denies_in_its_own_form(sandbox: Sandbox, salesforce: Any) -> None:
    sandbox.fault("forbidden", path="*/queryAll")
    answer = salesforce.call("/services/data/v59.0/queryAll", params={"q": "SELECT Id FROM Account"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")

"""The control API does the same by method and over HTTP, on either port."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from partner_sync.sandbox import Control, ControlError, Controls, Sandbox


@pytest.fixture(params=["in process", "salesforce port", "zendesk port"])
def controls(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Controls]:
    ways: dict[str, Controls] = {
        "in process": sandbox,
        "salesforce port": Control(sandbox.salesforce_url),
        "zendesk port": Control(sandbox.zendesk_url + "/"),
    }
    yield ways[request.param]


def test_accounts_are_put_changed_and_deleted(controls: Controls) -> None:
    account_id = controls.put_account(Account_ID_18__c="0014M00001sDiGEQA0", Name="a", Support_Hold__c=True)
    assert account_id == "0014M00001sDiGEQA0"
    controls.put_account(Id=account_id, Name="b")
    (account,) = controls.accounts()
    assert (account["Name"], account["Support_Hold__c"]) == ("b", True)
    controls.delete_account(account_id)
    assert controls.accounts() == []


def test_deleted_accounts_are_in_the_recycle_bin_until_they_are_purged_or_come_back(controls: Controls) -> None:
    winner, loser, gone = controls.put_accounts([{"Name": "a"}, {"Name": "b"}, {"Name": "c"}])
    controls.delete_account(gone)
    controls.merge_accounts(loser, winner)
    bin_ = controls.deleted_accounts()
    assert [(row["Id"], row["IsDeleted"], row["MasterRecordId"]) for row in bin_] == [
        (gone, True, None),
        (loser, True, winner),
    ]
    controls.undelete_account(loser)
    controls.purge_account(gone)
    assert controls.deleted_accounts() == []
    assert controls.accounts() == [{"Id": winner, "Name": "a"}, {"Id": loser, "Name": "b"}]
    controls.purge_account(winner)
    assert (controls.deleted_accounts(), [row["Id"] for row in controls.accounts()]) == ([], [loser])


def test_an_account_that_is_put_again_leaves_the_recycle_bin(controls: Controls) -> None:
    account_id = controls.put_account(Name="a", Type="Partner")
    controls.delete_account(account_id)
    controls.put_account(Id=account_id, Name="b")
    assert (controls.accounts(), controls.deleted_accounts()) == ([{"Id": account_id, "Name": "b"}], [])


def test_an_account_without_a_good_id_gets_one_made_up(controls: Controls) -> None:
    ids = controls.put_accounts([{"Name": "a", "Account_ID_18__c": "broken"}, {"Name": "b"}])
    assert (len(set(ids)), {len(each) for each in ids}) == (2, {18})
    controls.delete_account("broken")
    assert [account["Id"] for account in controls.accounts()] == ids[1:]


def test_fields_of_accounts_come_and_go(controls: Controls) -> None:
    controls.put_account_fields(Region__c="string", Since__c="date")
    assert controls.account_fields()["Since__c"] == "date"
    controls.delete_account_field("Since__c")
    assert "Since__c" not in controls.account_fields()


def test_organizations_are_added_found_edited_and_deleted(controls: Controls) -> None:
    fields = {"salesforce_id": "S1"}
    first, second = controls.add_organizations(
        [{"name": "a", "external_id": "A", "organization_fields": fields}, {"id": 20_000_000_000_000, "name": "b"}]
    )
    assert second == 20_000_000_000_000
    assert [row["id"] for row in controls.organizations()] == [second, first]
    assert [row["id"] for row in controls.organizations(salesforce_id="S1")] == [first]
    assert [row["id"] for row in controls.organizations(external_id="a")] == [first]
    assert [row["id"] for row in controls.organizations(name="B")] == [second]
    assert controls.edit(first, name="c")["name"] == controls.organization(first)["name"] == "c"
    controls.delete_organization(second)
    assert [row["id"] for row in controls.organizations()] == [first]
    assert [write["by"] for write in controls.writes()] == ["person"] * 4


def test_organization_fields_are_added_changed_and_deleted(controls: Controls) -> None:
    controls.add_organization_field(key="tier", type="dropdown", options=["one", "two"], title="Tier")
    field = controls.change_organization_field("tier", active=False, options=["three"])
    assert (field["active"], field["custom_field_options"][0]["value"]) == (False, "three")
    controls.delete_organization_field("tier")
    assert "tier" not in [each["key"] for each in controls.organization_fields()]


def test_settings_are_read_and_changed(controls: Controls) -> None:
    assert controls.settings()["job_limit"] == 30
    assert controls.settings(job_limit=3, latency=0.0)["job_limit"] == 3
    assert controls.overview()["settings"]["job_limit"] == 3


def test_the_overview_counts(controls: Controls) -> None:
    controls.add_organizations([{"name": "a"}])
    controls.add_jobs(count=2, seconds=60)
    controls.fault("html")
    counts = controls.overview()["counts"]
    assert (counts["organizations"], counts["jobs_in_flight"], counts["faults"], counts["writes"]) == (1, 2, 1, 1)


def test_a_reset_makes_another_world_and_keeps_the_settings(controls: Controls) -> None:
    controls.settings(job_limit=3)
    controls.add_organizations([{"name": "a"}])
    controls.add_jobs()
    controls.fault("html")
    controls.reset(world="large", accounts=10, organizations=30, creates=2, updates=3, marks=1)
    counts = controls.overview()["counts"]
    assert (counts["accounts"], counts["organizations"]) == (10, 30)
    assert (counts["jobs"], counts["faults"], counts["writes"], counts["calls"]) == (0, 0, 0, 0)
    assert {name: len(ids) for name, ids in controls.cases().items()} == {"create": 2, "update_owner": 3, "mark": 1}
    assert controls.settings()["job_limit"] == 3
    controls.reset()
    assert controls.overview()["counts"]["organizations"] == 400


WRONG: list[tuple[str, str, Any, int]] = [
    ("GET", "/nonsense", None, 404),
    ("POST", "/settings", {}, 404),
    ("PATCH", "/settings", {"nonsense": 1}, 400),
    ("PATCH", "/settings", {"latency": -1}, 400),
    ("PATCH", "/settings", {"latency": "long"}, 400),
    ("PATCH", "/settings", {"job_limit": 1.5}, 400),
    ("PATCH", "/settings", {"zendesk_canonical_url": ""}, 400),
    ("PATCH", "/settings", [], 400),
    ("GET", "/organizations/1", None, 404),
    ("GET", "/organizations/one", None, 400),
    ("DELETE", "/organizations/1", None, 404),
    ("POST", "/organizations/1/tickets", {"open": 1}, 404),
    ("DELETE", "/accounts/1", None, 404),
    ("POST", "/accounts/1/merge", {"into": "2"}, 404),
    ("POST", "/accounts/1/merge", None, 400),
    ("POST", "/accounts/1/undelete", None, 404),
    ("POST", "/accounts/1/purge", None, 404),
    ("POST", "/accounts/1/hide", None, 404),
    ("POST", "/accounts/1/unhide", None, 404),
    ("DELETE", "/account-fields/Nonsense__c", None, 404),
    ("POST", "/account-fields", {"Region__c": "colour"}, 400),
    ("POST", "/organization-fields", {"key": "bad key", "type": "text"}, 400),
    ("POST", "/organization-fields", {"key": "a", "type": "colour"}, 400),
    ("POST", "/organization-fields", {"key": "account_owner", "type": "text"}, 400),
    ("PATCH", "/organization-fields/account_owner", {"options": []}, 400),
    ("PATCH", "/organization-fields/account_owner", {"key": "x"}, 400),
    ("PATCH", "/organization-fields/nonsense", {}, 404),
    ("DELETE", "/organization-fields/nonsense", None, 404),
    ("POST", "/tokens/expire", {"system": "hubspot"}, 400),
    ("POST", "/jobs/V3-none/end", None, 404),
    ("DELETE", "/faults/7", None, 404),
    ("POST", "/reset", {"world": "flat"}, 400),
    ("POST", "/reset", {"accounts": 1}, 400),
    ("POST", "/reset", {"colour": "red"}, 400),
    ("POST", "/reset", {"world": "empty", "accounts": 1}, 400),
    ("POST", "/reset", {"creates": 9, "accounts": 5}, 400),
    ("GET", "/calls", None, 200),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), WRONG)
def test_what_cannot_be_done_says_why(controls: Controls, method: str, path: str, body: Any, status: int) -> None:
    if status == 200:
        assert controls.request(method, path) == []
        return
    with pytest.raises(ControlError) as refusal:
        controls.request(method, path, body=body)
    assert (refusal.value.status, bool(str(refusal.value))) == (status, True)


def test_a_control_body_that_is_no_json_is_a_400(sandbox: Sandbox) -> None:
    answer = requests.patch(f"{sandbox.zendesk_url}/_sandbox/settings", "{", timeout=10)
    assert (answer.status_code, set(answer.json())) == (400, {"error"})


def test_control_operations_are_no_calls(sandbox: Sandbox, zendesk: Any) -> None:
    Control(sandbox.zendesk_url).overview()
    zendesk.get("/organizations", {"page[size]": 1})
    calls = sandbox.calls()
    assert [(call["n"], call["system"], call["method"], call["path"]) for call in calls] == [
        (1, "zendesk", "POST", "/oauth/tokens"),
        (2, "zendesk", "GET", "/api/v2/organizations"),
    ]
    assert (calls[1]["query"], calls[1]["status"]) == (["page[size]"], 200)
    assert sandbox.calls(since=1) == calls[1:]


def test_what_is_answered_is_the_callers_own(sandbox: Sandbox) -> None:
    (organization_id,) = sandbox.add_organizations([{"name": "a"}])
    sandbox.organization(organization_id)["organization_fields"]["account_owner"] = "Ada"
    assert sandbox.organization(organization_id)["organization_fields"]["account_owner"] is None


def test_connections_are_airflow_connections_with_our_endpoint(sandbox: Sandbox) -> None:
    connections = sandbox.connections()
    extra = connections["salesforce"]["extra"]
    assert (extra["domain"], extra["endpoint_url"]) == ("acme.my.salesforce.example", sandbox.salesforce_url)
    assert connections["zendesk"] == {
        "conn_type": "zendesk",
        "host": "acme.zendesk.example",
        "extra": {
            "client_id": "partner_sync",
            "client_secret": "sandbox-client-secret",
            "endpoint_url": sandbox.zendesk_url,
        },
    }


def test_no_default_names_a_host_that_can_be_somebodys(sandbox: Sandbox) -> None:
    urls = [value for value in sandbox.settings().values() if isinstance(value, str)]
    assert len(urls) == 2
    assert all(urlsplit(url).hostname.endswith(".example") for url in urls)


def test_a_sandbox_that_is_not_running_says_so() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        Sandbox().overview()


def test_a_port_in_use_is_reported_and_nothing_stays_behind(sandbox: Sandbox) -> None:
    port = int(sandbox.zendesk_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Sandbox(zendesk_port=port).start()

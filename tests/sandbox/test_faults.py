"""Each fault happens on the wire as ordered, to the calls it was ordered for, and to no others."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from partner_sync.sandbox import ControlError, Sandbox

LIST = "/organizations?page[size]=2"


def add(sandbox: Sandbox, count: int = 4) -> None:
    sandbox.add_organizations({"name": f"n{number}"} for number in range(count))


def test_a_status_comes_with_body_and_headers_for_as_many_calls_as_ordered(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("status", system="zendesk", times=2, status=503, headers={"Retry-After": "7"}, body="busy")
    answers = [zendesk.call("GET", LIST) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert (answers[0].text, answers[0].headers["Retry-After"]) == ("busy", "7")
    assert answers[0].headers["Content-Type"] == "text/plain"
    assert [call["fault"] for call in sandbox.calls()[-3:]] == ["status", "status", None]


def test_a_status_may_have_a_json_body_and_come_after_the_effect(sandbox: Sandbox, zendesk: Any) -> None:
    body = {"error": "DatabaseConflict", "description": "Database collision"}
    sandbox.fault("status", status=409, body=body, content_type="application/json", effect=True)
    answer = zendesk.call("POST", "/organizations", json={"organization": {"name": "a"}})
    assert (answer.status_code, answer.json()) == (409, body)
    assert [row["name"] for row in sandbox.organizations()] == ["a"]


@pytest.mark.parametrize(("kind", "written"), [("reset_before", 0), ("reset_after", 1)])
def test_a_connection_breaks_before_or_after_the_effect(
    sandbox: Sandbox, zendesk: Any, kind: str, written: int
) -> None:
    sandbox.fault(kind, method="POST")
    with pytest.raises(requests.ConnectionError):
        zendesk.call("POST", "/organizations", json={"organization": {"name": "a"}})
    assert len(sandbox.organizations()) == written
    call = sandbox.calls()[-1]
    assert (call["status"], call["fault"]) == (None, kind)


def test_a_job_exists_although_the_connection_broke_after_its_submit(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("reset_after", path="*/create_many")
    with pytest.raises(requests.ConnectionError):
        zendesk.call("POST", "/organizations/create_many.json", json={"organizations": [{"name": "a"}]})
    assert [job["id"] for job in sandbox.jobs()] == [sandbox.calls()[-1]["job_id"]]


@pytest.mark.parametrize("effect", [True, False])
def test_a_call_that_hangs_has_its_effect_later_or_never(sandbox: Sandbox, zendesk: Any, effect: bool) -> None:
    sandbox.fault("hang", method="POST", seconds=0.3, effect=effect)
    url = f"{sandbox.zendesk_url}/api/v2/organizations"
    with pytest.raises(requests.ReadTimeout):
        requests.post(url, json={"organization": {"name": "a"}}, headers=zendesk.headers, timeout=0.1)
    assert sandbox.organizations() == []
    deadline = time.monotonic() + 5
    while sandbox.calls()[-1]["seconds"] is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(sandbox.organizations()) == effect


def test_a_call_that_hangs_may_have_had_its_effect_first(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("hang", method="POST", seconds=5, first=True)
    url = f"{sandbox.zendesk_url}/api/v2/organizations"
    with pytest.raises(requests.ReadTimeout):
        requests.post(url, json={"organization": {"name": "a"}}, headers=zendesk.headers, timeout=0.1)
    assert ["a"] == [row["name"] for row in sandbox.organizations()]


def test_connections_are_refused_after_a_call_until_the_fault_is_lifted(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("refuse", system="zendesk", path="*/organizations")
    assert zendesk.call("GET", LIST).status_code == 200
    for _ in range(2):
        with pytest.raises(requests.ConnectionError, match="refused"):
            zendesk.call("GET", LIST)
    assert requests.get(f"{sandbox.salesforce_url}/services/data", timeout=5).status_code == 200
    sandbox.remove_faults()
    time.sleep(0.1)
    assert zendesk.call("GET", LIST).status_code == 200


def test_a_slow_body_comes_whole_in_its_time(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox)
    sandbox.fault("slow_body", seconds=0.2)
    started = time.monotonic()
    assert len(zendesk.call("GET", LIST).json()["organizations"]) == 2
    assert time.monotonic() - started >= 0.2


def test_a_slow_body_runs_into_a_read_timeout(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox)
    sandbox.fault("slow_body", seconds=5)
    with pytest.raises((requests.ReadTimeout, requests.ConnectionError)):
        requests.get(f"{sandbox.zendesk_url}/api/v2{LIST}", headers=zendesk.headers, timeout=0.1)


def test_a_truncated_body_is_shorter_than_announced(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox)
    sandbox.fault("truncated", how="length")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        zendesk.call("GET", LIST)


def test_a_truncated_document_is_announced_rightly_and_no_json(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox)
    sandbox.fault("truncated", how="json")
    answer = zendesk.call("GET", LIST)
    assert (answer.status_code, int(answer.headers["Content-Length"])) == (200, len(answer.content))
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_sign_in_page_comes_in_place_of_json(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("html")
    answer = zendesk.call("GET", LIST)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_redirect_leads_elsewhere(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("redirect", location="https://elsewhere.example/x")
    answer = zendesk.call("GET", LIST)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://elsewhere.example/x")


def test_a_short_read_drops_rows_of_a_list(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox)
    sandbox.fault("short_read", drop=1)
    body = zendesk.call("GET", LIST).json()
    assert (len(body["organizations"]), body["meta"]["has_more"]) == (1, True)


def test_a_short_read_ends_the_paging_early(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox)
    sandbox.fault("short_read", end=True)
    assert zendesk.call("GET", LIST).json()["meta"]["has_more"] is False


def test_a_short_read_of_a_query_leaves_the_total_as_it_was(sandbox: Sandbox, salesforce: Any) -> None:
    sandbox.put_accounts([{"Name": f"a{number}"} for number in range(5)])
    sandbox.settings(salesforce_page_size=3)
    sandbox.fault("short_read", system="salesforce", drop=1, end=True)
    body = salesforce.query("SELECT Name FROM Account").json()
    assert (body["totalSize"], body["done"], len(body["records"]), "nextRecordsUrl" in body) == (5, True, 2, False)


def test_links_lead_to_a_foreign_host(sandbox: Sandbox, zendesk: Any, salesforce: Any) -> None:
    add(sandbox)
    sandbox.put_accounts([{"Name": "a"}, {"Name": "b"}])
    sandbox.settings(salesforce_page_size=1)
    sandbox.fault("foreign_links", times=None, host="evil.example")
    assert (
        zendesk.call("GET", LIST).json()["links"]["next"].startswith("https://evil.example/api/v2/organizations.json")
    )
    query = salesforce.query("SELECT Name FROM Account").json()
    assert query["nextRecordsUrl"].startswith("https://evil.example/services/data/v59.0/query/0r8")
    assert salesforce.token().json()["instance_url"] == "https://evil.example"


def test_a_skewed_clock_shows_in_the_date(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("clock_skew", seconds=-7200)
    date = parsedate_to_datetime(zendesk.call("GET", LIST).headers["Date"])
    assert 7190 < time.time() - date.timestamp() < 7210


@pytest.mark.parametrize(
    ("order", "hit"),
    [
        ({"system": "salesforce"}, False),
        ({"method": "P*"}, False),
        ({"path": "/api/v2/organizations"}, True),
        ({"path": "/api/v2/organizations/*"}, False),
        ({"query": "*page?size?=2"}, True),
        ({"query": "*page?after?*"}, False),
        ({"system": "zendesk", "method": "GET", "path": "*organizations*"}, True),
    ],
)
def test_a_fault_is_for_the_calls_it_describes(
    sandbox: Sandbox, zendesk: Any, order: dict[str, str], hit: bool
) -> None:
    sandbox.fault("status", **order)
    assert (zendesk.call("GET", "/organizations.json?page[size]=2").status_code == 503) is hit


def test_a_fault_can_let_calls_pass_first(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("status", skip=2, times=1)
    assert [zendesk.call("GET", LIST).status_code for _ in range(4)] == [200, 200, 503, 200]


def test_faults_come_in_the_order_in_which_they_were_ordered(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("status", status=500)
    sandbox.fault("status", status=502, times=None)
    assert [zendesk.call("GET", LIST).status_code for _ in range(3)] == [500, 502, 502]


def test_faults_are_listed_with_what_is_left_and_can_be_lifted(sandbox: Sandbox, zendesk: Any) -> None:
    first = sandbox.fault("status", times=3, status=500)
    second = sandbox.fault("html")
    zendesk.call("GET", LIST)
    shown = sandbox.faults()
    assert [(fault["id"], fault["do"], fault["times"], fault["hits"]) for fault in shown] == [
        (first, "status", 2, 1),
        (second, "html", 1, 0),
    ]
    sandbox.remove_faults(first)
    assert [fault["id"] for fault in sandbox.faults()] == [second]
    sandbox.remove_faults()
    assert sandbox.faults() == []


@pytest.mark.parametrize(
    "order",
    [
        {"do": "magic"},
        {"do": "status", "code": 1},
        {"do": "status", "system": "hubspot"},
        {},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(sandbox: Sandbox, order: dict[str, Any]) -> None:
    with pytest.raises(ControlError) as refusal:
        sandbox.request("POST", "/faults", body=order)
    assert refusal.value.status == 400


def test_latency_is_what_each_call_takes(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.settings(latency=0.1)
    started = time.monotonic()
    zendesk.call("GET", LIST)
    assert 0.1 <= time.monotonic() - started < 1
    assert sandbox.calls()[-1]["seconds"] >= 0.1

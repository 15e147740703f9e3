"""Salesforce's half over HTTP: logins, versions, queries, pages, quotas, errors."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests

from partner_sync.sandbox import Sandbox
from partner_sync.sandbox.tokens import (
    SALESFORCE_CONSUMER_KEY,
    SALESFORCE_CONSUMER_SECRET,
    SALESFORCE_PASSWORD,
    SALESFORCE_SECURITY_TOKEN,
    SALESFORCE_USERNAME,
)

QUERY = "SELECT Name FROM Account"


def put(sandbox: Sandbox, count: int) -> None:
    sandbox.put_accounts([{"Name": f"Account {number}"} for number in range(count)])


def test_a_login_answers_a_session_and_where_to_use_it_but_not_for_how_long(salesforce: Any) -> None:
    answer = salesforce.token()
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {
        "access_token", "signature", "token_format", "scope", "instance_url", "id", "token_type", "issued_at",
        "api_instance_url",
    }  # fmt: skip
    assert body["instance_url"] == "https://acme.my.salesforce.example"
    assert (body["token_format"], body["token_type"]) == ("opaque", "Bearer")
    assert len(body["issued_at"]) == 13


def test_the_client_may_come_as_basic_authorization(sandbox: Sandbox) -> None:
    pair = base64.b64encode(f"{SALESFORCE_CONSUMER_KEY}:{SALESFORCE_CONSUMER_SECRET}".encode()).decode()
    url = f"{sandbox.salesforce_url}/services/oauth2/token"
    headers = {"Authorization": f"Basic {pair}"}
    answer = requests.post(url, {"grant_type": "client_credentials"}, headers=headers, timeout=10)
    assert answer.status_code == 200


def test_a_chunked_login_is_read(sandbox: Sandbox) -> None:
    form = (
        f"grant_type=client_credentials&client_id={SALESFORCE_CONSUMER_KEY}&client_secret={SALESFORCE_CONSUMER_SECRET}"
    )
    url = f"{sandbox.salesforce_url}/services/oauth2/token"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(url, iter([form[:20].encode(), form[20:].encode()]), headers=headers, timeout=10)
    assert answer.status_code == 200


@pytest.mark.parametrize("password", [SALESFORCE_PASSWORD, SALESFORCE_PASSWORD + SALESFORCE_SECURITY_TOKEN])
def test_the_password_grant_works_with_and_without_security_token(salesforce: Any, password: str) -> None:
    answer = salesforce.token(grant_type="password", username=SALESFORCE_USERNAME, password=password)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"grant_type": "magic"}, "unsupported_grant_type", "grant type not supported"),
        ({"client_id": "other"}, "invalid_client_id", "client identifier invalid"),
        ({"client_secret": "other"}, "invalid_client", "invalid client credentials"),
        ({"grant_type": "password", "username": "x", "password": "y"}, "invalid_grant", "authentication failure"),
    ],
)
def test_a_refused_login_is_a_400_with_error_and_description(
    salesforce: Any, changes: dict[str, str], error: str, description: str
) -> None:
    answer = salesforce.token(**changes)
    assert answer.status_code == 400
    assert answer.json() == {"error": error, "error_description": description}


def test_client_credentials_are_refused_on_the_common_login_hosts(sandbox: Sandbox) -> None:
    url = f"{sandbox.salesforce_url}/services/oauth2/token"
    answer = requests.post(
        url, {"grant_type": "client_credentials"}, headers={"Host": "login.salesforce.com"}, timeout=10
    )
    assert answer.json() == {"error": "invalid_grant", "error_description": "request not supported on this domain"}


def soap(sandbox: Sandbox, version: str, password: str) -> requests.Response:
    body = f"<a:username>{SALESFORCE_USERNAME}</a:username><a:password>{password}</a:password>"
    return requests.post(f"{sandbox.salesforce_url}/services/Soap/u/{version}", body, timeout=10)


def test_soap_login_answers_a_session_that_works(sandbox: Sandbox, salesforce: Any) -> None:
    answer = soap(sandbox, "59.0", SALESFORCE_PASSWORD + SALESFORCE_SECURITY_TOKEN)
    session = answer.text.partition("<sessionId>")[2].partition("</sessionId>")[0]
    assert answer.status_code == 200
    assert "<serverUrl>https://acme.my.salesforce.example/services/Soap/u/59.0/" in answer.text
    assert "<userInfo><organizationId>00D4M0000008abcUAA</organizationId>" in answer.text
    headers = {"Authorization": f"Bearer {session}"}
    assert salesforce.call("/services/data/v59.0/query", params={"q": QUERY}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("version", "password", "code"),
    [("59.0", "wrong", "INVALID_LOGIN"), ("65.0", SALESFORCE_PASSWORD, "UNSUPPORTED_API_VERSION")],
)
def test_a_refused_soap_login_is_a_fault(sandbox: Sandbox, version: str, password: str, code: str) -> None:
    answer = soap(sandbox, version, password)
    assert answer.status_code == 500
    assert f"<sf:exceptionCode>{code}</sf:exceptionCode>" in answer.text


def test_the_versions_are_listed_without_a_session(salesforce: Any) -> None:
    versions = salesforce.call("/services/data", headers={}).json()
    assert versions[0]["version"] == "31.0"
    assert versions[-1] == {"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"}
    assert [each["label"] for each in versions[-3:]] == ["Spring '26", "Summer '26", "Winter '27"]


@pytest.mark.parametrize(
    ("version", "status"), [("30.0", 410), ("21.0", 410), ("20.0", 404), ("69.0", 404), ("59.5", 404), ("31.0", 200)]
)
def test_retired_versions_are_gone_and_unknown_ones_not_found(salesforce: Any, version: str, status: int) -> None:
    answer = salesforce.call(f"/services/data/v{version}/query", params={"q": QUERY})
    assert answer.status_code == status


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic abc"}])
def test_without_a_session_a_query_is_a_401(salesforce: Any, headers: dict[str, str]) -> None:
    answer = salesforce.call("/services/data/v59.0/query", params={"q": QUERY}, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_a_session_ends_after_its_life(sandbox: Sandbox, salesforce: Any) -> None:
    sandbox.settings(salesforce_token_seconds=0)
    headers = {"Authorization": f"Bearer {salesforce.token().json()['access_token']}"}
    assert salesforce.call("/services/data/v59.0/query", params={"q": QUERY}, headers=headers).status_code == 401
    assert salesforce.query(QUERY).status_code == 200


def test_sessions_can_be_ended_at_once_and_minted_again(sandbox: Sandbox, salesforce: Any) -> None:
    assert sandbox.expire_tokens("zendesk") == 0
    assert salesforce.query(QUERY).status_code == 200
    assert sandbox.expire_tokens("salesforce") == 1
    assert salesforce.query(QUERY).status_code == 401
    assert salesforce.token().status_code == 200


def test_an_answer_that_fits_is_done_and_has_no_next(sandbox: Sandbox, salesforce: Any) -> None:
    put(sandbox, 3)
    body = salesforce.query(QUERY).json()
    assert list(body) == ["totalSize", "done", "records"]
    assert (body["totalSize"], body["done"], len(body["records"])) == (3, True, 3)


def test_a_query_works_with_a_slash_and_with_plus_for_blanks(sandbox: Sandbox, salesforce: Any) -> None:
    put(sandbox, 1)
    assert salesforce.call("/services/data/v59.0/query/?q=SELECT+Name+FROM+Account").json()["totalSize"] == 1


def test_a_long_answer_comes_in_pages_of_what_was_there_when_asked(sandbox: Sandbox, salesforce: Any) -> None:
    put(sandbox, 5)
    sandbox.settings(salesforce_page_size=2)
    page = salesforce.query(QUERY).json()
    sandbox.put_accounts([{"Name": "Late"}])
    pages = [page]
    while not page["done"]:
        page = salesforce.call(page["nextRecordsUrl"]).json()
        pages.append(page)
    assert [len(each["records"]) for each in pages] == [2, 2, 1]
    assert {each["totalSize"] for each in pages} == {5}
    names = [record["Name"] for each in pages for record in each["records"]]
    assert names == [f"Account {number}" for number in range(5)]


def test_a_locator_is_an_id_of_its_own_kind_with_an_offset(sandbox: Sandbox, salesforce: Any) -> None:
    put(sandbox, 3)
    sandbox.settings(salesforce_page_size=2)
    path, _, locator = salesforce.query(QUERY).json()["nextRecordsUrl"].rpartition("/")
    assert path == "/services/data/v59.0/query"
    assert (locator[:3], locator.index("-"), locator[18:]) == ("0r8", 18, "-2")


@pytest.mark.parametrize(("wish", "size"), [("500", 500), ("200", 200), ("10", 200), ("5000", 2000)])
def test_a_wish_for_a_batch_size_is_granted_from_200_to_2000(
    sandbox: Sandbox, salesforce: Any, wish: str, size: int
) -> None:
    put(sandbox, 2001)
    answer = salesforce.query(QUERY, **{"Sforce-Query-Options": f"batchSize={wish}"})
    assert len(answer.json()["records"]) == size


@pytest.mark.parametrize(("bound", "status"), [(1, 401), (0, 200)])
def test_a_locator_is_of_the_session_that_asked(sandbox: Sandbox, salesforce: Any, bound: int, status: int) -> None:
    put(sandbox, 3)
    sandbox.settings(salesforce_page_size=2, salesforce_bound_locators=bound)
    url = salesforce.query(QUERY).json()["nextRecordsUrl"]
    again = {"Authorization": f"Bearer {salesforce.token().json()['access_token']}"}
    answer = salesforce.call(url, headers=again)
    assert answer.status_code == status
    if bound:
        assert answer.json()[0]["errorCode"] == "INVALID_SESSION_ID"
    assert salesforce.call(url).status_code == 200
    assert salesforce.query(QUERY, **again).status_code == 200


def test_an_invalid_auth_header_is_ordered(sandbox: Sandbox, salesforce: Any) -> None:
    sandbox.fault("invalid_auth_header", path="*/query")
    answer = salesforce.query(QUERY)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_AUTH_HEADER")
    assert salesforce.query(QUERY).status_code == 200


@pytest.mark.parametrize("locator", ["0r8xx3AMv000001AGA-2", "0r8xx3AMv000009AGA-2", "nonsense"])
def test_an_unknown_locator_is_refused(salesforce: Any, locator: str) -> None:
    answer = salesforce.call(f"/services/data/v59.0/query/{locator}")
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT Name FROM Account WHERE", "MALFORMED_QUERY"),
        ("SELECT Nonsense__c FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Contact", "INVALID_TYPE"),
    ],
)
def test_a_refused_query_is_an_array_with_one_error(salesforce: Any, query: str, code: str) -> None:
    answer = salesforce.query(query)
    assert answer.status_code == 400
    assert [set(error) for error in answer.json()] == [{"message", "errorCode"}]
    assert answer.json()[0]["errorCode"] == code


def test_a_query_that_only_the_sandbox_refuses_is_no_error_of_salesforces(salesforce: Any) -> None:
    answer = salesforce.query("SELECT Name FROM Account WHERE Name LIKE 'a%'")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (501, "SANDBOX_UNSUPPORTED")


def test_a_query_without_text_is_malformed(salesforce: Any) -> None:
    assert salesforce.call("/services/data/v59.0/query").json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_an_unknown_path_is_not_found_and_a_wrong_method_not_allowed(salesforce: Any) -> None:
    assert salesforce.call("/services/data/v59.0/nonsense").json()[0]["errorCode"] == "NOT_FOUND"
    assert salesforce.call("/nonsense").status_code == 404
    assert salesforce.call("/services/data/v59.0/query", "POST").status_code == 405


def test_an_overlong_address_is_refused(salesforce: Any) -> None:
    assert salesforce.query("SELECT Name FROM Account WHERE Name = '" + "x" * 17_000 + "'").status_code == 414


def test_each_answer_tells_the_use_of_the_day(salesforce: Any) -> None:
    uses = [salesforce.query(QUERY).headers["Sforce-Limit-Info"] for _ in range(2)]
    assert uses == ["api-usage=1/100000", "api-usage=2/100000"]
    assert salesforce.call("/services/data/v59.0/limits").json()["DailyApiRequests"]["Remaining"] == 99_997


def test_after_the_last_call_of_the_day_everything_is_refused(sandbox: Sandbox, salesforce: Any) -> None:
    sandbox.settings(salesforce_calls_per_day=1)
    assert salesforce.query(QUERY).status_code == 200
    answer = salesforce.query(QUERY)
    assert answer.status_code == 403
    assert answer.json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/1"


def test_a_new_field_of_accounts_can_be_asked_for(sandbox: Sandbox, salesforce: Any) -> None:
    query = "SELECT Region__c, Sponsor__r.Name FROM Account"
    assert salesforce.query(query).json()[0]["errorCode"] == "INVALID_FIELD"
    sandbox.put_account_fields(**{"Region__c": "string", "Sponsor__r.Name": "string"})
    sandbox.put_account(Name="Plain")
    sandbox.put_account(Name="Rich", Region__c="EMEA", Sponsor__r={"Name": "Ada"})
    plain, rich = salesforce.query(query).json()["records"]
    assert (plain["Region__c"], plain["Sponsor__r"]) == (None, None)
    assert (rich["Region__c"], rich["Sponsor__r"]["Name"]) == ("EMEA", "Ada")


def test_the_fields_of_accounts_are_described(salesforce: Any) -> None:
    fields = salesforce.call("/services/data/v59.0/sobjects/Account/describe").json()["fields"]
    assert {"name": "Support_Hold__c", "type": "boolean", "label": "Support_Hold__c"} in fields

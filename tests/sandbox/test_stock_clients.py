"""Clients that other people wrote for the real systems work here unchanged: zenpy and simple-salesforce."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce as SimpleSalesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
)
from zenpy import Zenpy
from zenpy.lib.api_objects import Organization
from zenpy.lib.exception import APIException, RecordNotFoundException

from partner_sync.sandbox import Sandbox
from partner_sync.sandbox.tokens import (
    SALESFORCE_CONSUMER_KEY,
    SALESFORCE_CONSUMER_SECRET,
    SALESFORCE_PASSWORD,
    SALESFORCE_SECURITY_TOKEN,
    SALESFORCE_USERNAME,
    ZENDESK_API_TOKEN,
    ZENDESK_EMAIL,
    ZENDESK_OAUTH_TOKEN,
)


@pytest.fixture
def zenpy(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Zenpy:
    """zenpy's own switches for another host."""
    monkeypatch.setenv("ZENPY_FORCE_NETLOC", urlsplit(sandbox.zendesk_url).netloc)
    monkeypatch.setenv("ZENPY_FORCE_SCHEME", "http")
    # zenpy follows the links in answers, so they have to lead here and not to a host of Zendesk's.
    sandbox.settings(job_seconds=0, zendesk_canonical_url=sandbox.zendesk_url)
    return Zenpy(subdomain="acme", oauth_token=ZENDESK_OAUTH_TOKEN)


def test_zenpy_lists_by_cursor(sandbox: Sandbox, zenpy: Zenpy) -> None:
    sandbox.add_organizations({"name": f"n{number}"} for number in range(250))
    found = list(zenpy.organizations(cursor_pagination=100))
    assert sorted(each.name for each in found) == sorted(f"n{number}" for number in range(250))
    assert len([call for call in sandbox.calls() if "page[size]" in call["query"]]) == 3


def test_zenpy_lists_by_page_number(sandbox: Sandbox, zenpy: Zenpy) -> None:
    sandbox.add_organizations({"name": f"n{number:03}"} for number in range(150))
    assert len(list(zenpy.organizations(cursor_pagination=False))) == 150


def test_zenpy_creates_and_updates_many_and_polls_the_jobs(sandbox: Sandbox, zenpy: Zenpy) -> None:
    job = zenpy.organizations.create([Organization(name="a", external_id="A"), Organization(name="b")])
    assert job.status == "queued"
    done = zenpy.job_status(id=job.id)
    assert (done.status, [result.status for result in done.results]) == ("completed", ["Created", "Created"])
    first, second = zenpy.organizations(ids=[result.id for result in done.results])
    first.organization_fields["account_type"] = "open_partner"
    second.name = "A"
    job = zenpy.organizations.update([first, second])
    results = zenpy.job_status(id=job.id).results
    assert results[0].success is True
    assert results[1].error == "OrganizationUpdateFailed"
    assert sandbox.organization(first.id)["organization_fields"]["account_type"] == "open_partner"


def test_zenpy_handles_one_organization(zenpy: Zenpy) -> None:
    made = zenpy.organizations.create(Organization(name="a", external_id="A"))
    made.notes = "x"
    assert zenpy.organizations.update(made).notes == "x"
    assert zenpy.organizations(id=made.id).external_id == "A"
    zenpy.organizations.delete(made)
    with pytest.raises(RecordNotFoundException):
        zenpy.organizations(id=made.id)
    with pytest.raises(APIException):
        zenpy.organizations.create(Organization(name=""))


def test_zenpy_reads_fields_and_works_with_an_api_token(sandbox: Sandbox, zenpy: Zenpy) -> None:
    legacy = Zenpy(subdomain="acme", email=ZENDESK_EMAIL, token=ZENDESK_API_TOKEN)
    assert "account_type" in [field.key for field in legacy.organization_fields()]
    assert legacy.users.me().email == ZENDESK_EMAIL


class Loopback(HTTPAdapter):
    """Sends what is meant for https hosts to the sandbox; simple-salesforce has https built in."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        meant = request.url
        assert meant is not None
        parts = urlsplit(meant)
        request.url = self._url + parts.path + (f"?{parts.query}" if parts.query else "")
        request.headers["Host"] = parts.netloc
        try:
            return super().send(request, *args, **kwargs)
        finally:
            request.url = meant


@pytest.fixture
def session(sandbox: Sandbox) -> requests.Session:
    made = requests.Session()
    made.mount("https://", Loopback(sandbox.salesforce_url))
    return made


def logged_in(session: requests.Session, **changes: Any) -> SimpleSalesforce:
    arguments = {
        "consumer_key": SALESFORCE_CONSUMER_KEY,
        "consumer_secret": SALESFORCE_CONSUMER_SECRET,
        "domain": "acme.my",
        **changes,
    }
    return SimpleSalesforce(session=session, **arguments)


def test_simple_salesforce_pages_through_a_query(sandbox: Sandbox, session: requests.Session) -> None:
    sandbox.put_accounts([{"Name": f"n{number}", "Type": "Partner"} for number in range(5)])
    sandbox.settings(salesforce_page_size=2)
    client = logged_in(session)
    found = client.query_all("SELECT Id, Name FROM Account WHERE Type = 'Partner'")
    assert [record["Name"] for record in found["records"]] == [f"n{number}" for number in range(5)]
    assert client.api_usage["api-usage"].used == 3
    assert [record["Name"] for record in client.query_all_iter("SELECT Name FROM Account LIMIT 3")] == [
        "n0",
        "n1",
        "n2",
    ]


@pytest.mark.parametrize(
    "credentials",
    [
        {"username": SALESFORCE_USERNAME, "password": SALESFORCE_PASSWORD},
        {
            "username": SALESFORCE_USERNAME,
            "password": SALESFORCE_PASSWORD,
            "security_token": SALESFORCE_SECURITY_TOKEN,
            "consumer_key": None,
            "consumer_secret": None,
            "domain": "login",
        },
    ],
)
def test_simple_salesforce_logs_in_by_password_and_by_soap(
    session: requests.Session, credentials: dict[str, Any]
) -> None:
    assert logged_in(session, **credentials).query("SELECT Id FROM Account")["totalSize"] == 0


def test_simple_salesforce_understands_the_errors(sandbox: Sandbox, session: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="client identifier invalid"):
        logged_in(session, consumer_key="other")
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        logged_in(session, username="x", password="y", security_token="z")
    client = logged_in(session)
    with pytest.raises(SalesforceMalformedRequest, match="MALFORMED_QUERY"):
        client.query("SELECT Id FROM Account WHERE A = 1 AND B = 2 OR C = 3")
    sandbox.expire_tokens("salesforce")
    with pytest.raises(SalesforceExpiredSession):
        SimpleSalesforce(
            session=session, session_id=client.session_id, instance_url="https://acme.my.salesforce.com"
        ).query("SELECT Id FROM Account")

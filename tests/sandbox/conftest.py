"""A fresh sandbox for each test, and callers that speak plain HTTP to its two halves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from partner_sync.sandbox import Sandbox, an_empty_world
from partner_sync.sandbox.tokens import (
    SALESFORCE_CONSUMER_KEY,
    SALESFORCE_CONSUMER_SECRET,
    ZENDESK_CLIENT_ID,
    ZENDESK_CLIENT_SECRET,
)

TIMEOUT = 10


class Zendesk:
    """Calls below /api/v2 with a bearer token."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.headers = {"Authorization": f"Bearer {self.token().json()['access_token']}"}

    def token(self, **changes: Any) -> requests.Response:
        order = {
            "grant_type": "client_credentials",
            "client_id": ZENDESK_CLIENT_ID,
            "client_secret": ZENDESK_CLIENT_SECRET,
            "scope": "read write",
            **changes,
        }
        body = {name: value for name, value in order.items() if value is not None}
        return self.session.post(f"{self.sandbox.zendesk_url}/oauth/tokens", json=body, timeout=TIMEOUT)

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        url = f"{self.sandbox.zendesk_url}/api/v2{path}"
        arguments.setdefault("headers", self.headers)
        return self.session.request(method, url, timeout=TIMEOUT, allow_redirects=False, **arguments)

    def get(self, path: str, parameters: dict[str, Any] | None = None) -> Any:
        answer = self.call("GET", path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def submit(self, method: str, path: str, body: Any = None, **parameters: Any) -> dict[str, Any]:
        """Send a bulk job; answers its job_status."""
        answer = self.call(method, path, json=body, params=parameters)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["job_status"])

    def ended(self, job: dict[str, Any]) -> dict[str, Any]:
        """The job_status once the job has done everything."""
        self.sandbox.end_job(job["id"])
        return dict(self.get(f"/job_statuses/{job['id']}")["job_status"])

    def create(self, **attributes: Any) -> dict[str, Any]:
        answer = self.call("POST", "/organizations", json={"organization": attributes})
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["organization"])


class Salesforce:
    """Calls below /services/data/v59.0 with a session."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.headers = {"Authorization": f"Bearer {self.token().json()['access_token']}"}

    def token(self, **changes: Any) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": SALESFORCE_CONSUMER_KEY,
            "client_secret": SALESFORCE_CONSUMER_SECRET,
            **changes,
        }
        url = f"{self.sandbox.salesforce_url}/services/oauth2/token"
        return self.session.post(url, data=form, timeout=TIMEOUT)

    def call(self, path: str, method: str = "GET", **arguments: Any) -> requests.Response:
        arguments.setdefault("headers", self.headers)
        url = f"{self.sandbox.salesforce_url}{path}"
        return self.session.request(method, url, timeout=TIMEOUT, allow_redirects=False, **arguments)

    def query(self, text: str, **headers: str) -> requests.Response:
        return self.call("/services/data/v59.0/query", params={"q": text}, headers={**self.headers, **headers})


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(an_empty_world(), job_seconds=60.0) as running:
        yield running


@pytest.fixture
def zendesk(sandbox: Sandbox) -> Iterator[Zendesk]:
    caller = Zendesk(sandbox)
    with caller.session:
        yield caller


@pytest.fixture
def salesforce(sandbox: Sandbox) -> Iterator[Salesforce]:
    caller = Salesforce(sandbox)
    with caller.session:
        yield caller

"""The network of the cells with a foreign host: a client that is led there gets there, and is caught."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from partner_sync.sandbox import Sandbox
from tests.faults.internet import internet


@pytest.mark.parametrize("status", [302, 307])
def test_a_client_that_follows_a_redirect_to_a_foreign_host_is_caught_with_its_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    with Sandbox() as sandbox, internet(sandbox.connections(), tmp_path) as network:
        for name, value in network.environment.items():
            monkeypatch.setenv(name, value)
        sandbox.fault("redirect", status=status, location="https://elsewhere.example/login")
        host = network.connections["zendesk"]["host"]
        answer = requests.get(f"https://{host}/api/v2/organizations", headers={"X-Credential": "secret"}, timeout=10)
    assert (200, {}) == (answer.status_code, answer.json())
    (sent,) = network.abroad
    assert b"X-Credential: secret" in sent
    assert {host, "elsewhere.example"} == network.reached


def test_both_systems_respond_through_it_without_an_endpoint_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox, internet(sandbox.connections(), tmp_path) as network:
        for name, value in network.environment.items():
            monkeypatch.setenv(name, value)
        assert 404 == requests.get("https://acme.my.salesforce.com/knock", timeout=10).status_code
        assert ["/knock"] == [call["path"] for call in sandbox.calls()]
    assert [] == network.abroad
    assert all("endpoint_url" not in connection["extra"] for connection in network.connections.values())

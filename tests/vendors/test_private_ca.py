"""A system behind a private certificate authority: trusted where REQUESTS_CA_BUNDLE names it, refused otherwise."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from partner_sync.errors import ConfigError

AUTHORITY = trustme.CA()


@pytest.fixture
def behind_tls(serving) -> Any:
    """A server on loopback with a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    with serving(context) as notes:
        yield notes


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The authority's certificate as a file."""
    path = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return path


@pytest.mark.parametrize("make", ["zendesk_session", "salesforce_session"])
def test_a_private_authority_is_trusted_where_the_environment_names_it(make, request, behind_tls, bundle, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    session = request.getfixturevalue(make)(behind_tls.url)
    assert 200 == session.get(f"https://{session.host}/api/v2/organizations").status_code
    assert ["/api/v2/organizations"] == [path for _, path, _ in behind_tls.asked]


@pytest.mark.parametrize("make", ["zendesk_session", "salesforce_session"])
def test_without_it_nothing_is_sent_and_the_message_says_what_to_set(make, request, behind_tls, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    session = request.getfixturevalue(make)(behind_tls.url)
    with pytest.raises(ConfigError, match="REQUESTS_CA_BUNDLE"):
        session.get(f"https://{session.host}/api/v2/organizations", headers={"Authorization": "Bearer secret"})
    assert [] == behind_tls.asked


def test_another_authority_is_not_enough(zendesk_session, behind_tls, tmp_path, monkeypatch):
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    with pytest.raises(ConfigError, match="not trusted"):
        zendesk_session(behind_tls.url).get("https://acme.zendesk.com/api/v2/organizations")
    assert [] == behind_tls.asked


def test_checking_cannot_be_turned_off(zendesk_session, behind_tls, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    session = zendesk_session(behind_tls.url)
    session.verify = False
    with pytest.raises((ConfigError, requests.exceptions.SSLError)):
        session.get("https://acme.zendesk.com/api/v2/organizations", verify=False)
    assert [] == behind_tls.asked

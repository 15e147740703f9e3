"""Where requests may go: the configured host, its endpoint, and nowhere that an answer names."""

from __future__ import annotations

import re
import ssl
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from partner_sync.config.settings import Calls
from partner_sync.errors import ConfigError, UnavailableError, UnknownHostError
from partner_sync.vendors.endpoint import endpoint_finding
from partner_sync.vendors.transport import Session

COUNT = "https://acme.zendesk.com/api/v2/organizations/count"


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/api/v2/organizations",
        "https://other.zendesk.com/api/v2/organizations",
        "https://acme.zendesk.com.elsewhere.example/",
        "https://acme.zendesk.com@elsewhere.example/",
        "https://user:password@acme.zendesk.com/",
        "https://acme.zendesk.com:8443/",
        "http://acme.zendesk.com/",
    ],
)
def test_nothing_is_sent_to_a_host_that_the_connection_does_not_name(zendesk_session, notes, url):
    session = zendesk_session(notes.url)

    with pytest.raises(ConfigError, match=r"not for https://acme\.zendesk\.com; nothing was sent there"):
        session.get(url)

    assert (session.calls, notes.asked) == (0, [])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_another_server_on_this_machine_is_foreign_too(zendesk_session, notes, serving, scheme):
    with serving() as other, pytest.raises(ConfigError):
        zendesk_session(notes.url).get(f"{scheme}://{other.netloc}/")

    assert other.asked == []


@pytest.mark.parametrize(
    "host", ["acme.my.salesforce.com", "acme--uat.sandbox.my.salesforce.com", "na1.salesforce.com"]
)
def test_salesforce_may_name_another_host_below_its_domain(salesforce_session, notes, host):
    salesforce_session(notes.url).get(f"https://{host}/services/data/v59.0/query/")

    assert len(notes.asked) == 1


@pytest.mark.parametrize(
    "url",
    ["https://salesforce.com.elsewhere.example/", "https://evilsalesforce.com/", "http://na1.salesforce.com/"],
)
def test_salesforce_may_not_name_any_other(salesforce_session, notes, url):
    with pytest.raises(ConfigError, match=r"or an https host below \.salesforce\.com; nothing was sent there"):
        salesforce_session(notes.url).get(url)

    assert notes.asked == []


# -- names that do not resolve


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_host_that_does_not_exist_is_named_at_once_with_its_connection(zendesk_session, clock, method):
    session = zendesk_session("https://acme-typo.invalid")

    with pytest.raises(UnknownHostError) as caught:
        session.request(method, COUNT)

    assert re.match(r"acme-typo\.invalid (does not exist|cannot be looked up)\.", str(caught.value))
    assert "Correct the host in Connection 'zendesk_default'" in str(caught.value)
    assert (caught.value.effect, session.calls, clock.waits) == ("none", 1, [])


# -- endpoint_url


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_endpoint_is_accepted_by_its_own_name_as_well(zendesk_session, notes, scheme):
    zendesk_session(notes.url).get(f"{scheme}://{notes.netloc}/api/v2/organizations/count")

    assert [path for _, path, _ in notes.asked] == ["/api/v2/organizations/count"]


def test_an_endpoint_may_have_a_path_which_goes_before_every_other_once(zendesk_session, notes):
    session = zendesk_session(f"{notes.url}/zendesk/")

    session.get(COUNT, params={"a": "b"})
    session.get(f"https://{notes.netloc}/zendesk/api/v2/organizations/count")

    paths = [path for _, path, _ in notes.asked]
    assert paths == ["/zendesk/api/v2/organizations/count?a=b", "/zendesk/api/v2/organizations/count"]


def test_an_answer_looks_as_if_the_vendors_host_had_sent_it(zendesk_session, notes):
    answer = zendesk_session(notes.url).get(COUNT, params={"a": "b"})

    assert (answer.url, answer.request.url) == (f"{COUNT}?a=b", f"{COUNT}?a=b")


def test_a_request_that_fails_keeps_the_vendors_host_too(sandbox, zendesk_session):
    sandbox.fault("reset_before", times=None)
    session = zendesk_session(sandbox.zendesk_url, attempts=1)
    request = session.prepare_request(requests.Request("GET", COUNT))

    with pytest.raises(UnavailableError):
        session.send(request)

    assert request.url == COUNT


@pytest.mark.parametrize("url", ["https://proxy.example", "https://10.1.2.3:8443/zendesk", "http://127.0.0.1:8080"])
def test_an_endpoint_is_https_anywhere(url):
    assert endpoint_finding(url) is None


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.8.8.8", "http://[::1]:8080"])
def test_an_endpoint_is_plain_http_on_this_machine(url):
    assert endpoint_finding(url) is None


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("http://sandbox:8080", "uses plain http, which would show the credentials to the network"),
        ("http://10.1.2.3", "uses plain http, which would show the credentials to the network"),
        ("http://127.0.0.1.elsewhere.example", "uses plain http, which would show the credentials to the network"),
        ("127.0.0.1:8080", "is not an http or https URL with a host"),
        ("ftp://127.0.0.1", "is not an http or https URL with a host"),
        ("https://", "is not an http or https URL with a host"),
        ("https://a.example:port", "is not a URL"),
        ("https://me:secret@a.example", "contains a user, a query or a fragment"),
        ("https://a.example/?q", "contains a user, a query or a fragment"),
    ],
)
def test_any_other_endpoint_is_an_error_that_says_what_to_write(url, wrong):
    finding = endpoint_finding(url)

    assert finding is not None
    assert (finding.key, finding.wrong) == ("endpoint_url", wrong)
    assert "Write https://host" in finding.advice
    with pytest.raises(ConfigError, match="endpoint_url"):
        Session("Zendesk", "acme.zendesk.com", Calls(), endpoint_url=url)


def test_a_proxy_of_the_environment_does_not_see_what_stays_on_this_machine(
    zendesk_session, notes, serving, monkeypatch
):
    with serving() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        zendesk_session(notes.url).get(COUNT)

    assert (len(notes.asked), proxy.asked) == (1, [])


# -- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that nobody has heard of, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "endpoint")])
    today = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "endpoint.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(encoding))
    return path


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("verify", [None, False])
def test_a_certificate_that_is_not_trusted_is_an_error_of_the_connection(zendesk_session, serving, tls, clock, verify):
    with (
        serving(tls) as server,
        pytest.raises(ConfigError, match="has a TLS certificate that is not trusted here") as caught,
    ):
        zendesk_session(server.url).get(COUNT, verify=verify)

    assert "REQUESTS_CA_BUNDLE" in str(caught.value)
    assert (server.asked, clock.waits) == ([], [])


def test_the_environment_names_whom_to_trust(zendesk_session, serving, tls, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with serving(tls) as server:
        zendesk_session(server.url).get(COUNT)

    assert len(server.asked) == 1

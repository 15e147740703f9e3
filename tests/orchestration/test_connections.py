"""Connections as Airflow hands them out: what opens a client."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timezone
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from partner_sync.config.load import Config
from partner_sync.config.settings import Accounts as AccountsConfig
from partner_sync.config.settings import Calls, Instance, Partners
from partner_sync.errors import AuthenticationError, ConfigError, RejectedError, UnavailableError
from partner_sync.gather.accounts import read_accounts
from partner_sync.orchestration import connections
from partner_sync.sandbox import Sandbox, default_world

CALLS = Calls(attempts=1)
INSTANCE = Instance("global", "zendesk_default", write=True)
SOQL = "SELECT Name FROM Account"


@pytest.fixture
def sandbox():
    """A sandbox with few organizations: these tests are about something else."""
    with Sandbox(default_world(organizations=100), salesforce_instance_url="https://acme.my.salesforce.com") as running:
        yield running


@pytest.fixture
def zendesk(sandbox, define):
    """Opens the client of an instance whose Connection has these parts."""

    def open_client(extra, **parts):
        extra = {**extra, "endpoint_url": sandbox.zendesk_url}
        define("zendesk_default", {"conn_type": "zendesk", "host": "acme.zendesk.com", "extra": extra, **parts})
        return connections.zendesk(INSTANCE, CALLS)

    return open_client


@pytest.fixture
def salesforce(sandbox, define):
    """Opens the client of a Salesforce Connection with these parts."""

    def open_client(extra, **parts):
        extra = {**extra, "endpoint_url": sandbox.salesforce_url}
        define("salesforce_default", {"conn_type": "salesforce", "extra": extra, **parts})
        return connections.salesforce("salesforce_default", CALLS)

    return open_client


# -- Zendesk: what opens a client


@pytest.mark.parametrize(
    ("extra", "parts"),
    [
        ({"client_id": "partner_sync", "client_secret": "sandbox-client-secret"}, {}),
        ({"client_id": "partner_sync", "client_secret": "sandbox-client-secret", "token": "wrong"}, {"login": "wrong"}),
        ({"token": "sandbox-api-token"}, {"login": "sync@acme.example"}),
        ({"use_token": True}, {"login": "sync@acme.example", "password": "sandbox-api-token"}),
        ({"oauth_token": "sandbox-oauth-token"}, {}),
    ],
    ids=["client", "client-first", "token", "use_token", "oauth_token"],
)
def test_each_of_zendesks_credentials_is_taken(zendesk, extra, parts):
    assert zendesk(extra, **parts).count().value == 100


def test_a_client_asks_for_tokens_with_the_scope_of_the_connection(zendesk):
    client = {"client_id": "partner_sync", "client_secret": "sandbox-client-secret"}

    assert len(zendesk(client).organization_fields()) > 0
    with pytest.raises(RejectedError, match="refused GET /api/v2/organization_fields with 403"):
        zendesk({**client, "scope": "organizations:read"}).organization_fields()


def test_a_narrow_scope_is_enough_for_what_it_names(zendesk):
    client = {"client_id": "partner_sync", "client_secret": "sandbox-client-secret"}

    assert zendesk({**client, "scope": "organizations:read"}).count().value == 100
    with pytest.raises(RejectedError, match="refused GET /api/v2/organizations/count with 403"):
        zendesk({**client, "scope": "organizations:write"}).count()


def test_the_extra_may_be_a_text_of_json(sandbox, define):
    connection = sandbox.connections()["zendesk"]
    define("zendesk_default", {**connection, "extra": json.dumps(connection["extra"])})

    assert connections.zendesk(INSTANCE, CALLS).count().value == 100


def test_a_connection_may_be_a_uri(sandbox, define):
    url = quote(sandbox.zendesk_url, safe="")
    login, token = quote("sync@acme.example", safe=""), "sandbox-api-token"
    define("zendesk_default", f"zendesk://{login}:{token}@acme.zendesk.com/?use_token=true&endpoint_url={url}")

    assert connections.zendesk(INSTANCE, CALLS).count().value == 100


def test_messages_name_the_instance_and_the_connection(zendesk):
    with pytest.raises(AuthenticationError, match=r"Zendesk global refused POST.*Connection 'zendesk_default'"):
        zendesk({"client_id": "partner_sync", "client_secret": "wrong-secret"}).count()


def test_a_client_is_opened_without_a_call(sandbox, zendesk):
    zendesk({"client_id": "partner_sync", "client_secret": "sandbox-client-secret"})

    assert sandbox.calls() == []


# -- Zendesk: instances


def two_instances(define, first, second):
    """A config of two instances whose Connections have these hosts and endpoints."""
    for name, (host, endpoint_url) in {"zendesk_one": first, "zendesk_two": second}.items():
        extra = {"client_id": "c", "client_secret": "s", "endpoint_url": endpoint_url}
        define(name, {"conn_type": "zendesk", "host": host, "extra": extra})
    instances = (Instance("one", "zendesk_one", write=True), Instance("two", "zendesk_two", write=False))
    accounts = AccountsConfig("salesforce_default", "Account", "Id", "Name", {})
    return Config(accounts, instances, (), Partners("account_type", ()), digest="digest", text="")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("acme.zendesk.com", None), ("Acme.zendesk.com/", None)),
        (("acme.zendesk.com", None), ("other.zendesk.com", "https://acme.zendesk.com:443/")),
        (("acme.zendesk.com", "http://127.0.0.1:4001"), ("other.zendesk.com", "http://127.0.0.1:4001/")),
    ],
)
def test_two_instances_on_one_zendesk_host_are_refused(define, first, second):
    with pytest.raises(ConfigError, match="leads to the same Zendesk host as 'zendesk_one' of one") as caught:
        connections.zendesk_clients(two_instances(define, first, second))

    assert [finding.key for finding in caught.value.findings] == ["instances[1].connection"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("acme.zendesk.com", None), ("acme-emea.zendesk.com", None)),
        (("acme.zendesk.com", "http://127.0.0.1:4001"), ("acme.zendesk.com", "http://127.0.0.1:4002")),
        (("acme.zendesk.com", "https://gate.example/one"), ("emea.zendesk.com", "https://gate.example/two")),
    ],
)
def test_instances_on_hosts_of_their_own_each_have_a_client(define, first, second):
    clients = connections.zendesk_clients(two_instances(define, first, second))

    assert {name: client.instance for name, client in clients.items()} == {"one": "one", "two": "two"}


# -- Salesforce: what opens a client


def read(client):
    snapshot = read_accounts(
        client, SOQL, now=lambda: datetime(2027, 1, 1, tzinfo=timezone.utc), progress=lambda *_: None
    )
    return len(snapshot.rows)


@pytest.mark.parametrize(
    ("extra", "parts"),
    [
        (
            {"consumer_key": "sandbox-consumer-key", "consumer_secret": "sandbox-consumer-secret", "domain": "acme.my"},
            {},
        ),
        (
            {"consumer_key": "sandbox-consumer-key", "consumer_secret": "sandbox-consumer-secret"},
            {"login": "integration@acme.example", "password": "sandbox-password"},
        ),
        (
            {"security_token": "sandboxSecurityToken"},
            {"login": "integration@acme.example", "password": "sandbox-password"},
        ),
        (
            {
                "extra__salesforce__consumer_key": "sandbox-consumer-key",
                "extra__salesforce__consumer_secret": "sandbox-consumer-secret",
                "extra__salesforce__domain": "acme.my",
            },
            {},
        ),
    ],
    ids=["client-credentials", "password", "soap", "old-form"],
)
def test_each_of_salesforces_credentials_is_taken(sandbox, salesforce, extra, parts):
    client = salesforce(extra, **parts)

    assert read(client) == len(sandbox.accounts())
    assert client.session.token_calls == 1


def test_a_reserved_name_is_itself_the_host_and_stays_the_only_one_beside_salesforces(sandbox, salesforce):
    extra = sandbox.connections()["salesforce"]["extra"]
    sandbox.settings(salesforce_instance_url=f"https://{extra['domain']}")
    assert read(salesforce(extra)) == len(sandbox.accounts())

    sandbox.settings(salesforce_instance_url="https://other.example")
    with pytest.raises(ConfigError, match="nothing was sent there"):
        read(salesforce(extra))


def test_the_api_version_is_a_setting(sandbox, salesforce):
    client = {"consumer_key": "sandbox-consumer-key", "consumer_secret": "sandbox-consumer-secret", "domain": "acme.my"}

    read(salesforce({**client, "version": "66.0"}))

    assert sandbox.calls()[-1]["path"] == "/services/data/v66.0/query/"


def test_a_refused_login_is_an_authentication_error(salesforce):
    with pytest.raises(AuthenticationError, match="Connection 'salesforce_default'"):
        salesforce({"consumer_key": "wrong", "consumer_secret": "wrong-secret", "domain": "acme.my"})


def test_a_login_without_an_answer_is_tried_later(sandbox, salesforce):
    sandbox.fault("status", status=503, times=None)

    with pytest.raises(UnavailableError):
        salesforce({"consumer_key": "sandbox-consumer-key", "consumer_secret": "some-secret", "domain": "acme.my"})


# -- Salesforce: a private key


def test_a_private_key_is_used_to_ask_for_a_token(sandbox, salesforce):
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

    with pytest.raises(AuthenticationError) as caught:
        salesforce({"consumer_key": "sandbox-consumer-key", "private_key": pem, "domain": "acme.my"}, login="me")

    assert (
        "unsupported_grant_type" in caught.value.vendor_message
    )  # the sandbox has no JWT flow; that it was asked is the point


# -- hosts


def test_the_vendors_hosts_are_known_for_links(define):
    define(
        "salesforce_default",
        {"conn_type": "salesforce", "extra": {"domain": "acme.my", "endpoint_url": "https://a.example"}},
    )
    define("zendesk_default", {"conn_type": "zendesk", "host": "Acme.zendesk.com/", "extra": {}})
    accounts = AccountsConfig("salesforce_default", "Account", "Id", "Name", {})
    config = Config(accounts, (INSTANCE,), (), Partners("account_type", ()), digest="digest", text="")

    assert connections.hosts(config) == {"salesforce": "acme.my.salesforce.com", "global": "acme.zendesk.com"}


def test_links_lead_to_the_server_on_this_machine_where_the_requests_went_there(define):
    define("salesforce_default", {"conn_type": "salesforce", "extra": {"endpoint_url": "http://127.0.0.1:4001/"}})
    define("zendesk_default", {"conn_type": "zendesk", "extra": {"endpoint_url": "http://localhost:4002"}})
    accounts = AccountsConfig("salesforce_default", "Account", "Id", "Name", {})
    config = Config(accounts, (INSTANCE,), (), Partners("account_type", ()), digest="digest", text="")

    assert connections.hosts(config) == {"salesforce": "http://127.0.0.1:4001", "global": "http://localhost:4002"}


def test_zendesk_alone_imports_no_vendors_client():
    look = "import sys, partner_sync.orchestration.connections as _; "
    look += "print('zenpy' in sys.modules, 'simple_salesforce' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)
    assert "False False" == done.stdout.splitlines()[-1]

"""Connections as Airflow hands them out: what opens a client, and every mistake named before anything is sent."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timezone
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from partner_sync import connections
from partner_sync.config import Config
from partner_sync.errors import AuthenticationError, ConfigError, UnavailableError
from partner_sync.salesforce import gather
from partner_sync.sandbox import Sandbox, default_world
from partner_sync.settings import Accounts as AccountsConfig
from partner_sync.settings import Calls, Instance, Partners

CALLS = Calls(attempts=1)
INSTANCE = Instance("global", "zendesk_default", write=True)
SOQL = "SELECT Name FROM Account"


@pytest.fixture
def sandbox():
    """A sandbox with few organizations: these tests are about something else."""
    with Sandbox(default_world(organizations=100)) as running:
        yield running


@pytest.fixture
def define(monkeypatch):
    """Defines a Connection as people do outside of the database: by an environment variable."""

    def define(conn_id, connection):
        text = connection if isinstance(connection, str) else json.dumps(connection)
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", text)

    return define


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


def mistakes(conn_id):
    """The keys that are wrong with a Connection, opened as what its name says."""
    with pytest.raises(ConfigError, match=f"Connection '{conn_id}'") as caught:
        if conn_id.startswith("zendesk"):
            connections.zendesk(Instance("global", conn_id, write=True), CALLS)
        else:
            connections.salesforce(conn_id, CALLS)
    assert "hush" not in str(caught.value)
    return [mistake.key for mistake in caught.value.mistakes]


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
    assert zendesk(extra, **parts).count() == 100


def test_a_token_that_a_client_asks_for_has_the_scope_of_the_connection(sandbox, zendesk):
    client = {"client_id": "partner_sync", "client_secret": "sandbox-client-secret"}

    zendesk({**client, "scope": "organizations:read"}).count()
    zendesk(client).organization_fields()


def test_the_extra_may_be_a_text_of_json(sandbox, define):
    connection = sandbox.connections()["zendesk"]
    define("zendesk_default", {**connection, "extra": json.dumps(connection["extra"])})

    assert connections.zendesk(INSTANCE, CALLS).count() == 100


def test_a_connection_may_be_a_uri(sandbox, define):
    url = quote(sandbox.zendesk_url, safe="")
    login, token = quote("sync@acme.example", safe=""), "sandbox-api-token"
    define("zendesk_default", f"zendesk://{login}:{token}@acme.zendesk.com/?use_token=true&endpoint_url={url}")

    assert connections.zendesk(INSTANCE, CALLS).count() == 100


def test_messages_name_the_instance_and_the_connection(zendesk):
    with pytest.raises(AuthenticationError, match=r"Zendesk global refused POST.*Connection 'zendesk_default'"):
        zendesk({"client_id": "partner_sync", "client_secret": "wrong-secret"}).count()


def test_a_client_is_opened_without_a_call(sandbox, zendesk):
    zendesk({"client_id": "partner_sync", "client_secret": "sandbox-client-secret"})

    assert sandbox.calls() == []


def test_zenpy_comes_through_the_same_hook_session_and_credential(sandbox, zendesk):
    zendesk({"client_id": "partner_sync", "client_secret": "sandbox-client-secret"})
    first = sandbox.organizations()[0]

    zenpy = connections.PartnerSyncZendeskHook("zendesk_default").get_conn()

    assert zenpy.organizations(id=first["id"]).name == first["name"]
    assert {call["system"] for call in sandbox.calls()} == {"zendesk"}


# -- Zendesk: mistakes


@pytest.mark.parametrize(
    ("connection", "keys"),
    [
        ({}, ["host", "client_id"]),
        ({"host": "acme.zendesk.com"}, ["client_id"]),
        ({"host": "https://acme.zendesk.com", "extra": {"oauth_token": "hush!"}}, ["host"]),
        ({"host": "localhost", "extra": {"oauth_token": "hush!"}}, ["host"]),
        ({"host": "acme.zendesk.com", "login": "me", "password": "hush!"}, ["client_id"]),
        ({"host": "acme.zendesk.com", "extra": {"client_id": "a"}}, ["client_secret"]),
        ({"host": "acme.zendesk.com", "extra": {"client_secret": "hush!"}}, ["client_id"]),
        ({"host": "acme.zendesk.com", "extra": {"client_id": 1, "client_secret": "hush!"}}, ["client_id"]),
        ({"host": "acme.zendesk.com", "extra": {"token": "hush!"}}, ["login"]),
        ({"host": "acme.zendesk.com", "extra": {"use_token": True}}, ["login", "password"]),
        ({"host": "acme.zendesk.com", "extra": {"use_token": "false"}, "login": "me"}, ["client_id"]),
        ({"host": "a", "extra": {"endpoint_url": "http://a.example"}}, ["host", "endpoint_url", "client_id"]),
    ],
)
def test_every_mistake_of_a_zendesk_connection_is_named_at_once(define, connection, keys):
    define("zendesk_broken", {"conn_type": "zendesk", **connection})

    assert mistakes("zendesk_broken") == keys


@pytest.mark.parametrize("system", ["zendesk", "salesforce"])
@pytest.mark.parametrize(
    ("text", "key"),
    [
        (None, "conn_id"),
        ("{", "conn_id"),
        ('{"conn_type": "http"}', "conn_type"),
        ('{"conn_type": "SYSTEM", "extra": "no json"}', "extra"),
        ('{"conn_type": "SYSTEM", "extra": "[1]"}', "extra"),
    ],
)
def test_a_connection_that_is_absent_or_malformed_is_named(define, system, text, key):
    if text is not None:
        define(f"{system}_odd", text.replace("SYSTEM", system))

    assert mistakes(f"{system}_odd") == [key]


# -- Salesforce: what opens a client


def read(client):
    snapshot = gather(client, SOQL, now=lambda: datetime(2027, 1, 1, tzinfo=timezone.utc), progress=lambda *_: None)
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


# -- Salesforce: mistakes


@pytest.mark.parametrize(
    ("connection", "keys"),
    [
        ({}, ["consumer_key", "consumer_secret", "domain"]),
        ({"extra": {"consumer_key": "hush!", "domain": "acme.my"}}, ["consumer_secret"]),
        ({"extra": {"consumer_key": "hush!", "consumer_secret": "hush!"}}, ["domain"]),
        ({"extra": {"consumer_key": "hush!", "consumer_secret": "hush!", "domain": "login"}}, ["domain"]),
        (
            {"extra": {"consumer_key": "hush!", "consumer_secret": "hush!", "domain": "acme.my.salesforce.com"}},
            ["domain"],
        ),
        ({"extra": {"consumer_key": "hush!", "consumer_secret": "hush!", "domain": "127.0.0.1:1/?d="}}, ["domain"]),
        ({"extra": {"consumer_key": 123456, "consumer_secret": "hush!", "domain": "acme.my"}}, ["consumer_key"]),
        ({"login": "me", "password": "hush!"}, ["login"]),
        ({"login": "me", "extra": {"consumer_key": "hush!", "private_key": "hush!"}}, ["extra"]),
        (
            {"login": "me", "extra": {"consumer_key": "hush!", "private_key_file_path": "/does/not/exist"}},
            ["private_key_file_path"],
        ),
        (
            {"extra": {"version": "v59", "proxies": {"https": "http://me:hush!@proxy"}, "endpoint_url": "ftp://a"}},
            ["endpoint_url", "consumer_key", "consumer_secret", "domain", "version", "proxies"],
        ),
    ],
)
def test_every_mistake_of_a_salesforce_connection_is_named_at_once(define, connection, keys):
    define("salesforce_broken", {"conn_type": "salesforce", **connection})

    assert mistakes("salesforce_broken") == keys


def test_a_private_key_is_used_to_ask_for_a_token(sandbox, salesforce):
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

    with pytest.raises(AuthenticationError) as caught:
        salesforce({"consumer_key": "sandbox-consumer-key", "private_key": pem, "domain": "acme.my"}, login="me")

    assert "unsupported_grant_type" in caught.value.words  # the sandbox has no JWT flow; that it was asked is the point


# -- hosts


def test_the_vendors_hosts_are_known_for_links(define):
    define(
        "salesforce_default",
        {"conn_type": "salesforce", "extra": {"domain": "acme.my", "endpoint_url": "https://a.example"}},
    )
    define("zendesk_default", {"conn_type": "zendesk", "host": "Acme.zendesk.com/", "extra": {}})
    accounts = AccountsConfig("salesforce_default", "Account", "Id", "Name", (), {})
    config = Config(accounts, (INSTANCE,), (), Partners("account_type", ()), "digest")

    assert connections.hosts(config) == {"salesforce": "acme.my.salesforce.com", "global": "acme.zendesk.com"}
    assert connections.host_of("zendesk_default") == "acme.zendesk.com"


def test_whoever_needs_zendesk_only_does_not_pay_for_the_client_of_salesforce():
    look = "import sys, partner_sync.connections; print('zenpy' in sys.modules, 'simple_salesforce' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)
    assert "True False" == done.stdout.splitlines()[-1]

"""Every error of a Connection, and of what it leads to, named before anything is sent: what, where, and what next."""

from __future__ import annotations

import pytest

from partner_sync.compare.organization_schema import ExpectedField
from partner_sync.config.settings import Calls, Instance
from partner_sync.errors import AuthenticationError, ConfigError, SchemaError
from partner_sync.gather import preflight
from partner_sync.orchestration import connections
from partner_sync.sandbox import Sandbox, default_world
from tests.naming import named

CALLS = Calls(attempts=1)
SECRET = "hush!"
OAUTH = {"oauth_token": SECRET}
CLIENT = {"client_id": "partner_sync", "client_secret": SECRET}
APP = {"consumer_key": SECRET, "consumer_secret": SECRET, "domain": "acme.my"}


def host(name, **extra):
    return {"host": name, "extra": {**OAUTH, **extra}}


def at_acme(extra, **parts):
    return {"host": "acme.zendesk.com", "extra": extra, **parts}


ABSENT = [
    (None, "conn_id"),
    ("", "conn_id"),
    ("{", "conn_id"),
    ("[]", "conn_type"),
    ('{"conn_type": "SYSTEM", "port": "many"}', "conn_id"),
    ('{"conn_type": "http"}', "conn_type"),
    ('{"conn_type": "SYSTEM", "extra": "no json"}', "extra"),
    ('{"conn_type": "SYSTEM", "extra": "[1]"}', "extra"),
]
ZENDESK = [
    ({}, ["host", "client_id"]),
    # the host
    ({"extra": OAUTH}, ["host"]),
    (host("https://acme.zendesk.com"), ["host"]),
    (host("acme.zendesk.com/api/v2"), ["host"]),
    (host("acme.zendesk.com:443"), ["host"]),
    (host("acme.zendesk.com?a=b"), ["host"]),
    (host("me:hush!@acme.zendesk.com"), ["host"]),
    (host("acme .zendesk.com"), ["host"]),
    (host("acme..com"), ["host"]),
    (host("ácme.zendesk.com"), ["host"]),
    (host("localhost"), ["host"]),
    # parts that nobody would look at
    (host("acme.zendesk.com") | {"port": 8080}, ["port"]),
    (host("acme.zendesk.com") | {"schema": "http"}, ["schema"]),
    # another server
    (host("acme.zendesk.com", endpoint_url="http://sandbox.example:8080"), ["endpoint_url"]),
    (host("acme.zendesk.com", endpoint_url="ftp://127.0.0.1"), ["endpoint_url"]),
    (host("acme.zendesk.com", endpoint_url="https://me:hush!@a.example"), ["endpoint_url"]),
    (host("acme.zendesk.com", endpoint_url="https://a.example:port"), ["endpoint_url"]),
    (host("acme.zendesk.com", endpoint_url=8080), ["endpoint_url"]),
    # credentials
    (at_acme({}), ["client_id"]),
    (at_acme({}, login="me", password=SECRET), ["client_id"]),
    (at_acme({"client_id": "a"}), ["client_secret"]),
    (at_acme({"client_secret": SECRET}), ["client_id"]),
    (at_acme({"client_id": 1, "client_secret": SECRET}), ["client_id"]),
    (at_acme({"client_id": ["a"], "client_secret": {"b": "c"}}), ["client_id", "client_secret"]),
    (at_acme({**CLIENT, "scope": ["read"]}), ["scope"]),
    (at_acme({"token": SECRET}), ["login"]),
    (at_acme({"token": True}, login="me"), ["token"]),
    (at_acme({"use_token": True}), ["login", "password"]),
    (at_acme({"use_token": "false"}, login="me"), ["client_id"]),
    # copied with something around it: the header would be refused, or tell what is in it
    (at_acme({"oauth_token": f"{SECRET}\n"}), ["oauth_token"]),
    (at_acme({"oauth_token": f"{SECRET}\u200b"}), ["oauth_token"]),
    (at_acme({"client_id": " partner_sync", "client_secret": f"{SECRET} "}), ["client_id", "client_secret"]),
    (at_acme({"token": f"\t{SECRET}"}, login="me"), ["token"]),
    (at_acme({"use_token": True}, login="me", password=f"{SECRET}\r\n"), ["password"]),
    # several at once
    ({"host": "a", "extra": {"endpoint_url": "http://a.example"}}, ["host", "endpoint_url", "client_id"]),
]
SALESFORCE = [
    ({}, ["consumer_key", "consumer_secret", "domain"]),
    ({"extra": {"consumer_key": SECRET, "domain": "acme.my"}}, ["consumer_secret"]),
    ({"extra": {"consumer_secret": SECRET, "domain": "acme.my"}}, ["consumer_key"]),
    ({"extra": {"consumer_key": SECRET, "consumer_secret": SECRET}}, ["domain"]),
    ({"extra": {**APP, "domain": "login"}}, ["domain"]),
    ({"extra": {**APP, "domain": "test"}}, ["domain"]),
    ({"extra": {**APP, "domain": "acme.my.salesforce.com"}}, ["domain"]),
    ({"extra": {**APP, "domain": "https://acme.my"}}, ["domain"]),
    ({"extra": {**APP, "domain": "acme.my.salesforce.example"}}, ["domain"]),
    ({"extra": {**APP, "domain": "127.0.0.1:1/?d="}}, ["domain"]),
    ({"extra": {**APP, "domain": True}}, ["domain"]),
    ({"extra": {**APP, "consumer_key": 123456}}, ["consumer_key"]),
    (
        {"extra": {**APP, "consumer_key": f"{SECRET} ", "consumer_secret": f"\n{SECRET}"}},
        ["consumer_key", "consumer_secret"],
    ),
    ({"extra": {**APP, "version": 59.0}}, ["version"]),
    ({"extra": {**APP, "version": "v59"}}, ["version"]),
    ({"extra": {**APP, "endpoint_url": "http://10.1.2.3"}}, ["endpoint_url"]),
    ({"extra": APP, "port": 8080, "schema": "http"}, ["schema", "port"]),
    ({"login": "me", "password": SECRET}, ["login"]),
    ({"login": "me", "password": SECRET, "extra": {"security_token": f"{SECRET}\n"}}, ["security_token"]),
    ({"login": "me", "extra": {"consumer_key": SECRET, "private_key": SECRET}}, ["extra"]),
    (
        {"login": "me", "extra": {"consumer_key": SECRET, "private_key_file_path": "/does/not/exist"}},
        ["private_key_file_path"],
    ),
    (
        {"extra": {"version": "v59", "proxies": {"https": "http://me:hush!@proxy"}, "endpoint_url": "ftp://a"}},
        ["endpoint_url", "consumer_key", "consumer_secret", "domain", "version", "proxies"],
    ),
]


def opened(conn_id):
    """Opens a Connection as what its name says."""
    if conn_id.startswith("zendesk"):
        return connections.zendesk(Instance("global", conn_id, write=True), CALLS)
    return connections.salesforce(conn_id, CALLS)


def findings(conn_id):
    """The keys that are wrong with a Connection; no value of it shows."""
    with pytest.raises(ConfigError, match=f"Connection '{conn_id}'") as caught:
        opened(conn_id)
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(caught.value.__cause__ or caught.value.__context__)
    return list(named(caught.value))


@pytest.mark.parametrize("system", ["zendesk", "salesforce"])
@pytest.mark.parametrize(("text", "key"), ABSENT)
def test_a_connection_that_is_absent_or_malformed_is_named(define, system, text, key):
    if text is not None:
        define(f"{system}_odd", text.replace("SYSTEM", system))

    assert findings(f"{system}_odd") == [key]


@pytest.mark.parametrize(("connection", "keys"), ZENDESK)
def test_every_error_of_a_zendesk_connection_is_named_at_once(define, connection, keys):
    define("zendesk_broken", {"conn_type": "zendesk", **connection})

    assert findings("zendesk_broken") == keys


@pytest.mark.parametrize(("connection", "keys"), SALESFORCE)
def test_every_error_of_a_salesforce_connection_is_named_at_once(define, connection, keys):
    define("salesforce_broken", {"conn_type": "salesforce", **connection})

    assert findings("salesforce_broken") == keys


def test_a_host_that_no_name_can_be_is_an_error_and_not_tried_again(define):
    define("zendesk_long", at_acme(OAUTH) | {"conn_type": "zendesk", "host": f"{'a' * 64}.zendesk.com"})

    with pytest.raises(ConfigError, match="Connection 'zendesk_long'") as caught:
        opened("zendesk_long").count()

    assert list(named(caught.value)) == ["host"]


def test_a_login_may_have_letters_of_any_language(define):
    with Sandbox(default_world(organizations=100)) as sandbox:
        extra = {"token": "sandbox-api-token", "endpoint_url": sandbox.zendesk_url}
        define("zendesk_default", at_acme(extra, login="jörg€@acme.example") | {"conn_type": "zendesk"})
        with pytest.raises(AuthenticationError, match="Check login and token"):
            opened("zendesk_default").count()


def test_every_error_of_zendesks_fields_is_named_at_once():
    fields = [
        {"key": "typed", "type": "date", "active": True},
        {"key": "inactive", "type": "text", "active": False},
        {"key": "short", "type": "dropdown", "active": True, "custom_field_options": [{"value": "a"}]},
    ]
    expected = [ExpectedField(key, ("text",)) for key in ("absent", "typed", "inactive")]
    with pytest.raises(SchemaError) as caught:
        preflight.check_fields(fields, [*expected, ExpectedField("short", ("dropdown",), ("a", "b"))], "global")

    assert {"absent", "typed", "inactive", "short"} == set(named(caught.value))

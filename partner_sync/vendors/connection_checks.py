"""Checks the Connections: reports every error of a Connection at once, and never a value.

`extra` is a Connection's extra as an object. Its keys are those of the providers' forms, plus ours: `client_id`,
`client_secret` and `scope` for Zendesk, and `endpoint_url` for both systems.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from partner_sync.errors import Finding
from partner_sync.vendors.endpoint import endpoint_finding

Extra = Mapping[str, Any]
DOMAIN = "salesforce.com"
RESERVED = ".example"
"""The end of names that no host can have (RFC 2606): what answers in their place is at `endpoint_url`."""

SALESFORCE_WAYS = (
    ("login", "password", "security_token"),
    ("login", "password", "organization_id"),
    ("login", "password", "consumer_key", "consumer_secret"),
    ("login", "consumer_key", "private_key"),
    ("login", "consumer_key", "private_key_file_path"),
    ("consumer_key", "consumer_secret", "domain"),
)
"""The credentials that simple-salesforce accepts, in its order. We recommend the last: client credentials."""


class Connection(Protocol):
    """The attributes of Airflow's Connection that are checked, besides its extra."""

    host: str | None
    login: str | None
    password: str | None
    schema: str | None
    port: int | None


def given(settings: Extra, *keys: str) -> bool:
    """Whether all of the keys have a value."""
    return all(settings.get(key) for key in keys)


def _no_texts(settings: Extra, keys: tuple[str, ...]) -> list[Finding]:
    return [
        Finding(key, "is not text", "Write its value in quotes.")
        for key in keys
        if settings.get(key) is not None and not isinstance(settings[key], str)
    ]


def _unclean(settings: Extra, keys: Iterable[str]) -> list[Finding]:
    """Values copied with extra characters, which no system accepts and which are invisible in a message."""
    advice = "Copy its value again, without whitespace or line breaks."
    return [
        Finding(key, "contains whitespace or a character that no credential has", advice)
        for key in keys
        if isinstance(value := settings.get(key), str) and not re.fullmatch(r"[!-~]*", value)
    ]


def unused(connection: Connection) -> list[Finding]:
    """Parts of a Connection that would be ignored: both systems are reached by https at its default port."""
    advice = "Leave it empty; to use another server than the vendor's, set endpoint_url in the extra."
    wrong = {"schema": connection.schema not in (None, "", "https"), "port": connection.port not in (None, 443)}
    return [Finding(key, "cannot be used here", advice) for key, given in wrong.items() if given]


def _endpoint(settings: Extra) -> list[Finding]:
    url = settings.get("endpoint_url")
    finding = endpoint_finding(url) if isinstance(url, str) and url else None
    return [finding] if finding else []


# -- Salesforce ---------------------------------------------------------------------------------------------


SALESFORCE_TEXTS = (
    "security_token",
    "organization_id",
    "consumer_key",
    "consumer_secret",
    "private_key",
    "private_key_file_path",
    "domain",
    "version",
    "endpoint_url",
)
SALESFORCE_COPIED = ("security_token", "organization_id", "consumer_key", "consumer_secret")


def salesforce_settings(connection: Connection, extra: Extra) -> dict[str, Any]:
    """The settings that the provider's hook reads, by its names. Old connection forms stored them with a prefix."""
    found = {key: extra.get(key) or extra.get(f"extra__salesforce__{key}") or None for key in SALESFORCE_TEXTS}
    return {
        **found,
        "login": connection.login or None,
        "password": connection.password or None,
        "proxies": extra.get("proxies") or extra.get("extra__salesforce__proxies"),
    }


def salesforce_host(settings: Extra) -> str:
    """The vendor's host, for example "acme.my.salesforce.com"; without a domain, the host of the common login.

    A domain with a reserved name is itself the host, which a server at `endpoint_url` may name as its own.
    """
    domain = str(settings["domain"] or "login")
    return domain if domain.endswith(RESERVED) else f"{domain}.{DOMAIN}"


def salesforce_findings(settings: Extra) -> list[Finding]:
    """Every error in the `salesforce_settings` of a Connection."""
    if findings := _no_texts(settings, SALESFORCE_TEXTS):
        return findings
    findings = _unclean(settings, SALESFORCE_COPIED) + _endpoint(settings) + _salesforce_credential_findings(settings)
    domain, version, key_file = settings["domain"], settings["version"], settings["private_key_file_path"]
    if domain and (not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", domain) or domain.endswith(DOMAIN)):
        findings.append(Finding("domain", f"is not the part before .{DOMAIN}", "Write for example 'acme.my'."))
    if domain and domain.endswith(RESERVED) and not settings["endpoint_url"]:
        findings.append(Finding("domain", "is a name that no host has", "Write your My Domain, for example 'acme.my'."))
    if version and not re.fullmatch(r"\d+\.\d", version):
        findings.append(Finding("version", "is not an API version", "Write for example '59.0'."))
    if settings["proxies"]:
        advice = (
            "Remove it, and set HTTPS_PROXY in the environment: the client would log the proxies with their passwords."
        )
        findings.append(Finding("proxies", "cannot be used here", advice))
    if key_file and not Path(key_file).is_file():
        findings.append(
            Finding(
                "private_key_file_path", "names a file that does not exist here", "Name a file that workers can read."
            )
        )
    return findings


def _salesforce_credential_findings(settings: Extra) -> list[Finding]:
    ways = [way for way in SALESFORCE_WAYS if given(settings, *way)]
    clients = SALESFORCE_WAYS[-1]
    advice = "Set consumer_key, consumer_secret and domain of an External Client App with the client credentials flow."
    if ways == [clients] and settings["domain"] in ("login", "test"):
        return [
            Finding(
                "domain",
                "is a host where client credentials do not work",
                "Write your My Domain, for example 'acme.my'.",
            )
        ]
    if ways:
        return []
    if given(settings, "login") and not given(settings, "consumer_key"):
        return [Finding("login", "and password alone are not enough", advice)]
    return [Finding(key, "is missing", advice) for key in clients if not settings[key]]


# -- Zendesk ------------------------------------------------------------------------------------------------


ZENDESK_COPIED = ("client_id", "client_secret", "token", "oauth_token", "password")
ZENDESK_TEXTS = ("client_id", "client_secret", "scope", "token", "oauth_token", "endpoint_url")
USE_CLIENT = "Set client_id and client_secret of a confidential OAuth client."


def zendesk_host(connection: Connection) -> str:
    """The instance's host, for example "acme.zendesk.com"."""
    return (connection.host or "").strip("/").rstrip(".").lower()


def uses_password_as_token(extra: Extra) -> bool:
    """Whether the password is an API token: a checkbox in the form, or the text "true" in a Connection URI."""
    return str(extra.get("use_token") or "").lower() in ("true", "1", "yes", "on")


def zendesk_findings(connection: Connection, extra: Extra) -> list[Finding]:
    """Every error in the Connection of an instance."""
    by_password = {"password": connection.password} if uses_password_as_token(extra) else {}
    findings = _no_texts(extra, ZENDESK_TEXTS) + _unclean({**extra, **by_password}, ZENDESK_COPIED)
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", zendesk_host(connection)):
        wrong = "is not a host name" if connection.host else "is missing"
        findings.append(Finding("host", wrong, "Write for example 'acme.zendesk.com', without https://."))
    return findings + _endpoint(extra) + _zendesk_credential_findings(connection, extra)


def _zendesk_credential_findings(connection: Connection, extra: Extra) -> list[Finding]:
    if given(extra, "client_id") or given(extra, "client_secret"):
        missing = [key for key in ("client_id", "client_secret") if not given(extra, key)]
        return [Finding(key, "is missing", USE_CLIENT) for key in missing]
    by_password = uses_password_as_token(extra)
    if not by_password and not given(extra, "token"):
        if given(extra, "oauth_token"):
            return []
        wrong = "is missing; Zendesk no longer accepts passwords" if connection.password else "is missing"
        return [Finding("client_id", wrong, USE_CLIENT)]
    needed = {"login": connection.login, "password": connection.password if by_password else "not needed"}
    return [Finding(key, "is missing beside the API token", USE_CLIENT) for key, value in needed.items() if not value]

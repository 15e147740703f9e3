"""Credentials that the two systems know, and the tokens they have given out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from .storage import Storage
from .wire import SALESFORCE, ZENDESK

# Known to everybody who reads this: the sandbox listens on loopback only and guards nothing.
SALESFORCE_CONSUMER_KEY = "sandbox-consumer-key"
SALESFORCE_CONSUMER_SECRET = "sandbox-consumer-secret"  # noqa: S105
SALESFORCE_USERNAME = "integration@acme.example"
SALESFORCE_PASSWORD = "sandbox-password"  # noqa: S105
SALESFORCE_SECURITY_TOKEN = "sandboxSecurityToken"  # noqa: S105
ZENDESK_CLIENT_ID = "partner_sync"
ZENDESK_CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105
ZENDESK_EMAIL = "sync@acme.example"
ZENDESK_API_TOKEN = "sandbox-api-token"  # noqa: S105
ZENDESK_OAUTH_TOKEN = "sandbox-oauth-token"  # noqa: S105

# Names that are reserved for examples: no call can ever reach somebody's systems (RFC 2606).
SALESFORCE_HOST = "acme.my.salesforce.example"
ZENDESK_HOST = "acme.zendesk.example"


@dataclass
class Token:
    """A token in use: what it may do and until when (epoch seconds)."""

    value: str
    system: str
    expires_at: float
    scopes: list[str] = field(default_factory=list)


class Tokens:
    """The tokens of both systems; they outlive a restart, as the vendors' do."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._tokens: dict[str, Token] = {}
        self.load()

    def load(self) -> None:
        """Take over what the storage holds."""
        self._tokens = {key: Token(**row) for key, row in self._storage.load("token")}

    def mint(self, system: str, now: float, seconds: float, scopes: list[str] | None = None) -> Token:
        """A new token that lives for *seconds*."""
        prefix = "00D4M0000008abc!" if system == SALESFORCE else ""
        token = Token(prefix + secrets.token_hex(32), system, now + seconds, scopes or [])
        self._tokens[token.value] = token
        self._storage.put("token", token.value, token.__dict__)
        return token

    def find(self, system: str, value: str, now: float) -> Token | None:
        """The token, unless it is unknown, of the other system, or expired."""
        if system == ZENDESK and value == ZENDESK_OAUTH_TOKEN:
            return Token(value, ZENDESK, float("inf"), ["read", "write"])
        token = self._tokens.get(value)
        if token is None or token.system != system or token.expires_at <= now:
            return None
        return token

    def expire(self, system: str | None) -> int:
        """End the minted tokens of one system, or of both, now; answers how many there were."""
        gone = [key for key, token in self._tokens.items() if system in (None, token.system)]
        for key in gone:
            del self._tokens[key]
            self._storage.delete("token", key)
        return len(gone)

    def as_json(self) -> dict[str, Any]:
        """How many tokens each system has given out that were not ended by hand."""
        systems = [token.system for token in self._tokens.values()]
        return {system: systems.count(system) for system in (SALESFORCE, ZENDESK)}


def connections(salesforce_url: str, zendesk_url: str) -> dict[str, dict[str, Any]]:
    """The two systems as Airflow Connections in JSON form, by "salesforce" and "zendesk".

    ``endpoint_url`` is where a client sends what is meant for the vendor's host.
    """
    return {
        SALESFORCE: {
            "conn_type": "salesforce",
            "extra": {
                "consumer_key": SALESFORCE_CONSUMER_KEY,
                "consumer_secret": SALESFORCE_CONSUMER_SECRET,
                "domain": SALESFORCE_HOST,
                "endpoint_url": salesforce_url,
            },
        },
        ZENDESK: {
            "conn_type": "zendesk",
            "host": ZENDESK_HOST,
            "extra": {
                "client_id": ZENDESK_CLIENT_ID,
                "client_secret": ZENDESK_CLIENT_SECRET,
                "endpoint_url": zendesk_url,
            },
        },
    }

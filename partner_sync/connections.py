"""From an Airflow Connection to a session and a client: the one place where credentials are read.

The hooks are the providers', so connection types, forms and keys are too. What is ours: a session that is careful (see
`transport`), the extra `endpoint_url` for both systems, and for Zendesk `client_id`, `client_secret` (they come first)
and `scope`. A Connection is checked whole before anything is sent; a `ConfigError` names every mistake, and no value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.zendesk.hooks.zendesk import ZendeskHook
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from zenpy import Zenpy

from partner_sync.config import Config
from partner_sync.endpoint import endpoint_mistake
from partner_sync.errors import ConfigError, Mistake, UnavailableError
from partner_sync.settings import Calls, Instance
from partner_sync.transport import Session
from partner_sync.zendesk import Zendesk
from partner_sync.zendesk_auth import SCOPE, ApiToken, ClientCredentials, Credential, StaticToken

if TYPE_CHECKING:
    import simple_salesforce

Extra = Mapping[str, Any]

DOMAIN = "salesforce.com"

SALESFORCE_WAYS = (
    ("login", "password", "security_token"),
    ("login", "password", "organization_id"),
    ("login", "password", "consumer_key", "consumer_secret"),
    ("login", "consumer_key", "private_key"),
    ("login", "consumer_key", "private_key_file_path"),
    ("consumer_key", "consumer_secret", "domain"),
)
"""What simple-salesforce can log in with, in its order. The last one is client credentials, which we recommend."""


def salesforce(conn_id: str, calls: Calls) -> simple_salesforce.Salesforce:
    """A logged-in client over our session; it asks for another token by itself when Salesforce ends the one in use."""
    # Here, since every visit of `sync` is a process of its own that has no use for what takes longest to import.
    import jwt
    from airflow.providers.salesforce.hooks.salesforce import SalesforceHook

    from partner_sync.salesforce import told

    connection, extra = _read(conn_id, "salesforce")
    settings = _salesforce_settings(connection, extra)
    _raise_if(conn_id, _unused(connection) + _salesforce_mistakes(settings))
    session = Session(
        "Salesforce",
        _salesforce_host(settings),
        calls,
        where=_where(conn_id),
        domain=DOMAIN,
        endpoint_url=settings["endpoint_url"],
    )
    hook = SalesforceHook(conn_id, session=session)
    try:
        return told(session, hook.get_conn)
    except (UnavailableError, jwt.PyJWTError) as error:
        if session.token_calls:
            raise
        wrong = f"simple-salesforce cannot use its values to log in ({type(error).__name__})"
    raise ConfigError(_where(conn_id), [Mistake("extra", wrong, "Look at the private key first.")])


def zendesk(instance: Instance, calls: Calls) -> Zendesk:
    """A client for one instance; nothing is sent until it is used."""
    return PartnerSyncZendeskHook(instance.connection, instance=instance.name, calls=calls).client()


def host_of(conn_id: str) -> str:
    """The vendor's host that a Connection means, for links: acme.zendesk.com, acme.my.salesforce.com."""
    connection, extra = _read(conn_id, None)
    if connection.conn_type == "salesforce":
        return _salesforce_host(_salesforce_settings(connection, extra))
    return _zendesk_host(connection)


def hosts(config: Config) -> dict[str, str]:
    """The vendor's host of "salesforce" and of every instance, by its name."""
    return {
        "salesforce": host_of(config.accounts.connection),
        **{instance.name: host_of(instance.connection) for instance in config.instances},
    }


class PartnerSyncZendeskHook(ZendeskHook):  # type: ignore[misc]  # the providers ship no types
    """The provider's hook with OAuth client credentials, `endpoint_url` and our session, for zenpy's client as well."""

    def __init__(
        self,
        zendesk_conn_id: str = ZendeskHook.default_conn_name,
        *,
        instance: str = "",
        calls: Calls | None = None,
    ) -> None:
        super().__init__(zendesk_conn_id)
        self._instance, self._calls = instance or zendesk_conn_id, calls or Calls()

    def client(self) -> Zendesk:
        """Our own client, which can clear fields and submit bulk jobs."""
        session, base_url, credential = self._opened()
        return Zendesk(session, base_url, self._instance, credential)

    def _init_conn(self) -> tuple[Zenpy, str]:
        session, base_url, credential = self._opened()
        session.auth = credential
        subdomain, _, domain = base_url.removeprefix("https://").partition(".")
        return Zenpy(domain=domain, subdomain=subdomain, session=session, anonymous=True), base_url

    def _opened(self) -> tuple[Session, str, Credential]:
        conn_id = self.zendesk_conn_id
        connection, extra = _read(conn_id, self.conn_type)
        _raise_if(conn_id, _unused(connection) + _zendesk_mistakes(connection, extra))
        host, system = _zendesk_host(connection), f"Zendesk {self._instance}"
        endpoint_url = extra.get("endpoint_url") or None
        session = Session(system, host, self._calls, where=_where(conn_id), endpoint_url=endpoint_url)
        base_url = f"https://{host}"
        return session, base_url, _credential(connection, extra, session, base_url)


# -- reading a Connection -----------------------------------------------------------------------------------


def _where(conn_id: str) -> str:
    return f"Connection '{conn_id}'"


def _raise_if(conn_id: str, mistakes: list[Mistake]) -> None:
    if mistakes:
        raise ConfigError(_where(conn_id), mistakes)


def _read(conn_id: str, conn_type: str | None) -> tuple[Connection, Extra]:
    """A Connection of the wanted type and its extra, an object."""
    try:
        connection = ZendeskHook.get_connection(conn_id)
    except AirflowNotFoundException:
        connection = None
    if connection is None:
        advice = f"Add it under Admin > Connections, or as AIRFLOW_CONN_{conn_id.upper()}; see the README for its keys."
        raise ConfigError(
            _where(conn_id), [Mistake("conn_id", "it is not defined, or its definition cannot be read", advice)]
        )
    if conn_type and connection.conn_type != conn_type:
        wrong = f"it is of type '{connection.conn_type}'"
        raise ConfigError(_where(conn_id), [Mistake("conn_type", wrong, f"Make it '{conn_type}'.")])
    if not _is_object(connection.extra):
        raise ConfigError(
            _where(conn_id), [Mistake("extra", "it is not a JSON object", 'Write {"key": "value", ...}.')]
        )
    return connection, connection.extra_dejson


def _is_object(extra: str | None) -> bool:
    try:
        return isinstance(json.loads(extra or "{}"), dict)
    except ValueError:
        return False


def _given(settings: Extra, *keys: str) -> bool:
    return all(settings.get(key) for key in keys)


def _no_texts(settings: Extra, keys: tuple[str, ...]) -> list[Mistake]:
    return [
        Mistake(key, "it is not a text", "Write its value in quotes.")
        for key in keys
        if settings.get(key) is not None and not isinstance(settings[key], str)
    ]


def _unclean(settings: Extra, keys: Iterable[str]) -> list[Mistake]:
    """Values that were copied with something around them, which no system takes and no message would show."""
    advice = "Copy its value again, without blanks and line ends around it or in it."
    return [
        Mistake(key, "it has a blank or a character in it that none of its kind has", advice)
        for key in keys
        if isinstance(value := settings.get(key), str) and not re.fullmatch(r"[!-~]*", value)
    ]


def _unused(connection: Connection) -> list[Mistake]:
    """Parts of a Connection that would be left aside in silence: both systems are asked by https, at its own port."""
    advice = "Leave it empty; where it is about another server than the vendor's, write the extra endpoint_url."
    wrong = {"schema": connection.schema not in (None, "", "https"), "port": connection.port not in (None, 443)}
    return [Mistake(key, "it cannot be used here", advice) for key, given in wrong.items() if given]


def _endpoint(settings: Extra) -> list[Mistake]:
    url = settings.get("endpoint_url")
    mistake = endpoint_mistake(url) if isinstance(url, str) and url else None
    return [mistake] if mistake else []


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


def _salesforce_settings(connection: Connection, extra: Extra) -> dict[str, Any]:
    """What the provider's hook will find, under its own names; the prefix is that of old connection forms."""
    found = {key: extra.get(key) or extra.get(f"extra__salesforce__{key}") or None for key in SALESFORCE_TEXTS}
    return {
        **found,
        "login": connection.login or None,
        "password": connection.password or None,
        "proxies": extra.get("proxies") or extra.get("extra__salesforce__proxies"),
    }


def _salesforce_host(settings: Extra) -> str:
    return f"{settings['domain'] or 'login'}.{DOMAIN}"


def _salesforce_mistakes(settings: Extra) -> list[Mistake]:
    if mistakes := _no_texts(settings, SALESFORCE_TEXTS):
        return mistakes
    mistakes = _unclean(settings, SALESFORCE_COPIED) + _endpoint(settings) + _salesforce_credential_mistakes(settings)
    domain, version, key_file = settings["domain"], settings["version"], settings["private_key_file_path"]
    if domain and (not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", domain) or domain.endswith(DOMAIN)):
        mistakes.append(Mistake("domain", f"it is not the part before .{DOMAIN}", "Write for example 'acme.my'."))
    if version and not re.fullmatch(r"\d+\.\d", version):
        mistakes.append(Mistake("version", "it is not an API version", "Write for example '59.0'."))
    if settings["proxies"]:
        advice = (
            "Remove it, and set HTTPS_PROXY in the environment: the client would log the proxies with their passwords."
        )
        mistakes.append(Mistake("proxies", "it cannot be used here", advice))
    if key_file and not Path(key_file).is_file():
        mistakes.append(
            Mistake("private_key_file_path", "there is no such file here", "Name a file that workers can read.")
        )
    return mistakes


def _salesforce_credential_mistakes(settings: Extra) -> list[Mistake]:
    ways = [way for way in SALESFORCE_WAYS if _given(settings, *way)]
    clients = SALESFORCE_WAYS[-1]
    advice = "Set consumer_key, consumer_secret and domain, of an External Client App with the client credentials flow."
    if ways == [clients] and settings["domain"] in ("login", "test"):
        return [
            Mistake("domain", "client credentials do not work there", "Write your My Domain, for example 'acme.my'.")
        ]
    if ways:
        return []
    if _given(settings, "login") and not _given(settings, "consumer_key"):
        return [Mistake("login", "a user and a password alone are not enough", advice)]
    return [Mistake(key, "it is missing", advice) for key in clients if not settings[key]]


# -- Zendesk ------------------------------------------------------------------------------------------------


ZENDESK_COPIED = ("client_id", "client_secret", "token", "oauth_token", "password")
ZENDESK_TEXTS = ("client_id", "client_secret", "scope", "token", "oauth_token", "endpoint_url")
USE_CLIENT = "Set client_id and client_secret of a confidential OAuth client."


def _zendesk_host(connection: Connection) -> str:
    return (connection.host or "").strip("/").rstrip(".").lower()


def _uses_password_as_token(extra: Extra) -> bool:
    """A box in the form, or the text "true" where the Connection came as a URI."""
    return str(extra.get("use_token") or "").lower() in ("true", "1", "yes", "on")


def _zendesk_mistakes(connection: Connection, extra: Extra) -> list[Mistake]:
    by_password = {"password": connection.password} if _uses_password_as_token(extra) else {}
    mistakes = _no_texts(extra, ZENDESK_TEXTS) + _unclean({**extra, **by_password}, ZENDESK_COPIED)
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", _zendesk_host(connection)):
        wrong = "it is not a host name" if connection.host else "it is missing"
        mistakes.append(Mistake("host", wrong, "Write for example 'acme.zendesk.com', without https://."))
    return mistakes + _endpoint(extra) + _zendesk_credential_mistakes(connection, extra)


def _zendesk_credential_mistakes(connection: Connection, extra: Extra) -> list[Mistake]:
    if _given(extra, "client_id") or _given(extra, "client_secret"):
        missing = [key for key in ("client_id", "client_secret") if not _given(extra, key)]
        return [Mistake(key, "it is missing", USE_CLIENT) for key in missing]
    by_password = _uses_password_as_token(extra)
    if not by_password and not _given(extra, "token"):
        if _given(extra, "oauth_token"):
            return []
        wrong = "Zendesk no longer takes passwords" if connection.password else "there is no credential"
        return [Mistake("client_id", wrong, USE_CLIENT)]
    needed = {"login": connection.login, "password": connection.password if by_password else "not needed"}
    return [Mistake(key, "it is missing beside an API token", USE_CLIENT) for key, value in needed.items() if not value]


def _credential(connection: Connection, extra: Extra, session: Session, base_url: str) -> Credential:
    """The provider's order, with client credentials before all."""
    if _given(extra, "client_id"):
        client = partial(ClientCredentials, session, base_url, extra["client_id"], extra["client_secret"])
        return client(scope=extra.get("scope") or SCOPE)
    if _uses_password_as_token(extra):
        return ApiToken(str(connection.login), str(connection.password), session.where)
    if _given(extra, "token"):
        return ApiToken(str(connection.login), extra["token"], session.where)
    return StaticToken(extra["oauth_token"], session.where)

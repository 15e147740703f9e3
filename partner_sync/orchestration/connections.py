"""From an Airflow Connection to a session and a client: the one place where credentials are read.

Connection types, forms and keys are the providers'. What is ours: a session that is careful (see
`transport`), the extra `endpoint_url` for both systems, and for Zendesk `client_id`, `client_secret` (they come first)
and `scope`. A Connection is checked whole before anything is sent; a `ConfigError` names every error, and no value.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from partner_sync.config.load import Config
from partner_sync.config.settings import Calls, Instance
from partner_sync.errors import ConfigError, Finding, UnavailableError
from partner_sync.vendors.connection_checks import (
    DOMAIN,
    Extra,
    given,
    salesforce_findings,
    salesforce_host,
    salesforce_settings,
    unused,
    uses_password_as_token,
    zendesk_findings,
    zendesk_host,
)
from partner_sync.vendors.endpoint import is_loopback
from partner_sync.vendors.transport import Session
from partner_sync.vendors.zendesk_auth import SCOPE, ApiToken, ClientCredentials, Credential, StaticToken
from partner_sync.vendors.zendesk_client import Zendesk

if TYPE_CHECKING:
    import simple_salesforce

PORTS = {"https": 443, "http": 80}


def salesforce(conn_id: str, calls: Calls) -> simple_salesforce.Salesforce:
    """A logged-in client over our session; it asks for another token by itself when Salesforce ends the one in use."""
    # Here, since every visit of `sync` is a process of its own that has no use for what takes longest to import.
    import jwt
    from airflow.providers.salesforce.hooks.salesforce import SalesforceHook

    from partner_sync.vendors.salesforce_errors import call_salesforce

    connection, extra = _read(conn_id, "salesforce")
    settings = salesforce_settings(connection, extra)
    _raise_if(conn_id, unused(connection) + salesforce_findings(settings))
    session = Session(
        "Salesforce",
        salesforce_host(settings),
        calls,
        where=_where(conn_id),
        domain=DOMAIN,
        endpoint_url=settings["endpoint_url"],
    )
    hook = SalesforceHook(conn_id, session=session)
    try:
        return call_salesforce(session, hook.get_conn)
    except (UnavailableError, jwt.PyJWTError) as error:
        if session.token_calls:
            raise
        wrong = f"has values with which simple-salesforce cannot log in ({type(error).__name__})"
    raise ConfigError(_where(conn_id), [Finding("extra", wrong, "Check the private key first.")])


def zendesk(instance: Instance, calls: Calls) -> Zendesk:
    """A client for one instance; it sends nothing until it is used."""
    conn_id = instance.connection
    connection, extra = _read(conn_id, "zendesk")
    _raise_if(conn_id, unused(connection) + zendesk_findings(connection, extra))
    host = zendesk_host(connection)
    endpoint_url = extra.get("endpoint_url") or None
    session = Session(f"Zendesk {instance.name}", host, calls, where=_where(conn_id), endpoint_url=endpoint_url)
    base_url = f"https://{host}"
    return Zendesk(session, base_url, instance.name, _credential(connection, extra, session, base_url))


def zendesk_clients(config: Config) -> dict[str, Zendesk]:
    """A client for every instance, by its name. Nothing is sent.

    :raises ConfigError: if two instances lead to one host: its accounts would be created twice, its limits doubled.
    """
    clients = {instance.name: zendesk(instance, config.calls) for instance in config.instances}
    first: dict[tuple[str, int | None, str], Instance] = {}
    for at, instance in enumerate(config.instances):
        other = first.setdefault(_server(instance.connection), instance)
        if other is not instance:
            wrong = f"leads to the same Zendesk host as '{other.connection}' of {other.name}"
            advice = "Give each instance a Zendesk account of its own, or remove one of the two."
            raise ConfigError("The config", [Finding(f"instances[{at}].connection", wrong, advice)])
    return clients


def _server(conn_id: str) -> tuple[str, int | None, str]:
    """Where the requests of a Zendesk Connection go: host, port and the path below which the API is."""
    connection, extra = _read(conn_id, "zendesk")
    url = urlsplit(extra.get("endpoint_url") or f"https://{zendesk_host(connection)}")
    return url.hostname or "", url.port or PORTS.get(url.scheme), url.path.rstrip("/")


def hosts(config: Config) -> dict[str, str]:
    """Where a person finds the records of "salesforce" and of every instance, by its name; see `RunRecord.hosts`."""
    return {
        "salesforce": _host(config.accounts.connection),
        **{instance.name: _host(instance.connection) for instance in config.instances},
    }


def _host(conn_id: str) -> str:
    """The vendor's host, or the base URL of the server on this machine that the requests go to instead."""
    connection, extra = _read(conn_id, None)
    if connection.conn_type == "salesforce":
        settings = salesforce_settings(connection, extra)
        host, endpoint_url = salesforce_host(settings), settings["endpoint_url"] or ""
    else:
        host, endpoint_url = zendesk_host(connection), extra.get("endpoint_url") or ""
    return endpoint_url.rstrip("/") if is_loopback(urlsplit(endpoint_url).hostname or "") else host


# -- reading a Connection -----------------------------------------------------------------------------------


def _where(conn_id: str) -> str:
    return f"Connection '{conn_id}'"


def _raise_if(conn_id: str, findings: list[Finding]) -> None:
    if findings:
        raise ConfigError(_where(conn_id), findings)


def _read(conn_id: str, conn_type: str | None) -> tuple[Connection, Extra]:
    """A Connection of the wanted type and its extra, an object."""
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        connection = None
    if connection is None:
        advice = (
            f"Add it under Admin > Connections, or as AIRFLOW_CONN_{conn_id.upper()}; see docs/connect.md for its keys."
        )
        raise ConfigError(
            _where(conn_id), [Finding("conn_id", "is not defined, or its definition cannot be read", advice)]
        )
    if conn_type and connection.conn_type != conn_type:
        wrong = f"is '{connection.conn_type}'"
        raise ConfigError(_where(conn_id), [Finding("conn_type", wrong, f"Make it '{conn_type}'.")])
    if not _is_object(connection.extra):
        raise ConfigError(_where(conn_id), [Finding("extra", "is not a JSON object", 'Write {"key": "value", ...}.')])
    return connection, connection.extra_dejson


def _is_object(extra: str | None) -> bool:
    try:
        return isinstance(json.loads(extra or "{}"), dict)
    except ValueError:
        return False


# -- Zendesk ------------------------------------------------------------------------------------------------


def _credential(connection: Connection, extra: Extra, session: Session, base_url: str) -> Credential:
    """The provider's order, with client credentials before all."""
    if given(extra, "client_id"):
        client = partial(ClientCredentials, session, base_url, extra["client_id"], extra["client_secret"])
        return client(scope=extra.get("scope") or SCOPE)
    if uses_password_as_token(extra):
        return ApiToken(str(connection.login), str(connection.password), session.where)
    if given(extra, "token"):
        return ApiToken(str(connection.login), extra["token"], session.where)
    return StaticToken(extra["oauth_token"], session.where)

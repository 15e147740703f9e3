"""Salesforce's logins: OAuth 2.0 client credentials and password, and SOAP ``login()``.

Sources: Salesforce Help, "OAuth 2.0 authorization flow errors", "Username-password flow is being deprecated" and the
retirement note of SOAP ``login()``; the shape of the token answer is the Connect REST quick start's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from html import unescape
from typing import Any

from .settings import Settings
from .tokens import (
    SALESFORCE_CONSUMER_KEY,
    SALESFORCE_CONSUMER_SECRET,
    SALESFORCE_PASSWORD,
    SALESFORCE_SECURITY_TOKEN,
    SALESFORCE_USERNAME,
    Token,
    Tokens,
)
from .wire import SALESFORCE, Answer, Call

ORGANIZATION_ID = "00D4M0000008abcUAA"
USER_ID = "0054M000004zyxwQAA"
# login() is gone in API version 65 and later.
LAST_SOAP_LOGIN_VERSION = 64
# The text for such a version is an assumption.
_SOAP_GONE = "SOAP login() is not available in this API version"


class SalesforceLogin:
    """Trades credentials for sessions."""

    def __init__(self, settings: Settings, tokens: Tokens) -> None:
        self._settings = settings
        self._tokens = tokens

    def token(self, call: Call) -> Answer:
        """``POST /services/oauth2/token``, form-encoded; the client may also come as Basic authorization.

        400 with ``{error, error_description}`` for everything that is wrong.
        """
        form = call.form()
        grant = form.get("grant_type", "")
        if grant not in ("client_credentials", "password"):
            return _oauth_error("unsupported_grant_type", "grant type not supported")
        if grant == "client_credentials" and _is_common_host(call):
            return _oauth_error("invalid_grant", "request not supported on this domain")
        key, secret = _client(call, form)
        if key != SALESFORCE_CONSUMER_KEY:
            return _oauth_error("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(secret.encode(), SALESFORCE_CONSUMER_SECRET.encode()):
            return _oauth_error("invalid_client", "invalid client credentials")
        if grant == "password" and not _knows_password(form.get("username", ""), form.get("password", "")):
            return _oauth_error("invalid_grant", "authentication failure")
        return Answer(200, self._granted(self._mint(call), call))

    def soap(self, call: Call, version: str) -> Answer:
        """``POST /services/Soap/u/NN.N``: user and password (followed by the security token), as XML."""
        if float(version) > LAST_SOAP_LOGIN_VERSION:
            return _soap_fault("UNSUPPORTED_API_VERSION", _SOAP_GONE)
        text = call.body.decode("utf-8", "replace")
        username, password = _element(text, "username"), _element(text, "password")
        if not _knows_password(username, password):
            reason = "Invalid username, password, security token; or user locked out."
            return _soap_fault("INVALID_LOGIN", reason)
        token = self._mint(call)
        instance = self._settings.salesforce_instance_url
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
            'xmlns="urn:partner.soap.sforce.com"><soapenv:Body><loginResponse><result>'
            f"<serverUrl>{instance}/services/Soap/u/{version}/{ORGANIZATION_ID}</serverUrl>"
            f"<sessionId>{token.value}</sessionId><userId>{USER_ID}</userId>{self._user_info()}"
            "</result></loginResponse></soapenv:Body></soapenv:Envelope>"
        )
        return Answer(200, body, content_type="text/xml; charset=utf-8")

    def _user_info(self) -> str:
        """Part of the documented ``GetUserInfoResult``, in its order."""
        values = {
            "organizationId": ORGANIZATION_ID,
            "organizationName": "Acme",
            "sessionSecondsValid": int(self._settings.salesforce_token_seconds),
            "userEmail": SALESFORCE_USERNAME,
            "userFullName": "Partner sync",
            "userId": USER_ID,
            "userName": SALESFORCE_USERNAME,
            "userType": "Standard",
        }
        return f"<userInfo>{''.join(f'<{name}>{value}</{name}>' for name, value in values.items())}</userInfo>"

    def _mint(self, call: Call) -> Token:
        return self._tokens.mint(SALESFORCE, call.at, self._settings.salesforce_token_seconds)

    def _granted(self, token: Token, call: Call) -> dict[str, Any]:
        """The token answer; there is no ``expires_in`` and no refresh token."""
        instance = self._settings.salesforce_instance_url
        identity = f"https://login.salesforce.com/id/{ORGANIZATION_ID}/{USER_ID}"
        issued_at = str(int(call.at * 1000))
        digest = hmac.digest(SALESFORCE_CONSUMER_SECRET.encode(), (identity + issued_at).encode(), hashlib.sha256)
        return {
            "access_token": token.value,
            "signature": base64.b64encode(digest).decode(),
            "token_format": "opaque",
            "scope": "api",
            "instance_url": instance,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
            "api_instance_url": "https://api.salesforce.com",
        }


def _oauth_error(error: str, description: str) -> Answer:
    return Answer(400, {"error": error, "error_description": description})


def _is_common_host(call: Call) -> bool:
    """Whether the call was meant for Salesforce's common login hosts instead of a company's own domain."""
    return call.headers.get("Host", "").split(":")[0] in ("login.salesforce.com", "test.salesforce.com")


def _client(call: Call, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, encoded = call.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return key, secret


def _knows_password(username: str, password: str) -> bool:
    """The security token may follow the password; it is needed outside of trusted networks only."""
    known = (SALESFORCE_PASSWORD, SALESFORCE_PASSWORD + SALESFORCE_SECURITY_TOKEN)
    return username == SALESFORCE_USERNAME and password in known


def _element(text: str, name: str) -> str:
    match = re.search(rf"<(?:\w+:)?{name}>(.*?)</(?:\w+:)?{name}>", text, re.DOTALL)
    return unescape(match.group(1)) if match else ""


def _soap_fault(code: str, message: str) -> Answer:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring>"
        f"<detail><sf:LoginFault><sf:exceptionCode>{code}</sf:exceptionCode>"
        f"<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail>"
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )
    return Answer(500, body, content_type="text/xml; charset=utf-8")

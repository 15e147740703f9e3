"""Authenticates requests to Zendesk. Credentials stay in memory, and never appear in a message or a repr."""

from __future__ import annotations

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from partner_sync.errors import AuthenticationError, RejectedError, UnavailableError
from partner_sync.vendors.transport import Session, as_it_is

SCOPE = "read organizations:write"
"""Assumption: Zendesk does not document which resource covers job_statuses and organization_fields, so the scope is to
read everything and to write organizations. A Connection can set another `scope`."""
TOKEN_SECONDS = 1800
TOKEN_PATH = "/oauth/tokens"  # noqa: S105


class Credential(AuthBase):
    """A way to authenticate; `advice` is the next step after a 401."""

    advice = ""

    def renew(self) -> bool:
        """Whether there is a new credential to retry with after a 401."""
        return False


class ClientCredentials(Credential):
    """The tokens of an OAuth client: requested when first needed, and again when Zendesk no longer accepts the last."""

    def __init__(
        self,
        session: Session,
        base_url: str,
        client_id: str,
        client_secret: str,
        *,
        scope: str = SCOPE,
        expires_in: int = TOKEN_SECONDS,
    ) -> None:
        self.advice = (
            f"Check client_id and client_secret of {session.where}; the client must be confidential, its user active."
        )
        self._session, self._url = session, base_url.rstrip("/") + TOKEN_PATH
        self._order = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scope": scope,
            "expires_in": expires_in,
        }
        self._token: str | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self._token = self._token or self._minted()
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def renew(self) -> bool:
        self._token = None
        return True

    def _minted(self) -> str:
        headers = {"Accept": "application/json"}
        response = self._session.post(self._url, json=self._order, headers=headers, auth=as_it_is)
        system, status = self._session.system, response.status_code
        if status in (400, 401, 403):
            raise AuthenticationError(system, "POST", TOKEN_PATH, status, response.text, self.advice)
        if status >= 400:
            step = f"Check that the host in {self._session.where} is a Zendesk account in use."
            raise RejectedError(system, "POST", TOKEN_PATH, status, response.text, step)
        try:
            body = response.json()
        except requests.JSONDecodeError:
            body = None
        token = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(token, str) or not token:
            raise UnavailableError(system, "POST", TOKEN_PATH, "answered without a token", effect="none")
        return token


class StaticToken(Credential):
    """An OAuth token that a person created, and must replace when it expires."""

    def __init__(self, token: str, where: str) -> None:
        self.advice = f"The oauth_token of {where} has expired or was revoked: use client_id and client_secret instead."
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class ApiToken(Credential):
    """An email and an API token; Zendesk ends API tokens on 30 April 2027."""

    def __init__(self, email: str, token: str, where: str) -> None:
        self.advice = (
            f"Check login and token of {where}; better, use client_id and client_secret: Zendesk ends API tokens on"
            " 30 April 2027."
        )
        self._basic = HTTPBasicAuth(f"{email}/token".encode(), token.encode())

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self._basic(request)
        return request

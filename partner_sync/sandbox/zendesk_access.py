"""Who may call Zendesk: OAuth client credentials, bearer tokens with scopes, and the legacy API token.

Sources: Zendesk's pages "Grant-type tokens" and "OAuth migration"; the bodies of 401 and of a missing scope
are the ones seen in public threads.
"""

from __future__ import annotations

import base64
import hmac

from .settings import Settings
from .tokens import ZENDESK_API_TOKEN, ZENDESK_CLIENT_ID, ZENDESK_CLIENT_SECRET, ZENDESK_EMAIL, Token, Tokens
from .wire import ZENDESK, Answer, Call

SHORTEST_LIFE = 300
LONGEST_LIFE = 172_800
# The scope of a token request that names none: assumption.
DEFAULT_SCOPE = "read write"
# "organizations:read" opens the organizations only: seen for tickets:read and /ticket_fields, here an assumption.
_SCOPED_PATH = "/api/v2/organizations"


class ZendeskAccess:
    """Trades client credentials for tokens, and checks what a call brings."""

    def __init__(self, settings: Settings, tokens: Tokens) -> None:
        self._settings = settings
        self._tokens = tokens

    def token(self, call: Call) -> Answer:
        """``POST /oauth/tokens``, JSON or form: 201 with a token, 400 or 401 otherwise; no refresh token."""
        is_json = "json" in call.headers.get("Content-Type", "")
        order = call.json() if is_json else dict(call.form())
        if order.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type", "The authorization grant type is not supported.")
        secret = str(order.get("client_secret", ""))
        right = hmac.compare_digest(secret.encode(), ZENDESK_CLIENT_SECRET.encode())
        if order.get("client_id") != ZENDESK_CLIENT_ID or not right:
            # The words are an assumption.
            return _oauth_error(401, "invalid_client", "Client authentication failed.")
        life = order.get("expires_in")
        if life is None:
            seconds = self._settings.zendesk_token_seconds
        elif str(life).isdigit() and SHORTEST_LIFE <= int(life) <= LONGEST_LIFE:
            seconds = float(life)
        else:
            reason = f"expires_in must be from {SHORTEST_LIFE} to {LONGEST_LIFE} seconds."
            return _oauth_error(400, "invalid_request", reason)
        scopes = str(order.get("scope") or DEFAULT_SCOPE).split()
        token = self._tokens.mint(ZENDESK, call.at, seconds, scopes)
        body = {
            "access_token": token.value,
            "token_type": "bearer",
            "scope": " ".join(scopes),
            "expires_in": int(seconds),
        }
        return Answer(201, body)

    def refusal(self, call: Call, path: str) -> Answer | None:
        """Why a call of *path* is not let in: 401 or 403; None when it is."""
        scheme, _, value = call.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            return None if _is_known_user(value) else _anonymous()
        if scheme.lower() != "bearer":
            return _anonymous()
        token = self._tokens.find(ZENDESK, value.strip(), call.at)
        return _invalid_token() if token is None else _missing_scope(token, call.method, path)


def _missing_scope(token: Token, method: str, path: str) -> Answer | None:
    needed = "read" if method in ("GET", "HEAD") else "write"
    enough = {needed}
    if path == _SCOPED_PATH or path.startswith(_SCOPED_PATH + "/"):
        enough |= {f"organizations:{needed}", "organizations"}
    if enough & set(token.scopes):
        return None
    description = f"You are missing the following required scopes: {needed}"
    return Answer(403, {"error": "Forbidden", "description": description})


def _is_known_user(encoded: str) -> bool:
    try:
        given = base64.b64decode(encoded, validate=True)
    except ValueError:
        return False
    return hmac.compare_digest(given, f"{ZENDESK_EMAIL}/token:{ZENDESK_API_TOKEN}".encode())


def _oauth_error(status: int, error: str, description: str) -> Answer:
    return Answer(status, {"error": error, "error_description": description})


def _anonymous() -> Answer:
    return Answer(401, {"error": "Couldn't authenticate you"}, {"WWW-Authenticate": 'Basic realm="Web Password"'})


def _invalid_token() -> Answer:
    challenge = 'Bearer realm="Zendesk::OAuth Bearer Token Authentication", error="invalid_token"'
    description = "The access token provided is expired, revoked, malformed or invalid for other reasons."
    body = {"error": "invalid_token", "error_description": description}
    return Answer(401, body, {"WWW-Authenticate": challenge})

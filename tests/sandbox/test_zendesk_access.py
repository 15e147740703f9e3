"""Who may call Zendesk, and how a call that may not is answered."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests

from partner_sync.sandbox import Sandbox
from partner_sync.sandbox.tokens import ZENDESK_API_TOKEN, ZENDESK_EMAIL, ZENDESK_OAUTH_TOKEN

INVALID_TOKEN = {
    "error": "invalid_token",
    "error_description": "The access token provided is expired, revoked, malformed or invalid for other reasons.",
}


def basic(pair: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def test_client_credentials_buy_a_token_for_half_an_hour_without_a_refresh_token(zendesk: Any) -> None:
    answer = zendesk.token(scope="organizations:read organizations:write")
    body = answer.json()
    assert answer.status_code == 201
    assert set(body) == {"access_token", "token_type", "scope", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("bearer", 1800)
    assert body["scope"] == "organizations:read organizations:write"


@pytest.mark.parametrize("life", [300, 172_800])
def test_a_token_lives_as_long_as_it_was_asked_for(zendesk: Any, life: int) -> None:
    assert zendesk.token(expires_in=life).json()["expires_in"] == life


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"client_secret": "other"}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"expires_in": 299}, 400, "invalid_request"),
        ({"expires_in": 172_801}, 400, "invalid_request"),
        ({"expires_in": "soon"}, 400, "invalid_request"),
    ],
)
def test_a_refused_token_says_why(zendesk: Any, changes: dict[str, Any], status: int, error: str) -> None:
    answer = zendesk.token(**changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_token_request_that_is_no_json_is_a_400(sandbox: Sandbox) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(f"{sandbox.zendesk_url}/oauth/tokens", "{", headers=headers, timeout=10)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        ("read", "GET", "/organizations", 200),
        ("read", "POST", "/organizations", 403),
        ("write", "GET", "/organizations", 403),
        ("organizations:read", "GET", "/organizations", 200),
        ("organizations:read", "GET", "/organizations/count.json", 200),
        ("organizations:read", "POST", "/organizations", 403),
        ("organizations:read organizations:write", "GET", "/organization_fields", 403),
        ("organizations:read organizations:write", "GET", "/job_statuses", 403),
        ("read organizations:write", "GET", "/job_statuses", 200),
        ("tickets:read", "GET", "/organizations", 403),
    ],
)
def test_a_wrong_scope_is_found_out_at_the_call(zendesk: Any, scope: str, method: str, path: str, status: int) -> None:
    issued = zendesk.token(scope=scope)
    assert issued.status_code == 201
    headers = {"Authorization": f"Bearer {issued.json()['access_token']}"}
    assert zendesk.call(method, path, headers=headers).status_code == status


def test_a_missing_scope_is_named(zendesk: Any) -> None:
    headers = {"Authorization": f"Bearer {zendesk.token(scope='read').json()['access_token']}"}
    answer = zendesk.call("DELETE", "/organizations/1", headers=headers)
    assert answer.json() == {
        "error": "Forbidden",
        "description": "You are missing the following required scopes: write",
    }


@pytest.mark.parametrize(
    "headers",
    [
        basic(f"{ZENDESK_EMAIL}/token:{ZENDESK_API_TOKEN}"),
        {"Authorization": f"Bearer {ZENDESK_OAUTH_TOKEN}"},
    ],
)
def test_the_api_token_and_a_token_made_by_hand_work_too(zendesk: Any, headers: dict[str, str]) -> None:
    assert zendesk.call("GET", "/organizations", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", [{}, basic(f"{ZENDESK_EMAIL}:{ZENDESK_API_TOKEN}"), {"Authorization": "Basic %"}])
def test_without_a_good_credential_a_call_is_a_401(zendesk: Any, headers: dict[str, str]) -> None:
    answer = zendesk.call("GET", "/organizations", headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"error": "Couldn't authenticate you"})


def test_an_unknown_bearer_is_challenged(zendesk: Any) -> None:
    answer = zendesk.call("GET", "/organizations", headers={"Authorization": "Bearer nonsense"})
    assert (answer.status_code, answer.json()) == (401, INVALID_TOKEN)
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer realm="Zendesk::OAuth Bearer Token Authentication", error="invalid_token"'
    )


def test_an_expired_token_is_as_good_as_none(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.settings(zendesk_token_seconds=0)
    headers = {"Authorization": f"Bearer {zendesk.token().json()['access_token']}"}
    assert zendesk.call("GET", "/organizations", headers=headers).status_code == 401
    assert zendesk.call("GET", "/organizations").status_code == 200
    assert sandbox.expire_tokens() == 2
    assert zendesk.call("GET", "/organizations").status_code == 401


def test_a_salesforce_session_is_no_zendesk_token(salesforce: Any, zendesk: Any) -> None:
    assert zendesk.call("GET", "/organizations", headers=salesforce.headers).status_code == 401


def test_me_without_a_credential_is_an_anonymous_user_and_a_200(zendesk: Any) -> None:
    answer = zendesk.call("GET", "/users/me.json", headers={})
    assert (answer.status_code, answer.json()["user"]["name"]) == (200, "Anonymous user")
    assert zendesk.get("/users/me")["user"]["email"] == ZENDESK_EMAIL


def test_an_unknown_path_is_a_404(zendesk: Any) -> None:
    answer = zendesk.call("GET", "/nonsense")
    assert (answer.status_code, answer.json()) == (404, {"error": "InvalidEndpoint", "description": "Not found"})

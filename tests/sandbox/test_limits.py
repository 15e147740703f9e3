"""Zendesk's calls a minute and the headers that tell of them."""

from __future__ import annotations

from typing import Any

from partner_sync.sandbox import Sandbox


def test_each_answer_tells_what_is_left_in_both_sets_of_headers(zendesk: Any) -> None:
    first = zendesk.call("GET", "/organizations").headers
    second = zendesk.call("GET", "/organizations").headers
    assert (first["X-Rate-Limit"], first["ratelimit-limit"]) == ("2500", "2500")
    assert first["X-Rate-Limit-Remaining"] == first["ratelimit-remaining"]
    assert int(first["ratelimit-remaining"]) - int(second["ratelimit-remaining"]) in (1, -2498)
    assert 1 <= int(first["ratelimit-reset"]) <= 60


def test_over_the_limit_a_call_has_to_wait_and_the_body_is_no_json(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.settings(zendesk_calls_per_minute=1, zendesk_window_seconds=3600)
    assert zendesk.call("GET", "/organizations").status_code == 200
    answer = zendesk.call("GET", "/organizations")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("Rate limit for API calls exceeded")
    assert answer.headers["X-Rate-Limit-Remaining"] == "0"


def test_a_new_window_lets_calls_through_again(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.settings(zendesk_calls_per_minute=1, zendesk_window_seconds=0.2)
    statuses = {zendesk.call("GET", "/organizations").status_code for _ in range(200)}
    assert statuses == {200, 429}
    last_refused = max(n for n, call in enumerate(sandbox.calls()) if call["status"] == 429)
    sandbox.settings(zendesk_window_seconds=0.001)
    assert zendesk.call("GET", "/organizations").status_code == 200
    assert last_refused


def test_tokens_and_refused_credentials_cost_nothing(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.settings(zendesk_calls_per_minute=1, zendesk_window_seconds=3600)
    zendesk.token()
    zendesk.call("GET", "/organizations", headers={})
    assert zendesk.call("GET", "/organizations").status_code == 200


def test_a_limit_of_0_is_none(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.settings(zendesk_calls_per_minute=0, zendesk_updates_per_minute=0, job_limit=0)
    answer = zendesk.call("GET", "/organizations")
    assert (answer.status_code, "X-Rate-Limit" in answer.headers) == (200, False)

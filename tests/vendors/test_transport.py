"""The session: what is sent again, what is not, and what an error then says."""

from __future__ import annotations

import json
import logging
import socket
from typing import Any

import pytest
from urllib3.exceptions import NewConnectionError

from partner_sync import __version__
from partner_sync.errors import RejectedError, TooManyJobsError, UnavailableError
from partner_sync.sandbox import Sandbox, an_empty_world

BASE = "https://acme.zendesk.com"
COUNT = f"{BASE}/api/v2/organizations/count"
CREATE = f"{BASE}/api/v2/organizations/create_many"
AUTH = ("sync@acme.example/token", "sandbox-api-token")
ROWS = {"organizations": [{"name": "Fresh Partner"}]}
NAME = "Fresh Partner"

BROKEN = [{"do": "reset_before"}, {"do": "reset_after"}, {"do": "truncated"}, {"do": "hang", "seconds": 1.2}]
BUSY = [{"do": "status", "status": status} for status in (409, 429, 502, 503, 504)]


@pytest.fixture
def sandbox():
    """A sandbox with hardly anything in it: these tests are about the wire."""
    with Sandbox(an_empty_world()) as running:
        running.add_organizations([{"name": f"Organization {number}"} for number in range(3)])
        yield running


def _patience(fault: dict[str, Any], seconds: float = 0.6) -> dict[str, float]:
    """A short time-out where a test is about one; everywhere else a slow machine must not make a difference."""
    return {"read_seconds": seconds} if fault["do"] == "hang" else {}


def _named(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values())


# -- reads


@pytest.mark.parametrize("fault", BROKEN + BUSY, ids=_named)
def test_a_read_that_got_no_answer_is_sent_again(sandbox, zendesk_session, fault):
    sandbox.fault(**fault)
    session = zendesk_session(sandbox.zendesk_url, **_patience(fault))

    assert session.get(COUNT, auth=AUTH).status_code == 200
    assert session.calls == 2


@pytest.mark.parametrize("fault", BROKEN + BUSY, ids=_named)
def test_a_read_that_gets_no_answer_is_given_up_after_the_attempts_of_the_config(
    sandbox, zendesk_session, clock, fault
):
    sandbox.fault(**fault, times=None)
    session = zendesk_session(sandbox.zendesk_url, attempts=3, first_wait_seconds=2, **_patience(fault, 0.1))

    with pytest.raises(UnavailableError) as caught:
        session.get(COUNT, auth=AUTH)

    assert caught.value.effect == "none"
    assert session.calls == 3
    assert clock.waits == [2, 4]


def test_a_connection_that_breaks_in_the_middle_of_a_body_is_sent_again_and_not_half_read(sandbox, zendesk_session):
    sandbox.fault("truncated", how="length", times=2)
    session = zendesk_session(sandbox.zendesk_url)

    answer = session.get(f"{BASE}/api/v2/organizations", params={"page[size]": 100}, auth=AUTH)

    assert len(answer.json()["organizations"]) == 3


@pytest.mark.parametrize("status", [500, 501, 505, 599])
def test_other_answers_of_a_broken_server_are_not_asked_for_again(sandbox, zendesk_session, clock, status):
    sandbox.fault("status", status=status)
    session = zendesk_session(sandbox.zendesk_url)

    with pytest.raises(UnavailableError, match=str(status)):
        session.get(COUNT, auth=AUTH)

    assert (session.calls, clock.waits) == (1, [])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_the_vendor_refuses_is_handed_to_the_caller(sandbox, zendesk_session, status):
    sandbox.fault("status", status=status)

    assert zendesk_session(sandbox.zendesk_url).get(COUNT, auth=AUTH).status_code == status


# -- waiting


def test_a_429_in_html_is_waited_out_as_long_as_it_asks(sandbox, zendesk_session, clock):
    html = {"body": "<html>Rate limit exceeded, please wait", "content_type": "text/html"}
    sandbox.fault("status", status=429, headers={"Retry-After": "17"}, **html)

    assert zendesk_session(sandbox.zendesk_url).get(COUNT, auth=AUTH).status_code == 200
    assert clock.waits == [17]


def test_an_answer_may_name_the_moment_instead_of_the_seconds(sandbox, zendesk_session, clock):
    dates = {"Date": "Fri, 01 Jan 2027 10:00:00 GMT", "Retry-After": "Fri, 01 Jan 2027 10:00:25 GMT"}
    sandbox.fault("status", status=503, headers=dates)

    assert zendesk_session(sandbox.zendesk_url).get(COUNT, auth=AUTH).status_code == 200
    assert clock.waits == [25]


def test_asked_to_wait_too_long_the_session_gives_up_and_hands_the_time_on(sandbox, zendesk_session, clock):
    sandbox.fault("status", status=429, headers={"Retry-After": "93"})
    session = zendesk_session(sandbox.zendesk_url, max_wait_seconds=90)

    with pytest.raises(UnavailableError, match="It asks to wait 93 s") as caught:
        session.get(COUNT, auth=AUTH)

    assert caught.value.retry_after == 93
    assert (session.calls, clock.waits) == (1, [])


def test_waits_double_and_stop_growing_at_the_longest(sandbox, zendesk_session, clock):
    sandbox.fault("status", status=503, times=None)

    with pytest.raises(UnavailableError):
        zendesk_session(sandbox.zendesk_url, attempts=5, first_wait_seconds=1, max_wait_seconds=3).get(COUNT, auth=AUTH)

    assert clock.waits == [1, 2, 3, 3]


# -- writes


def test_a_write_is_sent_again_after_a_429_and_happens_once(sandbox, zendesk_session, clock):
    sandbox.fault("status", status=429, headers={"Retry-After": "2"}, times=2)
    session = zendesk_session(sandbox.zendesk_url)

    assert session.post(CREATE, json=ROWS, auth=AUTH).status_code == 200
    assert (session.calls, clock.waits, len(sandbox.jobs())) == (3, [2, 2], 1)


@pytest.mark.parametrize("asked", ["3", "60"])
def test_a_write_that_is_asked_to_wait_is_given_up_since_what_was_read_before_it_grows_old(
    sandbox, zendesk_session, clock, asked
):
    sandbox.fault("status", status=429, headers={"Retry-After": asked})
    session = zendesk_session(sandbox.zendesk_url)

    with pytest.raises(UnavailableError) as caught:
        session.post(CREATE, json=ROWS, auth=AUTH)

    assert (caught.value.effect, caught.value.retry_after) == ("none", float(asked))
    assert (session.calls, clock.waits, len(sandbox.jobs())) == (1, [], 0)


def test_no_attempt_of_a_write_begins_after_its_moment(sandbox, zendesk_session, clock):
    session = zendesk_session(sandbox.zendesk_url, first_wait_seconds=1)
    sandbox.fault("status", status=429, times=None)
    session.write_until = clock.time + 1.5
    with pytest.raises(UnavailableError, match="was not asked in time") as refused:
        session.post(CREATE, json={})
    assert ("none", 0) == (refused.value.effect, refused.value.retry_after)
    assert [1, 2] == clock.waits
    assert 2 == len(sandbox.calls())


def test_a_write_refused_by_429_to_the_end_had_no_effect(sandbox, zendesk_session):
    sandbox.fault("status", status=429, times=None)

    with pytest.raises(UnavailableError) as caught:
        zendesk_session(sandbox.zendesk_url).post(CREATE, json=ROWS, auth=AUTH)

    assert (caught.value.effect, len(sandbox.jobs())) == ("none", 0)


@pytest.mark.parametrize(
    ("fault", "submitted"),
    [
        ({"do": "reset_before"}, 0),
        ({"do": "reset_after"}, 1),
        ({"do": "truncated"}, 1),
        ({"do": "hang", "seconds": 1.2, "effect": False}, 0),
        ({"do": "status", "status": 500}, 0),
        ({"do": "status", "status": 502}, 0),
        ({"do": "status", "status": 503, "effect": True, "headers": {"Retry-After": "1"}}, 1),
        ({"do": "status", "status": 504, "effect": True}, 1),
    ],
    ids=lambda value: _named(value) if isinstance(value, dict) else "",
)
def test_a_write_whose_answer_is_lost_is_never_sent_again_and_its_effect_is_unknown(
    sandbox, zendesk_session, clock, fault, submitted
):
    sandbox.fault(**fault)
    session = zendesk_session(sandbox.zendesk_url, **_patience(fault))

    with pytest.raises(UnavailableError) as caught:
        session.post(CREATE, json=ROWS, auth=AUTH)

    assert caught.value.effect == "unknown"
    assert (session.calls, clock.waits, len(sandbox.jobs())) == (1, [], submitted)


def test_a_write_for_which_there_was_no_connection_is_sent_again_and_had_no_effect(zendesk_session, clock):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        session = zendesk_session(f"http://127.0.0.1:{closed.getsockname()[1]}")

        with pytest.raises(UnavailableError, match="could not be reached") as caught:
            session.post(CREATE, json=ROWS, auth=AUTH)

    assert caught.value.effect == "none"
    assert clock.waits == [1, 2, 2]


def test_a_connection_that_is_not_made_in_time_had_no_effect_either(zendesk_session):
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for taken in (first, second):
            taken.setblocking(False)
            taken.connect_ex(full.getsockname())
        session = zendesk_session(f"http://127.0.0.1:{full.getsockname()[1]}", connect_seconds=0.1, attempts=2)

        with pytest.raises(UnavailableError, match="could not be reached") as caught:
            session.post(CREATE, json=ROWS, auth=AUTH)

    assert caught.value.effect == "none"


def test_a_failure_that_the_caller_is_just_handling_does_not_make_a_lost_write_harmless(sandbox, zendesk_session):
    sandbox.fault("reset_after")

    with pytest.raises(UnavailableError) as caught:
        try:
            raise NewConnectionError(None, "of some other request")
        except NewConnectionError:
            zendesk_session(sandbox.zendesk_url).post(CREATE, json=ROWS, auth=AUTH)

    assert caught.value.effect == "unknown"


@pytest.mark.parametrize("status", [429, 400, 422, 503])
def test_too_many_jobs_is_raised_at_once_whatever_its_status(sandbox, zendesk_session, clock, status):
    body = json.dumps({"error": "TooManyJobs", "description": "Too many jobs", "current_job_ids": ["V3-1"]})
    headers = {"Retry-After": "60"}
    sandbox.fault("status", status=status, body=body, content_type="application/json", headers=headers)
    session = zendesk_session(sandbox.zendesk_url)

    with pytest.raises(TooManyJobsError) as caught:
        session.post(CREATE, json=ROWS, auth=AUTH)

    assert (caught.value.effect, caught.value.retry_after) == ("none", 60)
    assert (session.calls, clock.waits) == (1, [])


# -- tokens


@pytest.mark.parametrize("fault", [*BROKEN, {"do": "status", "status": 503}], ids=_named)
def test_a_token_request_is_sent_again_and_counted_apart(sandbox, zendesk_session, fault):
    sandbox.fault(**fault, path="/oauth/tokens")
    session = zendesk_session(sandbox.zendesk_url, **_patience(fault))
    extra = sandbox.connections()["zendesk"]["extra"]
    order = {
        "grant_type": "client_credentials",
        "client_id": extra["client_id"],
        "client_secret": extra["client_secret"],
    }

    assert session.post(f"{BASE}/oauth/tokens", json=order).status_code == 201
    assert (session.token_calls, session.calls) == (2, 0)


# -- redirects, cookies, and what leaks


def test_a_redirect_is_not_followed_and_the_message_names_where_it_leads(sandbox, zendesk_session, notes):
    sandbox.fault("redirect", location=f"{notes.url}/login")

    with pytest.raises(RejectedError, match=r"redirects to 127\.0\.0\.1, where nothing was sent") as caught:
        zendesk_session(sandbox.zendesk_url).get(COUNT, auth=AUTH)

    assert (caught.value.status, notes.asked) == (302, [])


@pytest.mark.parametrize("location", ["http://[bad", "https://[::1", "//[", "https://a b\\c"])
def test_a_redirect_to_what_is_no_url_is_told_as_any_other(sandbox, zendesk_session, location):
    sandbox.fault("redirect", location=location)

    with pytest.raises(RejectedError, match=r"redirects to .*where nothing was sent"):
        zendesk_session(sandbox.zendesk_url).get(COUNT, auth=AUTH)


def test_a_write_is_not_turned_into_a_read_by_a_redirect(sandbox, zendesk_session):
    sandbox.fault("redirect", location="/api/v2/organizations")
    session = zendesk_session(sandbox.zendesk_url)

    with pytest.raises(RejectedError):
        session.post(CREATE, json=ROWS, auth=AUTH)

    assert session.calls == 1


def test_no_cookie_is_kept(zendesk_session, notes):
    notes.answers = [(200, {"Set-Cookie": "_zendesk_session=abc; Path=/"}, "{}")]
    session = zendesk_session(notes.url)

    session.get(COUNT)
    session.get(COUNT)

    assert [headers.get("Cookie") for _, _, headers in notes.asked] == [None, None]


def test_requests_say_who_sends_them(zendesk_session, notes):
    zendesk_session(notes.url).get(COUNT)

    assert notes.asked[0][2]["User-Agent"] == f"partner-sync/{__version__}"


def test_a_login_in_netrc_does_not_take_the_place_of_the_connections_credential(
    zendesk_session, notes, tmp_path, monkeypatch
):
    (tmp_path / "netrc").write_text("machine acme.zendesk.com login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    zendesk_session(notes.url).get(COUNT, headers={"Authorization": "Bearer ours"})

    assert notes.asked[0][2]["Authorization"] == "Bearer ours"


@pytest.mark.parametrize(
    "fault", [{"do": "reset_before"}, {"do": "status", "status": 503, "body": "Dear Bob"}], ids=_named
)
def test_neither_message_nor_log_holds_query_body_credential_or_answer(sandbox, zendesk_session, caplog, fault):
    caplog.set_level(logging.DEBUG)
    sandbox.fault(**fault, times=None)
    session = zendesk_session(sandbox.zendesk_url, attempts=2)

    errors = []
    for send in (
        lambda: session.get(COUNT, params={"name": "secretquery"}, auth=("me", "secretauth")),
        lambda: session.post(
            CREATE, params={"ids": "secretquery"}, json={"name": "secretbody"}, auth=("me", "secretauth")
        ),
    ):
        with pytest.raises(UnavailableError) as caught:
            send()
        errors.append(caught.value)

    told = " ".join(str(error) for error in errors) + caplog.text
    assert "secret" not in told
    assert "Dear Bob" not in told
    assert [(error.__cause__, error.__context__) for error in errors] == [(None, None)] * 2
    assert [error.vendor_message for error in errors] == [fault.get("body", "")] * 2


def test_a_message_names_system_method_and_path(sandbox, zendesk_session):
    sandbox.fault("status", status=500)

    with pytest.raises(
        UnavailableError, match=r"Zendesk answered 500 at GET /api/v2/organizations/count. If it happens again, check"
    ):
        zendesk_session(sandbox.zendesk_url).get(COUNT, auth=AUTH)

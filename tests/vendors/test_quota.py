"""The part of the request quota that is left to others, and the times that answers name."""

from __future__ import annotations

import pytest

from partner_sync.errors import UnavailableError
from partner_sync.vendors.quota import Quota, quota_of, retry_after

COUNT = "https://acme.zendesk.com/api/v2/organizations/count"
QUERY = "https://acme.my.salesforce.com/services/data/v59.0/limits/"


def told(remaining: int, reset: int | None = 30) -> tuple[int, dict[str, str], str]:
    """An answer of Zendesk with a quota of 100 calls."""
    headers = {"ratelimit-limit": "100", "ratelimit-remaining": str(remaining)}
    return (200, headers if reset is None else {**headers, "ratelimit-reset": str(reset)}, "{}")


def test_at_the_reserve_calls_go_on(zendesk_session, notes, clock):
    notes.answers = [told(remaining=20)]
    session = zendesk_session(notes.url, reserve_percent=20)

    session.get(COUNT)
    session.get(COUNT)

    assert clock.waits == []


def test_under_the_reserve_the_session_waits_for_the_reset(zendesk_session, notes, clock):
    notes.answers = [told(remaining=19, reset=30), told(remaining=99)]
    session = zendesk_session(notes.url, reserve_percent=20)

    session.get(COUNT)
    clock.time += 10
    session.get(COUNT)

    assert clock.waits == [20]


def test_a_reset_that_has_passed_meanwhile_is_not_waited_for(zendesk_session, notes, clock):
    notes.answers = [told(remaining=0, reset=30)]
    session = zendesk_session(notes.url)

    session.get(COUNT)
    clock.time += 31
    session.get(COUNT)

    assert (clock.waits, len(notes.asked)) == ([], 2)


def test_a_reset_too_far_away_is_left_to_airflow(zendesk_session, notes, clock):
    notes.answers = [told(remaining=3, reset=300)]
    session = zendesk_session(notes.url, reserve_percent=20, max_wait_seconds=90)
    session.get(COUNT)

    with pytest.raises(
        UnavailableError, match=r"3 of 100 requests left, under the reserve of 20 % .*lower calls\.reserve_percent"
    ) as caught:
        session.put(COUNT)

    assert (caught.value.retry_after, caught.value.effect) == (300, "none")
    assert (len(notes.asked), clock.waits) == (1, [])


def test_under_the_reserve_a_write_does_not_wait_for_the_reset(zendesk_session, notes, clock):
    notes.answers = [told(remaining=19, reset=30)]
    session = zendesk_session(notes.url, reserve_percent=20)
    session.get(COUNT)

    with pytest.raises(UnavailableError, match="has 19 of 100 requests left") as caught:
        session.put(COUNT)

    assert (caught.value.retry_after, caught.value.effect) == (30, "none")
    assert (len(notes.asked), clock.waits) == (1, [])


def test_without_a_reserve_everything_may_be_used(zendesk_session, notes, clock):
    notes.answers = [told(remaining=0)]
    session = zendesk_session(notes.url, reserve_percent=0)

    session.get(COUNT)
    session.get(COUNT)

    assert clock.waits == []


def test_a_vendor_that_speaks_of_no_reset_counts_by_the_minute(zendesk_session, notes, clock):
    notes.answers = [told(remaining=0, reset=None)]
    session = zendesk_session(notes.url)

    session.get(COUNT)
    session.get(COUNT)

    assert clock.waits == [60]


def test_the_quota_in_a_429_holds_for_the_next_attempt(zendesk_session, notes, clock):
    _, headers, _ = told(remaining=0, reset=30)
    notes.answers = [(429, {**headers, "Retry-After": "10"}, ""), told(remaining=99)]

    assert zendesk_session(notes.url).get(COUNT).status_code == 200
    assert clock.waits == [10, 20]


def test_others_near_salesforces_daily_limit_do_not_stop_the_sync(salesforce_session, notes, clock):
    notes.answers = [(200, {"Sforce-Limit-Info": "api-usage=99/100"}, "{}")]
    session = salesforce_session(notes.url, reserve_percent=20)

    session.get(QUERY)
    session.get(QUERY)

    assert (len(notes.asked), clock.waits) == (2, [])


@pytest.mark.parametrize(
    ("headers", "quota"),
    [
        ({}, None),
        ({"ratelimit-limit": "700", "ratelimit-remaining": "699", "ratelimit-reset": "59"}, Quota(700, 699, 59)),
        ({"rate-limit": "700", "rate-limit-remaining": "1", "rate-limit-reset": "5"}, Quota(700, 1, 5)),
        ({"x-rate-limit": "400", "x-rate-limit-remaining": "0"}, Quota(400, 0, 60)),
        ({"ratelimit-limit": "many", "x-rate-limit": "400", "x-rate-limit-remaining": "7"}, Quota(400, 7, 60)),
        ({"Sforce-Limit-Info": "api-usage=10018/100000; api-bursts=1/750"}, None),
    ],
)
def test_the_quota_of_an_answer_is_read_under_each_of_its_names(headers, quota):
    assert quota_of(headers) == quota


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": " 93 "}, 93),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Fri, 01 Jan 2027 10:00:25 GMT", "Date": "Fri, 01 Jan 2027 10:00:00 GMT"}, 25),
        ({"Retry-After": "Fri, 01 Jan 2027 09:00:00 GMT", "Date": "Fri, 01 Jan 2027 10:00:00 GMT"}, 0),
        ({"Retry-After": "Fri, 01 Jan 2016 09:00:00 GMT", "Date": "yesterday"}, 0),
    ],
)
def test_a_time_to_wait_is_read_as_seconds_or_as_a_date_by_the_answers_own_clock(headers, seconds):
    assert retry_after(headers) == seconds

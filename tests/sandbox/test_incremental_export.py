"""The incremental export, with its traps."""

from __future__ import annotations

import time
from typing import Any

import pytest

from partner_sync.sandbox import Sandbox

PATH = "/incremental/organizations"
BEGIN = 1_600_000_000


def at(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(BEGIN + seconds))


def add(sandbox: Sandbox, **changed: int) -> list[int]:
    """Organizations by name, with the seconds of their change."""
    return sandbox.add_organizations({"name": name, "updated_at": at(when)} for name, when in changed.items())


def export(zendesk: Any, start: int = 0, **more: Any) -> Any:
    return zendesk.get(PATH, {"start_time": BEGIN + start, **more})


def names(page: Any) -> str:
    return "".join(row["name"] for row in page["organizations"])


def test_an_export_shows_what_changed_and_what_was_deleted(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.settings(zendesk_export_delay_seconds=0)
    add(sandbox, b=20, a=10, early=-1)
    sandbox.delete_organization(add(sandbox, gone=5)[0])
    page = export(zendesk)
    assert [(row["name"], row["deleted_at"] is not None) for row in page["organizations"]] == [
        ("a", False),
        ("b", False),
        ("gone", True),
    ]
    assert set(page) == {"organizations", "next_page", "count", "end_of_stream", "end_time"}
    assert (page["count"], page["end_of_stream"]) == (3, True)
    assert list(page["organizations"][0])[-1] == "deleted_at"
    assert abs(page["end_time"] - time.time()) < 60


def test_a_deleted_organization_that_is_put_again_is_alive(sandbox: Sandbox, zendesk: Any) -> None:
    (organization_id,) = add(sandbox, a=0)
    sandbox.delete_organization(organization_id)
    sandbox.add_organizations([{"id": organization_id, "name": "b", "updated_at": at(5)}])
    assert [(row["name"], row["deleted_at"]) for row in export(zendesk)["organizations"]] == [("b", None)]


def test_the_next_page_starts_where_the_last_one_ended(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox, a=10, b=20, c=30)
    page = export(zendesk, per_page=2)
    assert (names(page), page["end_time"], page["end_of_stream"]) == ("ab", BEGIN + 20, False)
    base = "https://z3n-acme.zendesk.example/api/v2/incremental/organizations.json"
    assert page["next_page"] == f"{base}?per_page=2&start_time={BEGIN + 20}"


def test_an_organization_can_come_on_two_pages(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox, a=10, b=20, c=30)
    first = export(zendesk, per_page=2)
    second = zendesk.get(PATH, {"start_time": first["end_time"], "per_page": 2})
    assert (names(first), names(second)) == ("ab", "bc")


def test_an_organization_can_come_twice_on_one_page(sandbox: Sandbox, zendesk: Any) -> None:
    ids = add(sandbox, a=10, b=20)
    sandbox.fault("twins")
    page = export(zendesk)
    assert [(row["id"], row["name"]) for row in page["organizations"]] == [
        (ids[1], "b (before)"),
        (ids[0], "a"),
        (ids[1], "b"),
    ]
    assert page["count"] == 3
    assert names(export(zendesk)) == "ab"


def test_more_changes_of_one_time_than_fit_a_page_never_end(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox, a=10, b=10, c=10, d=20)
    first = export(zendesk, per_page=2)
    second = zendesk.get(PATH, {"start_time": first["end_time"], "per_page": 2})
    assert second == first
    assert (first["end_time"], first["end_of_stream"]) == (BEGIN + 10, False)


def test_changes_of_the_last_minute_are_left_out(sandbox: Sandbox, zendesk: Any) -> None:
    (organization_id,) = add(sandbox, a=10)
    add(sandbox, b=20)
    sandbox.edit(organization_id, notes="new")
    page = export(zendesk)
    assert (names(page), page["end_of_stream"]) == ("b", True)
    sandbox.settings(zendesk_export_delay_seconds=0)
    assert names(export(zendesk)) == "ba"


def test_nothing_new_has_no_end_and_no_next_page(zendesk: Any) -> None:
    assert export(zendesk) == {
        "organizations": [],
        "next_page": None,
        "count": 0,
        "end_of_stream": True,
        "end_time": None,
    }


def test_a_start_time_that_is_too_young_is_refused(zendesk: Any) -> None:
    now = int(time.time())
    assert zendesk.call("GET", PATH, params={"start_time": now - 30}).status_code == 400
    assert zendesk.call("GET", PATH, params={"start_time": now - 90}).status_code == 200


@pytest.mark.parametrize(
    "parameters", [{}, {"start_time": "soon"}, {"start_time": 1, "per_page": 1_001}, {"start_time": 1, "per_page": 0}]
)
def test_what_is_no_export_is_a_400(zendesk: Any, parameters: dict[str, Any]) -> None:
    assert zendesk.call("GET", PATH, params=parameters).status_code == 400


def test_exports_have_a_limit_of_their_own(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.settings(zendesk_window_seconds=3_600)
    answers = [zendesk.call("GET", PATH, params={"start_time": 1}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert answers[-1].json() == {
        "error": "APIRateLimitExceeded",
        "description": "Number of allowed incremental export API requests per minute exceeded",
    }
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert zendesk.call("GET", "/organizations", params={"page[size]": 1}).status_code == 200


def test_exports_can_be_denied(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.fault("forbidden", path=f"/api/v2{PATH}", times=None)
    assert zendesk.call("GET", f"{PATH}.json", params={"start_time": 1}).status_code == 403
    assert zendesk.call("GET", "/organizations", params={"page[size]": 1}).status_code == 200


@pytest.mark.parametrize(("moving", "end"), [(False, 5), (True, 6)])
def test_an_export_can_be_without_an_end(sandbox: Sandbox, zendesk: Any, moving: bool, end: int) -> None:
    add(sandbox, a=10)
    sandbox.fault("endless", moving=moving)
    page = export(zendesk, 5)
    assert (names(page), page["end_of_stream"], page["end_time"]) == ("a", False, BEGIN + end)


def test_an_export_can_show_deleted_organizations_as_living_ones(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.settings(zendesk_export_delay_seconds=0)
    sandbox.delete_organization(add(sandbox, gone=5)[0])
    sandbox.fault("revived")
    assert [row["deleted_at"] for row in export(zendesk)["organizations"]] == [None]

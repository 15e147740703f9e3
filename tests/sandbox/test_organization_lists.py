"""Lists of organizations by cursor and by page number, counts and look-ups."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from partner_sync.sandbox import Sandbox, default_world

KEYS = [
    "url", "id", "name", "shared_tickets", "shared_comments", "external_id", "created_at", "updated_at",
    "domain_names", "details", "notes", "group_id", "tags", "organization_fields",
]  # fmt: skip
NOTHING = {
    "organizations": [],
    "meta": {"has_more": False, "after_cursor": None, "before_cursor": None},
    "links": {"prev": None, "next": None},
}


def add(sandbox: Sandbox, *names: str) -> list[int]:
    return sandbox.add_organizations({"name": name, "external_id": f"X-{name}"} for name in names)


def names(answer: dict[str, Any]) -> str:
    return "".join(organization["name"] for organization in answer["organizations"])


def page(zendesk: Any, size: int = 2, **more: str) -> Any:
    return zendesk.get("/organizations", {"page[size]": size, **more})


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_an_organization_has_the_recorded_keys_in_their_order(sandbox: Sandbox, zendesk: Any, suffix: str) -> None:
    (organization_id,) = add(sandbox, "a")
    (organization,) = zendesk.get(f"/organizations{suffix}", {"page[size]": 1})["organizations"]
    assert list(organization) == KEYS
    assert organization["url"] == f"https://z3n-acme.zendesk.example/api/v2/organizations/{organization_id}.json"
    assert len(str(organization["id"])) == 14
    assert len(organization["created_at"]) == len("2023-09-18T23:35:58Z")


def test_an_account_without_organizations_has_an_empty_first_page(zendesk: Any) -> None:
    assert page(zendesk) == NOTHING


def add_in_order(sandbox: Sandbox, *names: str) -> list[int]:
    """Organizations whose ids rise, older than all that come by themselves."""
    return sandbox.add_organizations({"id": number, "name": name} for number, name in enumerate(names, 20_000_000_000))


def test_cursor_pages_come_in_the_order_of_ids(sandbox: Sandbox, zendesk: Any) -> None:
    add_in_order(sandbox, "c", "a", "b")
    first = page(zendesk)
    second = page(zendesk, **{"page[after]": first["meta"]["after_cursor"]})
    assert (names(first), first["meta"]["has_more"]) == ("ca", True)
    assert (names(second), second["meta"]["has_more"]) == ("b", False)


def test_a_cursor_is_the_recorded_one(sandbox: Sandbox, zendesk: Any) -> None:
    (organization_id,) = add(sandbox, "a")
    inner = json.loads(base64.b64decode(page(zendesk)["meta"]["after_cursor"]))
    assert inner["o"] == "id"
    assert base64.b64decode(inner["v"]) == b"i" + struct.pack("<q", organization_id)


def test_the_first_page_has_a_cursor_before_it_that_leads_to_nothing(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox, "a", "b")
    first = page(zendesk)
    assert first["links"]["prev"] is not None
    assert page(zendesk, **{"page[before]": first["meta"]["before_cursor"]})["organizations"] == []


def test_the_last_page_has_a_next_link_and_an_after_cursor_that_lead_to_an_empty_page(
    sandbox: Sandbox, zendesk: Any
) -> None:
    add(sandbox, "a", "b")
    last = page(zendesk)
    assert last["meta"]["has_more"] is False
    assert last["links"]["next"].endswith("&page%5Bsize%5D=2")
    assert page(zendesk, **{"page[after]": last["meta"]["after_cursor"]}) == NOTHING


def test_one_can_page_back(sandbox: Sandbox, zendesk: Any) -> None:
    add_in_order(sandbox, "a", "b", "c")
    second = page(zendesk, **{"page[after]": page(zendesk)["meta"]["after_cursor"]})
    assert names(page(zendesk, **{"page[before]": second["meta"]["before_cursor"]})) == "ab"


def test_links_name_the_canonical_host(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox, "a")
    sandbox.settings(zendesk_canonical_url="https://other.zendesk.com")
    assert page(zendesk)["links"]["next"].startswith("https://other.zendesk.com/api/v2/organizations.json?page%5Bafter")


def test_new_organizations_show_where_their_id_is_and_deletions_do_not_shift_pages(
    sandbox: Sandbox, zendesk: Any
) -> None:
    first_id, *_ = add_in_order(sandbox, "a", "b", "c")
    cursor = page(zendesk)["meta"]["after_cursor"]
    sandbox.delete_organization(first_id)
    sandbox.add_organizations([{"id": first_id - 1, "name": "behind"}, {"id": first_id + 9, "name": "d"}])
    assert names(page(zendesk, **{"page[after]": cursor})) == "cd"


def test_new_ids_come_from_shuffled_blocks_so_that_a_listing_can_miss_a_new_organization(
    sandbox: Sandbox, zendesk: Any
) -> None:
    ids = sandbox.add_organizations({"name": f"n{number}"} for number in range(512))
    places = [(each - min(ids)) // 137 for each in ids]
    assert sorted(places) == list(range(512))
    blocks = [place // 128 for place in places]
    assert [blocks[start : start + 128].count(blocks[start]) for start in (0, 128, 256, 384)] == [128] * 4
    assert all(places[start : start + 128] != sorted(places[start : start + 128]) for start in (0, 128, 256, 384))
    assert blocks[::128] != sorted(blocks[::128])


def test_the_same_seed_gives_the_same_ids() -> None:
    def ids(seed: int) -> list[int]:
        with Sandbox(default_world(seed)) as sandbox:
            known = {row["id"] for row in sandbox.organizations()}
            new = sandbox.add_organizations({"name": f"new {number}"} for number in range(20))
            assert not known & set(new)
            return sorted(known) + new

    assert ids(1) == ids(1)
    assert ids(1)[-20:] != ids(2)[-20:]


@pytest.mark.parametrize(
    ("sort", "expected"), [("name", "abc"), ("-name", "cba"), ("-created_at", "bac"), ("created_at", "cab")]
)
def test_a_list_can_be_sorted_otherwise(sandbox: Sandbox, zendesk: Any, sort: str, expected: str) -> None:
    add_in_order(sandbox, "c", "a", "b")
    first = page(zendesk, sort=sort)
    second = page(zendesk, sort=sort, **{"page[after]": first["meta"]["after_cursor"]})
    assert names(first) + names(second) == expected


@pytest.mark.parametrize("size", ["0", "101", "many"])
def test_a_page_of_more_than_100_is_refused(zendesk: Any, size: str) -> None:
    assert zendesk.call("GET", "/organizations", params={"page[size]": size}).status_code == 400


@pytest.mark.parametrize(
    "parameters",
    [
        {"page[size]": 2, "page[after]": "nonsense"},
        {"page[size]": 2, "page[after]": base64.b64encode(b'{"o":"name","v":"aQ=="}').decode()},
        {"page[size]": 2, "sort": "shoe_size"},
        {"page": "zero"},
        {"page": "102"},
    ],
)
def test_what_is_no_page_is_a_400(zendesk: Any, parameters: dict[str, Any]) -> None:
    answer = zendesk.call("GET", "/organizations", params=parameters)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "description"}


def test_without_a_page_size_pages_have_numbers_a_count_and_the_order_of_names(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox, "C", "a", "B")
    first = zendesk.get("/organizations", {"per_page": 2})
    second = zendesk.get("/organizations", {"per_page": 2, "page": 2})
    assert (names(first), names(second)) == ("aB", "C")
    assert first["next_page"] == "https://z3n-acme.zendesk.example/api/v2/organizations.json?page=2&per_page=2"
    assert (first["previous_page"], first["count"]) == (None, 3)
    assert second["next_page"] is None
    assert second["previous_page"].endswith("?page=1&per_page=2")


def test_numbered_pages_end_at_ten_thousand_records(zendesk: Any) -> None:
    assert zendesk.call("GET", "/organizations", params={"page": 100}).status_code == 200
    assert zendesk.call("GET", "/organizations", params={"page": 101}).status_code == 400


def test_the_count_is_exact_for_small_accounts(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox, "a", "b")
    count = zendesk.get("/organizations/count")["count"]
    assert (count["value"], set(count)) == (2, {"value", "refreshed_at"})
    add(sandbox, "c")
    assert zendesk.get("/organizations/count.json")["count"]["value"] == 3


def test_the_count_of_a_large_account_is_as_old_as_a_day(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.settings(zendesk_count_cached_above=2)
    add(sandbox, "a", "b", "c")
    assert zendesk.get("/organizations/count")["count"]["value"] == 3
    add(sandbox, "d")
    assert zendesk.get("/organizations/count")["count"]["value"] == 3


def test_the_count_can_be_limited_while_it_is_updated(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox, "a", "b", "c")
    sandbox.fault("count_updating", limit=2)
    assert page(zendesk)["meta"]["has_more"]
    assert zendesk.get("/organizations/count")["count"] == {"value": 2, "refreshed_at": None}
    assert zendesk.get("/organizations/count")["count"]["value"] == 3


def test_many_are_shown_by_id_sorted_by_name_without_unknown_ones(sandbox: Sandbox, zendesk: Any) -> None:
    ids = add(sandbox, "c", "a", "b")
    answer = zendesk.get("/organizations/show_many", {"ids": ",".join(map(str, [*ids, 1, ids[0]]))})
    assert names(answer) == "abc"
    assert {name: answer[name] for name in ("next_page", "previous_page", "count")} == {
        "next_page": None,
        "previous_page": None,
        "count": 3,
    }


def test_many_are_shown_by_external_id_whatever_its_case(sandbox: Sandbox, zendesk: Any) -> None:
    add(sandbox, "a", "b", "c")
    assert names(zendesk.get("/organizations/show_many.json", {"external_ids": "x-A,X-c,X-none"})) == "ac"


def test_at_most_100_are_shown_at_once(zendesk: Any) -> None:
    ids = ",".join(map(str, range(1, 102)))
    answer = zendesk.call("GET", "/organizations/show_many", params={"ids": ids})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "TooManyValues",
        "description": "Parameter  cannot specify more than 100 values",
        "max_count": 100,
    }
    assert zendesk.call("GET", "/organizations/show_many").status_code == 400


@pytest.mark.parametrize(
    ("parameters", "found"),
    [({"external_id": "x-A"}, "a"), ({"name": "B"}, "b"), ({"name": "nobody"}, ""), ({"external_id": "X"}, "")],
)
def test_search_is_exact_but_for_case(sandbox: Sandbox, zendesk: Any, parameters: dict[str, str], found: str) -> None:
    add(sandbox, "a", "b")
    answer = zendesk.get("/organizations/search", parameters)
    assert (names(answer), answer["count"]) == (found, len(found))


def test_search_needs_something_to_search_for(zendesk: Any) -> None:
    assert zendesk.call("GET", "/organizations/search").status_code == 400


def test_the_fields_are_listed_both_ways(sandbox: Sandbox, zendesk: Any) -> None:
    offset = zendesk.get("/organization_fields")
    cursor = zendesk.get("/organization_fields.json", {"page[size]": 100})
    assert offset["organization_fields"] == cursor["organization_fields"]
    assert offset["count"] == len(offset["organization_fields"])
    assert (cursor["meta"]["has_more"], cursor["meta"]["after_cursor"] is None) == (False, False)
    by_key = {field["key"]: field for field in offset["organization_fields"]}
    assert (by_key["account_type"]["type"], by_key["account_type"]["active"]) == ("dropdown", True)
    assert [option["value"] for option in by_key["account_type"]["custom_field_options"]] == [
        "customer",
        "former_customer",
        "open_partner",
        "select_partner",
        "alliance_partner",
    ]


def test_one_field_is_shown_by_id_or_key(zendesk: Any) -> None:
    field = zendesk.get("/organization_fields/account_type")["organization_field"]
    assert zendesk.get(f"/organization_fields/{field['id']}.json")["organization_field"] == field
    assert zendesk.call("GET", "/organization_fields/1").status_code == 404

"""Creating, changing and deleting one organization: what is unique, what is typed, what is dropped."""

from __future__ import annotations

from typing import Any

import pytest

from partner_sync.sandbox import ControlError, Sandbox


def refused(answer: Any) -> Any:
    """The details of a 422."""
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert (body["error"], body["description"]) == ("RecordInvalid", "Record validation errors")
    return body["details"]


def post(zendesk: Any, **attributes: Any) -> Any:
    return zendesk.call("POST", "/organizations", json={"organization": attributes})


def put(zendesk: Any, organization: dict[str, Any], **attributes: Any) -> Any:
    return zendesk.call("PUT", f"/organizations/{organization['id']}.json", json={"organization": attributes})


def test_a_created_organization_is_answered_with_its_place(zendesk: Any) -> None:
    answer = post(zendesk, name="Grünspan & Töchter", external_id="A1")
    organization = answer.json()["organization"]
    assert answer.status_code == 201
    host = zendesk.sandbox.zendesk_url.removeprefix("http://")
    assert answer.headers["Location"] == f"https://{host}/api/v2/organizations/{organization['id']}.json"
    assert zendesk.get(f"/organizations/{organization['id']}")["organization"] == organization
    assert (organization["name"], organization["external_id"]) == ("Grünspan & Töchter", "A1")


def test_a_name_is_trimmed_and_unique_whatever_its_case(zendesk: Any) -> None:
    assert zendesk.create(name="  Acme  ")["name"] == "Acme"
    assert refused(post(zendesk, name=" aCME")) == {
        "name": [{"description": "Name: aCME has already been taken", "error": "DuplicateValue"}]
    }


@pytest.mark.parametrize("attributes", [{}, {"name": ""}, {"name": "  "}, {"name": None}])
def test_a_name_is_needed(zendesk: Any, attributes: dict[str, Any]) -> None:
    details = refused(post(zendesk, **attributes))
    assert details["name"][0]["description"] == "Name: is too short (minimum is 1 characters)"


def test_a_name_has_at_most_255_characters(zendesk: Any) -> None:
    assert "name" in refused(post(zendesk, name="x" * 256))
    assert zendesk.create(name="x" * 255)["name"] == "x" * 255


def test_an_external_id_is_unique_whatever_its_case(zendesk: Any) -> None:
    zendesk.create(name="a", external_id="AbC")
    assert refused(post(zendesk, name="b", external_id="aBc"))["external_id"][0]["error"] == "DuplicateValue"
    assert zendesk.create(name="b", external_id="")["external_id"] is None
    assert zendesk.create(name="c", external_id=None)["external_id"] is None


def test_an_organization_keeps_its_own_name_and_external_id(zendesk: Any) -> None:
    organization = zendesk.create(name="a", external_id="A")
    assert put(zendesk, organization, name="A", external_id="a").json()["organization"]["name"] == "A"


def test_a_freed_name_can_be_taken(zendesk: Any) -> None:
    organization = zendesk.create(name="a")
    assert put(zendesk, organization, name="b").status_code == 200
    assert zendesk.create(name="A")["name"] == "A"


def test_all_reasons_come_at_once(zendesk: Any) -> None:
    zendesk.create(name="a", external_id="A")
    fields = {"account_type": "nonsense"}
    details = refused(post(zendesk, name="a", external_id="A", organization_fields=fields))
    assert set(details) == {"name", "external_id", "organization_fields"}


def test_only_what_is_given_changes(zendesk: Any) -> None:
    organization = zendesk.create(name="a", notes="n", organization_fields={"account_owner": "Ada", "seats": 3})
    changed = put(zendesk, organization, organization_fields={"seats": 4}).json()["organization"]
    assert (changed["notes"], changed["organization_fields"]["account_owner"]) == ("n", "Ada")
    assert changed["organization_fields"]["seats"] == 4


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_organization_is_a_404(zendesk: Any, method: str) -> None:
    answer = zendesk.call(method, "/organizations/77", json={"organization": {}})
    assert (answer.status_code, answer.json()) == (404, {"error": "RecordNotFound", "description": "Not found"})


def test_a_deleted_organization_is_gone_and_its_name_free(zendesk: Any) -> None:
    organization = zendesk.create(name="a", external_id="A")
    answer = zendesk.call("DELETE", f"/organizations/{organization['id']}.json")
    assert (answer.status_code, answer.content) == (204, b"")
    assert zendesk.create(name="a", external_id="A")["id"] != organization["id"]


@pytest.mark.parametrize("body", [{}, {"organization": "x"}, {"organisation": {"name": "x"}}])
def test_a_body_without_an_organization_is_a_400(zendesk: Any, body: Any) -> None:
    assert zendesk.call("POST", "/organizations", json=body).status_code == 400


@pytest.mark.parametrize("body", [b"{", b"[]", b""])
def test_a_body_that_is_no_json_object_is_a_400(zendesk: Any, body: bytes) -> None:
    assert zendesk.call("POST", "/organizations", data=body).status_code == 400


def test_unknown_keys_are_dropped_and_named_in_a_header(zendesk: Any) -> None:
    answer = post(zendesk, name="a", nmae="b", organization_fields={"acount_owner": "Ada"})
    assert answer.status_code == 201
    assert answer.headers["x-zendesk-api-warn"] == (
        '{:allowed_parameters=>{:controller=>"organizations", :action=>"create", :unpermitted_keys=>'
        '["organization.nmae", "organization.organization_fields.acount_owner"], :invalid_values=>[]}}'
    )
    assert "acount_owner" not in answer.json()["organization"]["organization_fields"]


def test_the_id_in_an_update_is_dropped_as_recorded(zendesk: Any) -> None:
    organization = zendesk.create(name="a")
    answer = put(zendesk, organization, id=1, notes="n")
    assert ':action=>"update", :unpermitted_keys=>["organization.id"]' in answer.headers["x-zendesk-api-warn"]
    assert "x-zendesk-api-warn" not in put(zendesk, organization, notes="m").headers


def test_create_or_update_matches_id_or_external_id_but_not_name(zendesk: Any) -> None:
    def send(**attributes: Any) -> Any:
        return zendesk.call("POST", "/organizations/create_or_update", json={"organization": attributes})

    made = send(name="a", external_id="A")
    assert made.status_code == 201
    assert (send(external_id="a", name="b").status_code, zendesk.get("/organizations/count")["count"]["value"]) == (
        200,
        1,
    )
    assert send(id=made.json()["organization"]["id"], notes="n").json()["organization"]["name"] == "b"
    assert "name" in refused(send(name="B"))


VALUES = [
    ("account_owner", "Ada", "Ada"),
    ("account_owner", 7, "7"),
    ("account_owner", "", None),
    ("account_owner", None, None),
    ("renewal_notes", "a\nb", "a\nb"),
    ("support_hold", True, True),
    ("support_hold", "true", True),
    ("support_hold", "0", False),
    ("support_hold", False, False),
    ("support_hold", None, False),
    ("expiration_date", "2018-11-04", "2018-11-04T00:00:00+00:00"),
    ("expiration_date", "2018-11-04T13:14:15Z", "2018-11-04T00:00:00+00:00"),
    ("expiration_date", "", None),
    ("seats", "12", 12),
    ("account_type", "open_partner", "open_partner"),
    ("account_type", None, None),
    ("regions", ["emea", "apac"], ["emea", "apac"]),
    ("share", "0.5", 0.5),
    ("code", "AB-12", "AB-12"),
]
INVALID = [
    ("account_owner", ["Ada"]),
    ("support_hold", "perhaps"),
    ("expiration_date", "tomorrow"),
    ("expiration_date", "2018-02-30"),
    ("seats", "many"),
    ("account_type", "Open partner"),
    ("account_type", "OPEN_PARTNER"),
    ("regions", ["emea", "mars"]),
    ("share", "half"),
    ("code", "AB-1x"),
]


def add_fields(sandbox: Sandbox) -> None:
    sandbox.add_organization_field(key="share", type="decimal")
    sandbox.add_organization_field(key="code", type="regexp", regexp_for_validation="[A-Z]+-[0-9]+")


@pytest.mark.parametrize(("key", "value", "stored"), VALUES)
def test_a_field_keeps_a_value_in_its_own_form(
    sandbox: Sandbox, zendesk: Any, key: str, value: Any, stored: Any
) -> None:
    add_fields(sandbox)
    organization = zendesk.create(name="a", organization_fields={key: value})
    assert organization["organization_fields"][key] == stored


@pytest.mark.parametrize(("key", "value"), INVALID)
def test_a_field_refuses_what_it_cannot_be(sandbox: Sandbox, zendesk: Any, key: str, value: Any) -> None:
    add_fields(sandbox)
    details = refused(post(zendesk, name="a", organization_fields={key: value}))
    assert details["organization_fields"][0]["error"] == "InvalidValue"


def test_all_active_fields_are_shown_false_for_a_checkbox_that_was_never_set_and_null_for_others(zendesk: Any) -> None:
    shown = zendesk.create(name="a")["organization_fields"]
    fields = zendesk.get("/organization_fields")["organization_fields"]
    assert list(shown.items()) == [(field["key"], False if field["type"] == "checkbox" else None) for field in fields]
    assert {False, None} == set(shown.values())


def test_an_inactive_field_is_not_shown_and_not_written(sandbox: Sandbox, zendesk: Any) -> None:
    organization = zendesk.create(name="a", organization_fields={"account_owner": "Ada"})
    sandbox.change_organization_field("account_owner", active=False)
    answer = put(zendesk, organization, organization_fields={"account_owner": "Bo"})
    assert "account_owner" not in answer.json()["organization"]["organization_fields"]
    assert "organization.organization_fields.account_owner" in answer.headers["x-zendesk-api-warn"]
    sandbox.change_organization_field("account_owner", active=True)
    assert sandbox.organization(organization["id"])["organization_fields"]["account_owner"] == "Ada"


def test_values_of_dropdowns_and_ticked_checkboxes_are_tags_as_well(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.add_organization_field(key="vip", type="checkbox", tag="very_important")
    organization = zendesk.create(
        name="a", tags=["own"], organization_fields={"account_type": "open_partner", "vip": True, "regions": ["emea"]}
    )
    assert organization["tags"] == ["emea", "open_partner", "own", "very_important"]
    fields = {"account_type": "select_partner", "vip": False}
    changed = put(zendesk, organization, organization_fields=fields).json()["organization"]
    assert changed["tags"] == ["emea", "own", "select_partner"]


def test_tags_and_domain_names_are_overwritten_whole(zendesk: Any) -> None:
    organization = zendesk.create(name="a", tags=["x", "y"], domain_names=["a.example", "b.example"])
    changed = put(zendesk, organization, tags=["z"], domain_names=[]).json()["organization"]
    assert (changed["tags"], changed["domain_names"]) == (["z"], [])


def test_what_has_a_wrong_type_does_no_harm(zendesk: Any) -> None:
    organization = zendesk.create(name=7, tags="a b", organization_fields=["x"], id=[1])
    assert (organization["name"], organization["tags"]) == ("7", ["a", "b"])
    body = {"organization": {"id": [1], "name": "b"}}
    assert zendesk.call("POST", "/organizations/create_or_update", json=body).status_code == 201
    batch = {"organizations": [{"id": [1]}, {"id": None}, {"id": "x"}, {"id": str(organization["id"]), "notes": "n"}]}
    results = zendesk.ended(zendesk.submit("PUT", "/organizations/update_many", batch))["results"]
    assert ["error" in each for each in results] == [True, True, True, False]


def test_deleting_a_field_leaves_its_tag(sandbox: Sandbox, zendesk: Any) -> None:
    organization = zendesk.create(name="a", organization_fields={"account_type": "customer"})
    sandbox.delete_organization_field("account_type")
    shown = sandbox.organization(organization["id"])
    assert (shown["tags"], "account_type" in shown["organization_fields"]) == (["customer"], False)


def test_an_option_that_comes_back_has_another_id_than_before(sandbox: Sandbox) -> None:
    def ids(*options: str) -> dict[str, int]:
        field = sandbox.change_organization_field("support_level", options=list(options))
        return {one["value"]: one["id"] for one in field["custom_field_options"]}

    first, _, again = ids("gold", "silver"), ids("gold"), ids("silver", "gold")
    assert first["gold"] == again["gold"]
    assert again["silver"] not in first.values()


def test_options_left_out_are_removed_from_organizations(sandbox: Sandbox, zendesk: Any) -> None:
    organization = zendesk.create(
        name="a", organization_fields={"account_type": "customer", "regions": ["emea", "apac"]}
    )
    sandbox.change_organization_field("account_type", options=["open_partner"])
    sandbox.change_organization_field("regions", options=["apac"])
    fields = sandbox.organization(organization["id"])["organization_fields"]
    assert (fields["account_type"], fields["regions"]) == (None, ["apac"])


def test_an_organization_can_be_updated_five_times_a_minute(zendesk: Any) -> None:
    organization, other = zendesk.create(name="a"), zendesk.create(name="b")
    statuses = [put(zendesk, organization, notes=str(number)).status_code for number in range(6)]
    assert statuses == [200] * 5 + [429]
    answer = put(zendesk, organization, notes="x")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["Content-Type"].startswith("text/html")
    assert put(zendesk, other, notes="x").status_code == 200


def test_every_applied_change_is_written_down_with_what_it_changed(sandbox: Sandbox, zendesk: Any) -> None:
    organization = zendesk.create(name="a", external_id="A", organization_fields={"account_owner": "Ada"})
    put(zendesk, organization, name="b", organization_fields={"account_owner": "Ada"})
    put(zendesk, organization, name="b")
    sandbox.edit(organization["id"], organization_fields={"account_owner": None})
    zendesk.call("DELETE", f"/organizations/{organization['id']}")
    writes = sandbox.writes()
    assert [(write["n"], write["by"], write["action"], write["no_op"]) for write in writes] == [
        (1, "single", "create", False),
        (2, "single", "update", False),
        (3, "single", "update", True),
        (4, "person", "update", False),
        (5, "single", "delete", False),
    ]
    assert (writes[1]["before"], writes[1]["after"]) == ({"name": "a"}, {"name": "b"})
    assert writes[3]["before"] == {"organization_fields.account_owner": "Ada"}
    assert writes[3]["after"] == {"organization_fields.account_owner": None}
    assert {write["external_id"] for write in writes} == {"A"}
    assert sandbox.writes(since=3)[0]["n"] == 4


def test_an_update_without_a_difference_leaves_the_time_alone(sandbox: Sandbox) -> None:
    (organization_id,) = sandbox.add_organizations([{"name": "a", "created_at": "2020-01-01T00:00:00Z"}])
    assert sandbox.edit(organization_id, name="a")["updated_at"] == "2020-01-01T00:00:00Z"
    assert sandbox.edit(organization_id, name="b")["updated_at"] > "2020-01-01T00:00:00Z"


def test_a_person_is_bound_by_the_same_rules(sandbox: Sandbox) -> None:
    _, second = sandbox.add_organizations([{"name": "a"}, {"name": "b"}])
    with pytest.raises(ControlError, match="Name: A has already been taken") as refusal:
        sandbox.edit(second, name="A")
    assert refusal.value.status == 422


def test_rows_put_there_raw_may_be_doubles(sandbox: Sandbox, zendesk: Any) -> None:
    sandbox.add_organizations([{"name": "a", "external_id": "A"}, {"name": "a", "external_id": "A"}])
    assert zendesk.get("/organizations/search", {"external_id": "a"})["count"] == 2

"""The reading of an instance: fields first, then all organizations or nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from partner_sync.archive import codec
from partner_sync.compare.canonical import text_value
from partner_sync.compare.organization_schema import ExpectedField, organization_schema
from partner_sync.config.load import load
from partner_sync.errors import IncompleteReadError, SchemaError
from partner_sync.gather.organizations import prove, read_organizations, whole
from partner_sync.model import InstanceRead, Organization, OrganizationsSnapshot, ReadProof

LIST, COUNT = "/api/v2/organizations", "/api/v2/organizations/count"
PARTNER = ("alliance_partner", "open_partner", "select_partner")
OWNED = ("salesforce_id", "account_owner", "support_hold", "account_type", "mark_for_deletion")
EXPECTED = (
    ExpectedField("salesforce_id", ("text", "textarea")),
    ExpectedField("support_hold", ("checkbox",)),
    ExpectedField("account_type", ("dropdown",), PARTNER),
)


SHIPPED = organization_schema(load((Path(__file__).parents[2] / "dags" / "partner_sync.toml").read_text(), "config"))
SCHEMA = replace(SHIPPED, kept=OWNED, expected=EXPECTED, partner_types=PARTNER)


def read(zendesk, *, progress=lambda *_: None, expected=EXPECTED):
    return read_organizations(
        zendesk,
        write=True,
        schema=replace(SCHEMA, expected=expected),
        progress=progress,
    )


# -- what is read


def test_all_organizations_are_read_and_proven(sandbox, zendesk):
    seen = []

    instance = read(zendesk, progress=lambda *counts: seen.append(counts))

    proof = instance.proof
    assert (instance.instance, instance.write) == ("global", True)
    assert [each.id for each in instance.organizations] == [row["id"] for row in sandbox.organizations()]
    assert (proof.system, proof.read, proof.announced, proof.pages) == ("Zendesk global", 400, 400, 4)
    assert seen == [(100, 400), (200, 400), (300, 400), (400, 400)]


@pytest.mark.parametrize("further", [0, 1, 99, 100, 101])
def test_reading_costs_a_call_a_hundred_and_at_most_four_more(sandbox, zendesk, further):
    sandbox.add_organizations([{"name": f"Further {number}"} for number in range(further)])

    proof = read(zendesk).proof

    assert proof.calls == -(-(400 + further) // 100) + 3
    assert proof.calls == zendesk.calls


ODD = {"a number": 7, "a half": 7.5, "true": True, "a list": ["a"], "an object": {"a": 1}, "nothing": None}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("key", ["name", "external_id", "salesforce_id", "account_type", "account_owner"])
def test_a_value_of_another_type_comes_through_a_snapshot_and_leaves_the_others_as_they_are(odd, key):
    fields = {"salesforce_id": "a", "account_type": "open_partner", "account_owner": "A. Ortiz"}
    raw = {"id": 7, "name": "Odd", "external_id": "b", "organization_fields": fields}
    (raw if key in raw else fields)[key] = odd

    odd_one = whole(raw, SCHEMA)
    others = replace(odd_one, id=8, name="Healthy", fields={"account_owner": "A. Ortiz"})

    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    read = InstanceRead("global", True, ReadProof("Zendesk global", 2, 2, 1, 1), (odd_one, others))
    snapshot = OrganizationsSnapshot(now, now, (read,))
    loaded = codec.load_value(OrganizationsSnapshot, codec.dump(snapshot), source="it", next_step="")
    assert loaded == snapshot
    if key == "account_owner":
        shown = odd_one.fields["account_owner"]
        assert text_value(shown) == text_value(odd)  # what a re-read will show


def test_partner_organizations_are_kept_whole_and_others_as_far_as_matching_needs(sandbox, zendesk):
    rows = {row["id"]: row for row in sandbox.organizations()}

    organizations = read(zendesk).organizations

    kinds = {(each.account_type in PARTNER, each.fields is not None) for each in organizations}
    assert kinds == {(True, True), (False, False)}
    for each in organizations:
        fields = rows[each.id]["organization_fields"]
        kept = {key: fields[key] for key in OWNED if key != "name"}
        assert each == Organization(
            id=each.id,
            name=rows[each.id]["name"],
            external_id=rows[each.id]["external_id"],
            salesforce_id=fields["salesforce_id"],
            account_type=fields["account_type"],
            fields=kept if fields["account_type"] in PARTNER else None,
        )


def test_an_organization_read_again_is_whole_whatever_it_is(sandbox, zendesk):
    customer = next(each for each in read(zendesk).organizations if each.account_type == "customer")
    raw = zendesk.show_many(ids=[customer.id])[0]

    again = whole(raw, SCHEMA)

    assert again.fields is not None
    assert set(again.fields) == set(OWNED) - {"name"}
    assert (again.id, again.name, again.account_type) == (customer.id, customer.name, "customer")


def test_an_organization_without_custom_fields_is_read():
    raw = {"id": 7, "name": "Bare", "external_id": None, "organization_fields": {}}

    bare = whole(raw, replace(SCHEMA, kept=("support_hold",)))

    assert bare == Organization(7, "Bare", None, None, None, {"support_hold": None})


# -- what is not complete


def test_organizations_missing_from_a_page_are_noticed(sandbox, zendesk):
    sandbox.fault("short_read", path=LIST, skip=1, drop=1)

    with pytest.raises(IncompleteReadError, match="listed 399 organizations and counted 400 before and 400 after"):
        read(zendesk)


def test_a_listing_that_ends_too_early_is_noticed(sandbox, zendesk):
    sandbox.fault("short_read", path=LIST, skip=2, end=True)

    with pytest.raises(IncompleteReadError, match="listed 300 organizations"):
        read(zendesk)


def test_organizations_that_come_while_we_read_are_in_order(sandbox, zendesk):
    def progress(done, _):
        if done == 200:
            sandbox.add_organizations([{"name": f"Further {number}"} for number in range(3)])

    proof = read(zendesk, progress=progress).proof

    assert (proof.read, proof.announced) == (403, 403)


def test_organizations_that_go_while_we_read_are_in_order(sandbox, zendesk):
    ids = [row["id"] for row in sandbox.organizations()]

    def progress(done, _):
        if done == 200:
            for gone in (*ids[:2], *ids[-2:]):
                sandbox.delete_organization(gone)

    proof = read(zendesk, progress=progress).proof

    assert (proof.read, proof.announced) == (398, 396)


def test_no_organizations_at_all_are_no_answer(sandbox, zendesk):
    sandbox.reset(world="empty")

    with pytest.raises(IncompleteReadError, match="lists no organization at all"):
        read(zendesk)


def test_an_organization_that_is_listed_twice_is_noticed_although_the_count_is_right(sandbox, zendesk):
    rows = sandbox.organizations()[:1] * 2
    body = json.dumps({"organizations": rows, "meta": {"has_more": False}})
    sandbox.fault("status", status=200, body=body, content_type="application/json", path=LIST)

    with pytest.raises(IncompleteReadError, match="listed 1 organizations twice"):
        read(zendesk)


@pytest.mark.parametrize(
    ("read_here", "counted", "complete"),
    [
        (100_001, 100_002, True),
        (100_001, 99_010, True),
        (100_001, 99_000, False),
        (100_000, 101_010, True),
        (100_000, 101_011, False),
        (100_000, 99_999, False),
    ],
)
def test_a_count_of_yesterday_may_differ_by_one_percent_above_100_000(read_here, counted, complete):
    if complete:
        prove("global", read_here, read_here, counted, counted)
    else:
        with pytest.raises(IncompleteReadError):
            prove("global", read_here, read_here, counted, counted)


# -- the pre-flight


def test_fields_are_checked_before_anything_is_listed(sandbox, zendesk):
    sandbox.delete_organization_field("support_hold")

    with pytest.raises(SchemaError):
        read(zendesk)

    assert {call["path"] for call in sandbox.calls()} == {"/oauth/tokens", "/api/v2/organization_fields"}


def test_everything_that_is_wrong_with_the_fields_is_named_at_once(sandbox, zendesk):
    sandbox.delete_organization_field("salesforce_id")
    sandbox.change_organization_field("support_hold", active=False)
    options = ["customer", "open_partner"]
    sandbox.change_organization_field("account_type", options=options)
    expected = (*EXPECTED, ExpectedField("account_owner", ("checkbox",)))

    with pytest.raises(SchemaError, match="Zendesk global is not what the mapping needs") as caught:
        read(zendesk, expected=expected)

    assert [(finding.key, finding.wrong) for finding in caught.value.findings] == [
        ("salesforce_id", "is not an organization field"),
        ("support_hold", "is inactive"),
        ("account_type", "has no option with the value alliance_partner"),
        ("account_type", "has no option with the value select_partner"),
        ("account_owner", "has type text, not checkbox"),
    ]

"""The reading of an instance: fields first, then all organizations or nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from partner_sync.archive import codec
from partner_sync.archive.memory_records import ReadRecord
from partner_sync.compare.canonical import text_value
from partner_sync.compare.organization_schema import ExpectedField, organization_schema
from partner_sync.config.load import load
from partner_sync.errors import IncompleteReadError, RejectedError, SchemaError
from partner_sync.gather.changed_read import Base, ReadRequest
from partner_sync.gather.organization_rows import whole
from partner_sync.gather.organizations import fits_count, read_organizations
from partner_sync.model import InstanceRead, Organization, OrganizationsSnapshot, ReadProof
from partner_sync.vendors.zendesk_client import OrganizationCount

LIST, COUNT = "/api/v2/organizations", "/api/v2/organizations/count"
SHOW, JOBS = "/api/v2/organizations/show_many", "/api/v2/job_statuses"
PARTNER = ("alliance_partner", "open_partner", "select_partner")
OWNED = ("salesforce_id", "account_owner", "support_hold", "account_type", "mark_for_deletion")
EXPECTED = (
    ExpectedField("salesforce_id", ("text", "textarea")),
    ExpectedField("support_hold", ("checkbox",)),
    ExpectedField("account_type", ("dropdown",), PARTNER),
)


SHIPPED = organization_schema(load((Path(__file__).parents[2] / "dags" / "partner_sync.toml").read_text(), "config"))
SCHEMA = replace(SHIPPED, kept=OWNED, expected=EXPECTED, partner_types=PARTNER)


def read(zendesk, *, progress=lambda *_: None, expected=EXPECTED, known=(), write=True):
    """A full listing; `known` are the ids of the last read, which was made under other rules."""
    now = datetime.now(timezone.utc)
    organizations = {number: Organization(number, "", None, None, None) for number in known}
    return read_organizations(
        zendesk,
        write=write,
        schema=replace(SCHEMA, expected=expected),
        base=Base(ReadRecord("global", "run", now, now, now, "other rules"), organizations) if known else None,
        request=ReadRequest(now, "run", now),
        progress=progress,
    ).instance


# -- what is read


def test_all_organizations_are_read_and_proven(sandbox, zendesk):
    seen = []

    instance = read(zendesk, progress=lambda *counts: seen.append(counts))

    proof = instance.proof
    assert (instance.instance, instance.write) == ("global", True)
    assert [each.id for each in instance.organizations] == [row["id"] for row in sandbox.organizations()]
    assert (proof.system, proof.read, proof.announced, proof.pages, proof.gone) == ("Zendesk global", 400, 400, 4, 0)
    assert seen == [(100, 400), (200, 400), (300, 400), (400, 400)]


@pytest.mark.parametrize("further", [0, 1, 99, 100, 101])
def test_reading_costs_a_call_a_hundred_and_at_most_four_more(sandbox, zendesk, further):
    sandbox.add_organizations([{"name": f"Further {number}"} for number in range(further)])

    proof = read(zendesk).proof

    assert proof.calls == -(-(400 + further) // 100) + 4
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


def ids(sandbox):
    return [row["id"] for row in sandbox.organizations()]


def test_a_known_organization_that_is_missing_from_a_page_is_noticed(sandbox, zendesk):
    sandbox.fault("short_read", path=LIST, skip=1, drop=1)

    with pytest.raises(IncompleteReadError, match=f"did not list organization {ids(sandbox)[199]}, which exists"):
        read(zendesk, known=ids(sandbox))


def test_a_listing_that_ends_too_early_is_noticed_by_the_first_of_many_that_exist(sandbox, zendesk):
    sandbox.fault("short_read", path=LIST, skip=0, end=True)

    with pytest.raises(IncompleteReadError, match="which exists"):
        read(zendesk, known=ids(sandbox))

    assert [call["path"] for call in sandbox.calls()].count(SHOW) == 1


def test_known_organizations_that_were_deleted_are_confirmed_gone_100_a_call(sandbox, zendesk):
    known = ids(sandbox)
    for gone in known[:120]:
        sandbox.delete_organization(gone)

    proof = read(zendesk, known=known).proof

    assert (proof.read, proof.announced, proof.gone) == (280, 280, 120)
    assert [call["path"] for call in sandbox.calls()].count(SHOW) == 2
    assert proof.calls == zendesk.calls == 3 + 4 + 2


def test_with_a_previous_snapshot_a_count_that_differs_is_shown_and_no_error(sandbox, zendesk):
    known = ids(sandbox)
    counts(sandbox, 7)

    proof = read(zendesk, known=known).proof

    assert (proof.read, proof.announced) == (400, 7)


def test_a_first_listing_that_lacks_a_page_is_repeated_once(sandbox, zendesk):
    sandbox.fault("short_read", path=LIST, skip=2, end=True)

    proof = read(zendesk).proof

    assert (proof.read, proof.announced, proof.pages) == (400, 400, 4)
    assert proof.calls == zendesk.calls == 3 + 4 + 6


def test_a_first_listing_that_lacks_a_page_twice_is_refused(sandbox, zendesk):
    sandbox.fault("short_read", path=LIST, times=2, end=True)

    with pytest.raises(IncompleteReadError, match="listed 100 organizations and counted 400 before and 400 after"):
        read(zendesk)


def test_organizations_that_come_while_we_read_are_in_order(sandbox, zendesk):
    def progress(done, _):
        if done == 200:
            sandbox.add_organizations([{"name": f"Further {number}"} for number in range(3)])

    proof = read(zendesk, progress=progress).proof

    assert (proof.read, proof.announced) == (403, 403)


def test_organizations_that_go_while_we_read_are_in_order(sandbox, zendesk):
    known = ids(sandbox)

    def progress(done, _):
        if done == 200:
            for gone in (*known[:2], *known[-2:]):
                sandbox.delete_organization(gone)

    proof = read(zendesk, progress=progress, known=known).proof

    assert (proof.read, proof.announced, proof.gone) == (398, 396, 2)


@pytest.mark.parametrize("first", [True, False])
def test_one_that_comes_and_one_that_goes_while_we_read_are_in_order(sandbox, zendesk, first):
    """Both were listed or will be: more organizations than there ever were at once."""
    known = ids(sandbox)

    def progress(done, _):
        if done == 200:
            sandbox.delete_organization(known[0])
            sandbox.add_organizations([{"name": "Walk-in customer"}])

    proof = read(zendesk, progress=progress, known=() if first else known).proof

    assert (proof.read, proof.announced) == (401, 400)


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


def counts(sandbox, value, refreshed_at="2026-11-24T03:00:00Z"):
    """Whatever the sandbox has, it counts so many."""
    body = json.dumps({"count": {"value": value, "refreshed_at": refreshed_at}})
    sandbox.fault("status", path=COUNT, times=None, status=200, body=body, content_type="application/json")


@pytest.mark.parametrize("counted", [390, 410])
def test_a_first_listing_may_differ_from_the_count_by_ten(sandbox, zendesk, counted):
    counts(sandbox, counted)

    assert (read(zendesk).proof.read, read(zendesk).proof.announced) == (400, counted)


@pytest.mark.parametrize("counted", [389, 411])
def test_a_first_listing_that_differs_by_more_is_refused(sandbox, zendesk, counted):
    counts(sandbox, counted)

    with pytest.raises(IncompleteReadError, match=f"listed 400 organizations and counted {counted} before"):
        read(zendesk)


def test_above_100_000_a_count_proves_nothing(sandbox, zendesk):
    counts(sandbox, 100_001)

    assert read(zendesk).proof.announced == 100_001


def test_a_count_that_zendesk_updates_proves_nothing(sandbox, zendesk):
    counts(sandbox, 100_000, refreshed_at=None)

    assert read(zendesk).proof.announced == 100_000


@pytest.mark.parametrize(("read_here", "counted", "fits"), [(99_900, 100_000, True), (99_899, 100_000, False)])
def test_of_many_organizations_one_in_a_thousand_may_come_and_go(read_here, counted, fits):
    count = OrganizationCount(counted, settled=True)

    assert fits_count(read_here, count, count) is fits


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


def test_an_instance_that_does_not_show_its_jobs_is_not_read_to_be_written(sandbox, zendesk):
    sandbox.fault("forbidden", path=JOBS, times=None)

    with pytest.raises(
        RejectedError, match=r"job_statuses with 403\..* Give the user of the Connection of global"
    ) as caught:
        read(zendesk)

    assert caught.value.status == 403
    assert LIST not in {call["path"] for call in sandbox.calls()}


def test_an_instance_that_is_only_read_need_not_show_its_jobs(sandbox, zendesk):
    sandbox.fault("forbidden", path=JOBS, times=None)

    assert read(zendesk, write=False).proof.calls == 4 + 3

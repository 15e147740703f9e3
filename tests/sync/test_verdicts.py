"""Which fields may be written, and the verdict afterwards, by what Zendesk shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from partner_sync.compare.organization_schema import organization_schema
from partner_sync.config.load import load
from partner_sync.model import Create, FieldChange, Mark, Update
from partner_sync.sync.verdicts import OrganizationReader, after_write, before_write, payload, refusals

CONFIG = load((Path(__file__).parents[2] / "dags" / "partner_sync.toml").read_text(), "partner_sync.toml")
READER = OrganizationReader(organization_schema(CONFIG))

UPDATE = Update(
    instance="global",
    account_id="0014M00001AbcdeQAB",
    organization_id=7,
    name="Nimbus",
    fields=(FieldChange("name", "Nimbus", "Nimbus Systems"), FieldChange("account_owner", "Ann", None)),
    reason="",
)
CREATE = Create(
    instance="global",
    account_id="0014M00001AbcdeQAB",
    name="Nimbus",
    fields=(
        FieldChange("name", None, "Nimbus"),
        FieldChange("external_id", None, "0014M00001AbcdeQAB"),
        FieldChange("account_owner", None, "Ann"),
        FieldChange("support_hold", None, True),
    ),
    reason="",
)


def organization(name="Nimbus", external_id="0014M00001AbcdeQAB", **fields):
    return {"id": 7, "name": name, "external_id": external_id, "organization_fields": fields}


@pytest.mark.parametrize(
    ("raw", "verdict", "write"),
    [
        (organization(account_owner="Ann"), None, ["name", "account_owner"]),
        (organization(" Nimbus Systems ", account_owner="Ann"), None, ["account_owner"]),
        (organization("Nimbus Systems", account_owner=""), "confirmed", []),
        (organization("Nimbus Systems", account_owner="Bo"), "superseded", []),
        (organization("Nimbus Inc", account_owner="Ann"), None, ["account_owner"]),
        (None, "superseded", []),
    ],
    ids=["as before", "one field desired", "all desired", "one changed", "one changed, one as before", "gone"],
)
def test_only_fields_that_are_still_as_the_plan_saw_them_are_written(raw, verdict, write):
    judged = before_write(UPDATE, raw, READER)
    assert (verdict, write) == (judged.verdict, [field.field for field in judged.write])


A, B = "0014M00001AbcdeQAB", "0014M00001AbcdfQAB"
MARK = Mark("global", A, 7, "Nimbus", (FieldChange("mark_for_deletion", False, True),), "")
BEFORE = {"account_owner": "Ann"}
PARTNER = {"account_type": "open_partner"}


@pytest.mark.parametrize(
    ("change", "raw"),
    [
        (UPDATE, organization(**BEFORE, salesforce_id=A)),
        (UPDATE, organization(**BEFORE, salesforce_id=A[:15], external_id=B)),
        (UPDATE, organization(**BEFORE, external_id=A.lower())),
        (UPDATE, organization(**BEFORE, salesforce_id="see notes")),
        (MARK, organization(**PARTNER, salesforce_id=A, external_id=None)),
        (MARK, organization(**PARTNER, external_id=A[:15])),
    ],
    ids=["id field", "its 15 characters", "external_id in small letters", "no id", "mark", "mark by external_id"],
)
def test_an_organization_that_is_still_its_accounts_is_written(change, raw):
    assert before_write(change, raw, READER).verdict is None


@pytest.mark.parametrize(
    ("change", "raw"),
    [
        (UPDATE, organization(**BEFORE, salesforce_id=B)),
        (UPDATE, organization(**BEFORE, external_id=B)),
        (UPDATE, organization(**BEFORE, external_id=None)),
        (MARK, organization(**PARTNER, salesforce_id=B)),
        (MARK, organization(**PARTNER, external_id="")),
    ],
    ids=["id field", "external_id", "neither", "mark", "mark without id"],
)
def test_an_organization_that_an_agent_gave_to_another_account_is_left_alone(change, raw):
    judged = before_write(change, raw, READER)
    assert ("superseded", ()) == (judged.verdict, judged.write)
    assert "no longer belongs to this account" in judged.reason


def test_an_organization_that_an_agent_made_a_customer_is_not_marked():
    judged = before_write(MARK, organization(salesforce_id=A, account_type="customer"), READER)
    assert ("superseded", ()) == (judged.verdict, judged.write)
    assert "is no longer a partner's" in judged.reason


@pytest.mark.parametrize(
    ("raw", "verdict"),
    [
        (None, None),
        (organization(account_owner="Ann", support_hold=True), "confirmed"),
        (organization(account_owner="Bo", support_hold=True), "superseded"),
    ],
    ids=["not there", "there as desired", "there otherwise"],
)
def test_a_create_whose_organization_is_there_by_now_is_not_sent_again(raw, verdict):
    assert verdict == before_write(CREATE, raw, READER).verdict


@pytest.mark.parametrize(
    ("raw", "message", "verdict"),
    [
        (organization("Nimbus Systems", account_owner=None), None, "confirmed"),
        (organization("Nimbus Systems", account_owner=None), "OrganizationUpdateFailed", "confirmed"),
        (organization("Nimbus", account_owner="Ann"), "OrganizationUpdateFailed", "rejected"),
        (organization("Nimbus Systems", account_owner="Ann"), None, "rejected"),
        (organization("Nimbus Systems", account_owner="Bo"), None, "superseded"),
        (organization("Other", account_owner="Ann"), None, "rejected"),
        (None, None, "unknown"),
    ],
    ids=["shows", "shows though refused", "refused", "dropped silently", "third value", "both", "unreadable"],
)
def test_a_verdict_goes_by_what_zendesk_shows_not_by_what_the_job_says(raw, message, verdict):
    assert verdict == after_write(UPDATE, raw, READER, message).verdict


@pytest.mark.parametrize(
    ("raw", "verdict"),
    [
        (organization(account_owner="Ann", support_hold=True), "confirmed"),
        (None, "rejected"),
        (organization(account_owner="Ann", support_hold=None), "rejected"),
        (organization("Other", account_owner="Ann", support_hold=True), "superseded"),
    ],
    ids=["shows", "not there", "a field dropped", "another name"],
)
def test_a_create_is_confirmed_only_with_all_its_fields(raw, verdict):
    assert verdict == after_write(CREATE, raw, READER, None).verdict


def test_a_refusal_is_found_by_organization_id_or_index_and_anything_unclear_counts_as_one():
    other = Update("global", "0014M00001AbcdfQAB", 8, "Other", UPDATE.fields, "")
    rows = [(3, UPDATE), (5, other)]
    results = [
        {"index": 1, "error": "OrganizationUpdateFailed", "id": 8, "details": "Name:  X has already been taken"},
        {"action": "update", "id": 7, "status": "Updated", "success": True},
    ]
    assert {5: "OrganizationUpdateFailed Name:  X has already been taken"} == refusals(results, rows)
    assert {3: "no reason given"} == refusals([{"index": 0}], [(3, CREATE)])
    assert {} == refusals([{"status": "Created", "id": 99}], [(3, CREATE)])
    assert {3: "no reason given"} == refusals([{"status": "Failed", "id": 99}], [(3, CREATE)])
    assert {3: "no reason given"} == refusals([{"success": False, "id": 99}], [(3, CREATE)])
    assert {3: "Odd"} == refusals([{"status": "Created", "error": "Odd"}], [(3, CREATE)])


def test_an_item_of_a_create_with_id_and_index_alone_is_a_success_and_a_missing_item_is_no_refusal():
    rows = [(3, CREATE), (5, CREATE)]
    assert {} == refusals([{"id": 99, "index": 0}], rows)
    assert {} == refusals([{"index": 0, "id": 99, "account_id": 7}, {"index": 1, "id": 98}], rows)


def test_items_of_a_job_that_are_of_another_type_are_held_against_their_place():
    for odd in ({"id": ["7"]}, {"id": {"a": 1}}, {"id": "7"}, {"index": "0"}, {"status": ["Updated"]}, {"success": 1}):
        assert {5: "no reason given"} == refusals([odd], [(5, UPDATE)])
    assert {5: "['a'] {'b': 1}"} == refusals([{"error": ["a"], "details": {"b": 1}}], [(5, UPDATE)])


def test_a_body_has_attributes_at_the_top_and_fields_by_key_and_clears_by_null():
    assert {
        "id": 7,
        "name": "Nimbus Systems",
        "organization_fields": {"account_owner": None},
    } == payload(UPDATE, UPDATE.fields)
    mark = Mark("global", "0014M00001AbcdeQAB", 7, "N", (FieldChange("mark_for_deletion", False, True),), "")
    assert {"id": 7, "organization_fields": {"mark_for_deletion": True}} == payload(mark, mark.fields)
    assert "id" not in payload(CREATE, CREATE.fields)

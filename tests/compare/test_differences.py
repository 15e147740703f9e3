"""What an account changes on its organization: fields, reasons, creates, un-marks, adoption."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from partner_sync.compare.plan import compare_snapshots
from partner_sync.compare.snapshots import match_snapshots
from partner_sync.config.load import load
from partner_sync.errors import CLEAR_BOTH, SnapshotError
from partner_sync.model import Create, FieldChange, Update
from tests.compare.builders import (
    ANSWERS,
    BEGUN,
    BYSTANDER,
    CONFIG,
    RUN,
    SHIPPED,
    TOML,
    accounts,
    an_account,
    an_id,
    an_instance,
    an_organization,
    changed,
    kinds,
    make_plan,
    only_problem,
    plan_of,
    snapshot,
)


def test_nothing_changes_where_all_is_in_sync() -> None:
    plan = plan_of([an_account(1), an_account(2)], [an_organization(1), an_organization(2)])
    assert (plan.changes, plan.problems, plan.holds, plan.digests) == ((), (), (), {})
    assert plan.counts["unchanged"] == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"solutions_architect": "", "account_owner": " A. Ortiz "},
        {"restricted_account": None, "support_hold": None, "mark_for_deletion": None},
        {"support_hold": "false"},
        {"salesforce_id": f" {an_id(1)} "},
        {"name": " Partner 1 "},
    ],
)
def test_what_means_the_same_is_no_change(fields: dict[str, object]) -> None:
    assert plan_of([an_account(1)], [an_organization(1, **fields)]).changes == ()


def test_a_field_that_zendesk_does_not_list_is_empty() -> None:
    organization = an_organization(1)
    fields = {key: value for key, value in organization.fields.items() if key != "support_hold"}
    assert plan_of([an_account(1)], [replace(organization, fields=fields)]).changes == ()


def test_only_what_differs_is_changed_with_the_value_before() -> None:
    plan = plan_of(
        [an_account(1, Account_Owner_Calc__c=None, Support_Hold__c=True)],
        [an_organization(1, technical_account_manager=" T. Abe", support_hold=None)],
    )
    assert plan.changes == (
        Update(
            "global",
            an_id(1),
            101,
            "Partner 1",
            (FieldChange("account_owner", "A. Ortiz", None), FieldChange("support_hold", False, True)),
            "out of date",
        ),
    )
    assert plan.counts["update"] == 1


def test_a_rename_follows_the_account_even_if_only_its_case_differs() -> None:
    plan = plan_of([an_account(1, Name="PARTNER 1 ")], [an_organization(1)])
    assert changed(plan.changes[0]) == {"name": ("Partner 1", "PARTNER 1")}
    assert plan.changes[0].name == "Partner 1"


def test_an_account_without_organization_is_created_with_its_id_as_external_id() -> None:
    plan = plan_of([an_account(1, Name=" Nimbus ")], [])
    assert plan.changes == (
        Create(
            "global",
            an_id(1),
            "Nimbus",
            (
                FieldChange("name", None, "Nimbus"),
                FieldChange("external_id", None, an_id(1)),
                FieldChange("salesforce_id", None, an_id(1)),
                FieldChange("sfdc_short_id", None, an_id(1)[:15]),
                FieldChange("account_owner", None, "A. Ortiz"),
                FieldChange("technical_account_manager", None, "T. Abe"),
                FieldChange("restricted_account", None, False),
                FieldChange("account_type", None, "open_partner"),
                FieldChange("support_hold", None, False),
                FieldChange("org_in_escalated_state", None, False),
                FieldChange("mark_for_deletion", None, False),
            ),
            "new partner",
        ),
    )


@pytest.mark.parametrize("external_id", [None, "crm-7", an_id(2)])
def test_the_external_id_of_an_organization_is_never_changed(external_id: str | None) -> None:
    plan = plan_of([an_account(1, Support_Hold__c=True)], [an_organization(1, external_id=external_id)])
    assert set(changed(plan.changes[0])) == {"support_hold"}


def test_a_partner_that_returns_is_unmarked_and_the_reason_says_so() -> None:
    plan = plan_of([an_account(1)], [an_organization(1, mark_for_deletion=True)])
    assert plan.changes[0].fields == (FieldChange("mark_for_deletion", True, False, "partner is back: mark removed"),)
    assert plan.changes[0].reason == "partner is back: mark removed"
    assert plan.counts["unmarked"] == 1


def test_a_15_character_id_is_written_in_full_and_the_reason_says_so() -> None:
    plan = plan_of([an_account(1)], [an_organization(1, salesforce_id=an_id(1)[:15])])
    change = FieldChange("salesforce_id", an_id(1)[:15], an_id(1), "id had 15 characters")
    assert plan.changes[0].fields == (change,)


@pytest.mark.parametrize("own", [None, "  ", "n/a"])
def test_a_match_by_external_id_is_given_its_id_and_the_reason_says_so(own: str | None) -> None:
    plan = plan_of([an_account(1)], [an_organization(1, salesforce_id=own)])
    assert [one.reason for one in plan.changes[0].fields] == ["matched by external_id"]


@pytest.mark.parametrize("external_id", [an_id(1)[:15], an_id(1).lower(), f" {an_id(1)}"])
def test_an_external_id_counts_in_every_form_that_zendesk_takes_for_the_same(external_id: str) -> None:
    plan = plan_of([an_account(1)], [an_organization(1, salesforce_id=None, external_id=external_id)])
    assert [type(one) for one in plan.changes] == [Update]


def test_an_organization_of_another_type_is_adopted_and_the_reason_says_so() -> None:
    plan = plan_of([an_account(1)], [an_organization(1, account_type="customer", mark_for_deletion=True)])
    assert plan.changes[0].fields == (
        FieldChange("account_type", "customer", "open_partner", "adopted: was a customer organization"),
        FieldChange("mark_for_deletion", True, False, "partner is back: mark removed"),
    )
    assert plan.changes[0].reason == "adopted: was a customer organization; partner is back: mark removed"
    assert (plan.counts["adopted"], plan.counts["unmarked"]) == (1, 1)
    assert plan.changes[0].adopted


def test_an_organization_without_type_is_adopted() -> None:
    plan = plan_of([an_account(1)], [an_organization(1, account_type=None)])
    assert plan.changes[0].reason == "adopted: had no type"


def test_a_partner_that_changes_its_track_is_not_adopted() -> None:
    plan = plan_of([an_account(1, Partner_Track__c="Select")], [an_organization(1)])
    assert plan.changes[0].fields == (FieldChange("account_type", "open_partner", "select_partner"),)
    assert plan.counts["adopted"] == 0


@pytest.mark.parametrize(("kind", "shown"), [("customer", "is customer"), (None, "is empty")])
def test_adoption_can_be_a_problem_instead(kind: str | None, shown: str) -> None:
    config = replace(CONFIG, adoption="problem")
    organization = an_organization(1, account_type=kind, fields=None)
    plan = plan_of([an_account(1)], [organization], config=config)
    problem = only_problem(plan)
    assert (problem.kind, problem.account_ids, problem.organization_ids) == ("adoption", (an_id(1),), (101,))
    assert shown in problem.detail
    assert plan.changes == ()
    assert match_snapshots(config, accounts(an_account(1)), snapshot(an_instance(organization))).unread_fields() == {}


def test_an_attribute_that_is_added_to_the_file_alone_is_compared() -> None:
    added = '[[attributes]]\nfield = "since"\nfrom = "Since__c"\nrule = "date"\n\n[partners]'
    text = TOML.replace("[partners]", added).replace('["0014M00001sDiGEQA0"]', "[]")
    rows = [an_account(1, Since__c="2018-11-05"), an_account(2, Since__c="2018-11-04")]
    organizations = [an_organization(number, since="2018-11-04T00:00:00+00:00") for number in (1, 2)]
    plan = plan_of(rows, organizations, config=load(text, "partner_sync.toml"))
    assert [changed(one) for one in plan.changes] == [{"since": ("2018-11-04", "2018-11-05")}]


# -- organizations that were kept without fields ------------------------------------------------------------


def test_matches_that_were_kept_without_fields_are_read_whole_before_they_are_compared() -> None:
    rows = [an_account(1), an_account(2), an_account(3, Name=None)]
    kept = [an_organization(number, account_type="customer", fields=None) for number in (3, 2)]
    organizations = snapshot(an_instance(an_organization(1), *kept, BYSTANDER))
    matched = match_snapshots(CONFIG, accounts(*rows), organizations)
    assert matched.unread_fields() == {"global": [102]}
    whole = matched.with_read({"global": (an_organization(2, account_type="customer"),)})
    plan = compare_snapshots(whole, RUN, ANSWERS).plan
    assert [changed(one) for one in plan.changes] == [{"account_type": ("customer", "open_partner")}]


@pytest.mark.parametrize(
    "ids",
    [
        {"salesforce_id": an_id(1)[:15], "external_id": None},
        {"salesforce_id": f" \u200b{an_id(1)} ", "external_id": None},
        {"salesforce_id": None, "external_id": an_id(1)},
        {"salesforce_id": " ", "external_id": f" {an_id(1).lower()}"},
    ],
)
def test_whatever_form_its_id_has_a_match_without_fields_is_found(ids: dict[str, str | None]) -> None:
    organization = replace(an_organization(1, account_type="customer", fields=None), **ids)
    organizations = snapshot(an_instance(BYSTANDER, organization))
    assert match_snapshots(CONFIG, accounts(an_account(1)), organizations).unread_fields() == {"global": [101]}


def test_only_instances_with_such_matches_are_named_and_touched() -> None:
    config = load(
        TOML.replace(
            "[[attributes]]", '[[instances]]\nname = "us"\nconnection = "us"\nwrite = false\n\n[[attributes]]', 1
        ),
        "partner_sync.toml",
    )
    unread = an_organization(1, account_type="customer", fields=None)
    organizations = snapshot(an_instance(an_organization(1)), an_instance(unread, name="us"))
    matched = match_snapshots(config, accounts(an_account(1)), organizations)
    assert matched.unread_fields() == {"us": [101]}
    again = matched.with_read({"us": (an_organization(1, account_type="customer"),)})
    assert again.instances[0] is matched.instances[0]
    assert again.instances[1].organizations[0].fields is not None


def test_a_match_without_fields_is_refused() -> None:
    with pytest.raises(SnapshotError, match=f"Organization 101 of global .* {CLEAR_BOTH}"):
        plan_of([an_account(1)], [an_organization(1, fields=None)])


# -- snapshots that cannot be ---------------------------------------------------------------------------------


def comparing(rows: list[dict[str, object]], read: int | None = None, **instances: object) -> None:
    organizations = snapshot(
        *(replace(an_instance(an_organization(1)), instance=name, **changes) for name, changes in instances.items())
    )
    make_plan(SHIPPED, accounts(*rows, read=read), organizations)


@pytest.mark.parametrize(("rows", "read"), [([], 0), ([], 5), ([an_account(1)], 2)])
def test_an_account_snapshot_that_is_empty_or_has_lost_rows_is_refused(rows: list, read: int) -> None:
    with pytest.raises(SnapshotError, match=CLEAR_BOTH):
        comparing(rows, read, **{"global": {}})


@pytest.mark.parametrize(
    "instances",
    [
        {},
        {"us": {}},
        {"global": {}, "us": {}},
        {"global": {"organizations": ()}},
        {"global": {"organizations": (an_organization(1), an_organization(2))}},
    ],
)
def test_an_organization_snapshot_that_is_empty_partial_or_foreign_is_refused(instances: dict) -> None:
    with pytest.raises(SnapshotError, match=CLEAR_BOTH):
        comparing([an_account(1)], **instances)


def test_accounts_read_under_another_config_are_refused_since_what_they_lack_would_be_cleared() -> None:
    text = TOML.replace('from = "Account_Owner_Calc__c"', 'from = "Owner_Of_Today__c"')
    with pytest.raises(SnapshotError, match=r"another config: it has no Owner_Of_Today__c\. Clear gather_accounts"):
        plan_of([an_account(1)], [an_organization(1)], config=load(text, "partner_sync.toml"))


def test_an_organization_that_two_pages_list_is_one_organization() -> None:
    plan = plan_of([an_account(1)], [an_organization(1), an_organization(1)])
    assert kinds(plan) == []
    assert plan.counts["organizations"] == 2  # and the bystander


@pytest.mark.parametrize("minutes", [-31, 31])
def test_snapshots_begun_more_than_half_an_hour_apart_are_refused(minutes: int) -> None:
    organizations = replace(snapshot(an_instance(an_organization())), begun=BEGUN + timedelta(minutes=minutes))
    with pytest.raises(SnapshotError, match=f"31 minutes before the other one; the limit is 30 minutes. {CLEAR_BOTH}"):
        make_plan(CONFIG, accounts(an_account()), organizations)


@pytest.mark.parametrize("minutes", [-30, 0, 30])
def test_snapshots_begun_within_half_an_hour_are_compared(minutes: int) -> None:
    organizations = replace(snapshot(an_instance(an_organization())), begun=BEGUN + timedelta(minutes=minutes))
    assert make_plan(CONFIG, accounts(an_account()), organizations).changes == ()

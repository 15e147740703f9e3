"""The worlds have in them what they promise, and nothing that a second run would have to settle."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from partner_sync.sandbox import (
    PINNED_ACCOUNT_ID,
    Sandbox,
    World,
    an_empty_world,
    default_world,
    is_salesforce_id,
    large_world,
)

PARTNERS = ("open_partner", "select_partner", "alliance_partner")


def found_by_the_query(account: dict[str, Any]) -> bool:
    return account["Account_ID_18__c"] == PINNED_ACCOUNT_ID or (
        account["Type"] == "Partner"
        and account["Partners_Partner_Status__c"] == "Authorized"
        and str(account["Partner_Track__c"]).lower() in ("open", "select")
    )


def fields(organization: dict[str, Any]) -> dict[str, Any]:
    return dict(organization["organization_fields"])


@pytest.fixture(scope="module", params=[1, 2, 77])
def world(request: pytest.FixtureRequest) -> World:
    return default_world(request.param)


class Case:
    """The accounts and organizations of one case, and an account's own organizations."""

    def __init__(self, world: World, name: str) -> None:
        ids = world.cases[name]
        accounts = {account["Id"]: account for account in world.accounts}
        organizations = {str(organization["id"]): organization for organization in world.organizations}
        self.accounts = [accounts[each] for each in ids if each in accounts]
        self.organizations = [organizations[each] for each in ids if each in organizations]


def claimed(world: World, account: dict[str, Any]) -> list[dict[str, Any]]:
    """The organizations that name an account's id anywhere."""
    short = account["Id"][:15]
    return [
        organization
        for organization in world.organizations
        if short in (str(fields(organization).get("salesforce_id"))[:15], str(organization["external_id"])[:15])
    ]


def test_the_numbers_are_those_that_were_asked_for(world: World) -> None:
    assert len([account for account in world.accounts if found_by_the_query(account)]) == 60
    assert len(world.accounts) == 71
    assert len(world.organizations) == 400


def test_the_same_seed_makes_the_same_world() -> None:
    assert default_world(5) == default_world(5)
    assert default_world(5) != default_world(6)


def test_names_are_unique_but_for_those_that_are_a_case(world: World) -> None:
    names = Counter(organization["name"].casefold() for organization in world.organizations)
    assert names.most_common(1)[0][1] == 1
    wanted = Counter((account["Name"] or "").strip().casefold() for account in world.accounts)
    assert [name for name, count in wanted.items() if count > 1] == ["twin peaks data"]


def test_external_ids_are_unique(world: World) -> None:
    known = [organization["external_id"] for organization in world.organizations if organization["external_id"]]
    assert len(known) == len({each.casefold() for each in known})


def test_all_ids_are_well_formed_but_for_those_that_are_a_case(world: World) -> None:
    broken = [account for account in world.accounts if not is_salesforce_id(account["Account_ID_18__c"])]
    assert broken == Case(world, "problem_account_with_malformed_id").accounts
    assert all(is_salesforce_id(account["Id"]) for account in world.accounts)
    known = [each for each in world.organizations if fields(each).get("salesforce_id")]
    odd = [each for each in known if not is_salesforce_id(fields(each)["salesforce_id"])]
    assert odd == Case(world, "problem_organization_with_malformed_id").organizations


def test_the_pinned_account_is_of_another_track_and_in_sync(world: World) -> None:
    case = Case(world, "in_sync_pinned")
    assert (case.accounts[0]["Id"], case.accounts[0]["Partner_Track__c"]) == (PINNED_ACCOUNT_ID, "Technology")
    assert fields(case.organizations[0])["account_type"] == "alliance_partner"


def test_creates_have_no_organization_and_a_free_name(world: World) -> None:
    accounts = Case(world, "create").accounts
    taken = {organization["name"].casefold() for organization in world.organizations}
    assert len(accounts) == 4
    assert all(claimed(world, account) == [] for account in accounts)
    assert not {account["Name"].casefold() for account in accounts} & taken


UPDATES = [
    ("update_owner", 2, "account_owner"),
    ("update_manager_cleared", 1, "technical_account_manager"),
    ("update_manager_changed", 1, "technical_account_manager"),
    ("update_name", 1, "name"),
    ("update_support_hold", 1, "support_hold"),
    ("update_escalated", 1, "org_in_escalated_state"),
    ("update_restricted", 1, "restricted_account"),
    ("update_track", 1, "account_type"),
    ("update_track_lower_case", 1, "account_type"),
    ("unmark", 1, "mark_for_deletion"),
    ("adopt", 1, "account_type"),
    ("match_by_external_id", 1, "salesforce_id"),
    ("match_by_short_id", 1, "salesforce_id"),
    ("in_sync_pinned", 1, None),
    ("in_sync_padded", 1, None),
]


def differences(account: dict[str, Any], organization: dict[str, Any]) -> set[str]:
    """What an organization shows otherwise than its account, spelled out once more and on its own."""
    architect = account["Solutions_Architect_Lookup__r"]
    track = str(account["Partner_Track__c"]).lower()
    wanted = {
        "name": account["Name"].strip(),
        "salesforce_id": account["Id"],
        "sfdc_short_id": account["Id"][:15],
        "account_owner": (account["Account_Owner_Calc__c"] or "").strip(),
        "technical_account_manager": (account["Technical_Account_Manager_Name__c"] or "").strip(),
        "solutions_architect": architect["Name"] if architect else "",
        "restricted_account": account["Restricted_Account__c"] == "Restricted Party",
        "org_in_escalated_state": account["Account_Risk_Level__c"] == "At Risk - Escalated",
        "support_hold": account["Support_Hold__c"],
        "mark_for_deletion": False,
        "account_type": "alliance_partner" if account["Id"] == PINNED_ACCOUNT_ID else f"{track}_partner",
    }
    shown = {"name": organization["name"], **fields(organization)}
    return {key for key, value in wanted.items() if (shown.get(key) or "") != (value or "")}


@pytest.mark.parametrize(("name", "count", "difference"), UPDATES)
def test_each_update_differs_in_one_thing(world: World, name: str, count: int, difference: str | None) -> None:
    case = Case(world, name)
    assert (len(case.accounts), len(case.organizations)) == (count, count)
    for account, organization in zip(case.accounts, case.organizations, strict=True):
        assert claimed(world, account) == [organization]
        assert differences(account, organization) == ({difference} if difference else set())


def test_all_other_partners_are_in_sync(world: World) -> None:
    named = {each for ids in world.cases.values() for each in ids}
    others = [each for each in world.accounts if found_by_the_query(each) and each["Id"] not in named]
    assert len(others) == 29
    for account in others:
        (organization,) = claimed(world, account)
        assert differences(account, organization) == set()


def test_checkboxes_that_mean_no_are_false_or_empty(world: World) -> None:
    seen = {
        fields(organization).get("support_hold", "empty")
        for organization in world.organizations
        if fields(organization).get("account_type") in PARTNERS
    }
    assert seen >= {False, "empty"}


def test_marks_are_few_among_many_partners(world: World) -> None:
    live = {account["Account_ID_18__c"] for account in world.accounts if found_by_the_query(account)}
    partners = [each for each in world.organizations if fields(each).get("account_type") in PARTNERS]
    orphans = [
        each
        for each in partners
        if is_salesforce_id(str(fields(each).get("salesforce_id")))
        and fields(each)["salesforce_id"] not in live
        and each["external_id"] not in live
        and len(fields(each)["salesforce_id"]) == 18
    ]
    unmarked = [each for each in orphans if not fields(each).get("mark_for_deletion")]
    cases = [Case(world, name).organizations for name in ("mark", "held_no_trace")]
    assert {each["id"] for each in unmarked} == {each["id"] for case in cases for each in case}
    marked = [each for each in orphans if fields(each).get("mark_for_deletion")]
    assert [each["id"] for each in marked] == [each["id"] for each in Case(world, "marked_already").organizations]
    assert (len(unmarked), len(partners) > 40) == (3, True)


def test_each_problem_is_there_once(world: World) -> None:
    problems = {name: len(ids) for name, ids in world.cases.items() if name.startswith("problem_")}
    assert problems == {
        "problem_two_organizations_for_one_account": 3,
        "problem_one_organization_for_two_accounts": 3,
        "problem_name_taken_create": 2,
        "problem_name_taken_update": 3,
        "problem_two_accounts_with_one_name": 2,
        "problem_names_to_swap": 4,
        "problem_organization_with_malformed_id": 1,
        "problem_organization_without_id": 1,
        "problem_account_with_malformed_id": 1,
        "problem_account_without_name": 2,
    }


def test_one_account_has_two_organizations(world: World) -> None:
    case = Case(world, "problem_two_organizations_for_one_account")
    assert {fields(each)["salesforce_id"] for each in case.organizations} == {case.accounts[0]["Id"]}


def test_one_organization_is_claimed_by_two_accounts_of_which_one_has_no_other(world: World) -> None:
    case = Case(world, "problem_one_organization_for_two_accounts")
    one, other = case.accounts
    (organization,) = case.organizations
    assert (fields(organization)["salesforce_id"], organization["external_id"]) == (one["Id"], other["Id"])
    assert claimed(world, other) == [organization]


def test_wanted_names_are_held_by_customers(world: World) -> None:
    for name in ("problem_name_taken_create", "problem_name_taken_update"):
        case = Case(world, name)
        holder = case.organizations[-1]
        assert holder["name"].casefold() == case.accounts[0]["Name"].casefold()
        assert fields(holder)["account_type"] == "customer"
    own = Case(world, "problem_name_taken_update").organizations[0]
    assert differences(Case(world, "problem_name_taken_update").accounts[0], own) == {"name", "account_owner"}


def test_names_that_would_have_to_be_swapped_differ_in_nothing_else(world: World) -> None:
    case = Case(world, "problem_names_to_swap")
    assert [each["Name"] for each in case.accounts] == [each["name"] for each in case.organizations[::-1]]
    for account, organization in zip(case.accounts, case.organizations, strict=True):
        assert differences(account, organization) == {"name"}


def test_no_change_of_the_plan_frees_a_name_that_another_one_wants(world: World) -> None:
    renamed = Case(world, "update_name").organizations[0]["name"].casefold()
    assert renamed not in {(account["Name"] or "").strip().casefold() for account in world.accounts}


def test_partner_organizations_without_ids_and_accounts_without_names_are_there(world: World) -> None:
    (organization,) = Case(world, "problem_organization_without_id").organizations
    assert (fields(organization).get("salesforce_id"), organization["external_id"]) == (None, None)
    assert fields(organization)["account_type"] in PARTNERS
    assert Case(world, "problem_account_without_name").accounts[0]["Name"] is None


def test_some_accounts_are_there_that_the_query_must_not_find(world: World) -> None:
    accounts = Case(world, "not_matching").accounts
    assert len(accounts) == 10
    assert not any(found_by_the_query(account) for account in accounts)


def test_a_large_world_has_exactly_the_changes_that_were_asked_for() -> None:
    world = large_world(3, accounts=200, organizations=900, creates=20, updates=50, marks=7)
    assert (len(world.accounts), len(world.organizations)) == (200, 900)
    assert all(found_by_the_query(account) for account in world.accounts)
    by_id = {fields(each).get("salesforce_id"): each for each in world.organizations}
    creates = [account for account in world.accounts if account["Id"] not in by_id]
    changed = [
        account
        for account in world.accounts
        if account["Id"] in by_id and differences(account, by_id[account["Id"]]) == {"account_owner"}
    ]
    same = [
        account
        for account in world.accounts
        if account["Id"] in by_id and not differences(account, by_id[account["Id"]])
    ]
    assert (len(creates), len(changed), len(same)) == (20, 50, 130)
    partners = [each for each in world.organizations if fields(each).get("account_type") in PARTNERS]
    assert len(partners) == 180 + 7


def test_large_worlds_are_made_at_ten_thousand_organizations_a_second_at_least() -> None:
    started = time.process_time()
    assert len(large_world(1, accounts=1_000, organizations=20_000).organizations) == 20_000
    assert time.process_time() - started < 2


def test_an_empty_world_has_fields_only() -> None:
    world = an_empty_world()
    assert (world.accounts, world.organizations, world.cases) == ([], [], {})
    assert "Partner_Track__c" in world.account_fields


def test_numbers_into_which_the_cases_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        default_world(1, accounts=10)
    with pytest.raises(ValueError, match="pinned one"):
        large_world(1, accounts=10, organizations=100, creates=10)


def test_the_default_world_is_what_a_sandbox_starts_with() -> None:
    with Sandbox() as sandbox:
        ids = [row["id"] for row in sandbox.organizations()]
        assert ids == sorted(row["id"] for row in default_world().organizations)
        assert sandbox.cases() == default_world().cases

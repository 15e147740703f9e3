"""Who may get which name: unique without case, freed names wait for the next run, circles are a person's business."""

from __future__ import annotations

import pytest

from partner_sync.config.load import load
from partner_sync.model import Create
from tests.compare.builders import (
    BYSTANDER,
    TOML,
    Row,
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


def named(number: int, name: str, **fields: object) -> Row:
    return an_account(number, Name=name, **fields)


def names_written(rows: list[Row], organizations: list) -> dict[str, object]:
    plan = plan_of(rows, organizations)
    return {one.account_id: changed(one)["name"][1] for one in plan.changes if "name" in changed(one)}


# -- a name that somebody holds -----------------------------------------------------------------------------


def test_an_organization_keeps_its_name_where_the_new_name_is_taken_and_gets_the_rest() -> None:
    holder = an_organization(7, name="acme ", salesforce_id=None, external_id=None, account_type=None, fields=None)
    plan = plan_of([named(1, "Acme", Support_Hold__c=True)], [an_organization(1), holder])
    problem = only_problem(plan)
    assert problem.kind == "name_taken"
    assert (problem.account_ids, problem.organization_ids) == ((an_id(1),), (101, 107))
    assert "its id field is empty" in problem.detail
    assert [changed(one) for one in plan.changes] == [{"support_hold": (False, True)}]


def test_an_organization_is_not_created_where_its_name_is_taken() -> None:
    plan = plan_of([named(1, "ACME")], [an_organization(7, name="Acme", account_type="customer", fields=None)])
    problem = only_problem(plan)
    assert (problem.kind, problem.organization_ids) == ("name_taken", (107,))
    assert f"its id field has {an_id(7)}" in problem.detail
    assert plan.changes == ()
    assert plan.counts["unchanged"] == 0


def test_the_holder_of_a_taken_name_is_not_marked() -> None:
    plan = plan_of([named(1, "Old Harbour")], [an_organization(7, name="Old Harbour")])
    assert (kinds(plan), plan.changes) == (["name_taken"], ())


def test_a_name_that_an_account_with_a_problem_holds_is_taken() -> None:
    rows = [named(1, "Acme"), named(2, "Nimbus", Partner_Track__c="Technology")]
    plan = plan_of(rows, [an_organization(1), an_organization(2, name="Acme")])
    assert kinds(plan) == ["unknown_option", "name_taken"]
    assert plan.changes == ()


def test_a_name_that_two_organizations_hold_is_taken() -> None:
    rows = [named(1, "Acme"), named(2, "Nimbus"), named(3, "Kestrel")]
    holders = [an_organization(2, name="Acme"), an_organization(3, name="ACME")]
    plan = plan_of(rows, [an_organization(1), *holders])
    assert kinds(plan) == ["name_taken"]
    assert names_written(rows, [an_organization(1), *holders]) == {an_id(2): "Nimbus", an_id(3): "Kestrel"}


# -- a name that is freed -----------------------------------------------------------------------------------


def test_a_name_that_is_freed_by_the_same_plan_waits_for_the_next_run() -> None:
    rows = [named(1, "Acme"), named(2, "Nimbus")]
    organizations = [an_organization(1), an_organization(2, name="Acme")]
    assert only_problem(plan_of(rows, organizations)).kind == "name_waits"
    assert names_written(rows, organizations) == {an_id(2): "Nimbus"}


def test_a_create_waits_for_its_name_as_well() -> None:
    plan = plan_of([named(1, "Acme"), named(2, "Nimbus")], [an_organization(2, name="Acme")])
    assert only_problem(plan).kind == "name_waits"
    assert [one.account_id for one in plan.changes] == [an_id(2)]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_a_chain_is_freed_from_its_end(order: tuple[int, ...]) -> None:
    names = {1: "Partner 2", 2: "Partner 3", 3: "Free"}
    rows = [named(number, names[number]) for number in order]
    organizations = [an_organization(number) for number in order]
    plan = plan_of(rows, organizations)
    assert [(one.kind, one.account_ids) for one in plan.problems] == [
        ("name_waits", (an_id(1),)),
        ("name_waits", (an_id(2),)),
    ]
    assert names_written(rows, organizations) == {an_id(3): "Free"}


def test_a_chain_that_ends_at_a_taken_name_waits_for_nothing() -> None:
    rows = [named(1, "Partner 2"), named(2, "Bystander")]
    plan = plan_of(rows, [an_organization(1), an_organization(2)])
    assert (kinds(plan), plan.changes) == (["name_taken", "name_taken"], ())


def test_a_chain_that_ends_at_a_shared_name_waits_for_nothing() -> None:
    rows = [named(1, "Partner 2"), named(2, "Nimbus"), named(3, "nimbus")]
    plan = plan_of(rows, [an_organization(1), an_organization(2)])
    assert (kinds(plan), plan.changes) == (["name_taken", "two_accounts_one_name"], ())


def test_a_rename_that_only_changes_case_frees_nothing() -> None:
    rows = [named(1, "Partner 2"), named(2, "PARTNER 2")]
    organizations = [an_organization(1), an_organization(2)]
    assert kinds(plan_of(rows, organizations)) == ["two_accounts_one_name"]
    assert names_written(rows, organizations) == {an_id(2): "PARTNER 2"}


# -- circles ------------------------------------------------------------------------------------------------


def test_two_organizations_that_would_swap_names_are_a_circle() -> None:
    rows = [named(1, "Partner 2", Support_Hold__c=True), named(2, "Partner 1")]
    plan = plan_of(rows, [an_organization(1), an_organization(2)])
    assert kinds(plan) == ["name_circle", "name_circle"]
    assert [changed(one) for one in plan.changes] == [{"support_hold": (False, True)}]


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_circle_of_any_size_is_found_and_nobody_waits_in_it(size: int) -> None:
    rows = [named(number, f"Partner {number % size + 1}") for number in range(1, size + 1)]
    organizations = [an_organization(number) for number in range(1, size + 1)]
    plan = plan_of([*rows, named(9, "Partner 9")], organizations)
    assert kinds(plan) == ["name_circle"] * size
    assert [type(one) for one in plan.changes] == [Create]


def test_who_wants_a_name_in_a_circle_wants_what_a_member_wants_and_the_circle_is_none() -> None:
    rows = [named(1, "Partner 2"), named(2, "Partner 1"), named(3, "Partner 1")]
    plan = plan_of(rows, [an_organization(1), an_organization(2)])
    assert (kinds(plan), plan.changes) == (["name_taken", "two_accounts_one_name"], ())


# -- a name that several want -------------------------------------------------------------------------------


def test_of_two_accounts_that_want_one_name_neither_gets_it() -> None:
    rows = [named(1, "Nimbus", Support_Hold__c=True), named(2, " nimbus ")]
    plan = plan_of(rows, [an_organization(1)])
    problem = only_problem(plan)
    assert problem.kind == "two_accounts_one_name"
    assert (problem.account_ids, problem.organization_ids) == (tuple(sorted([an_id(1), an_id(2)])), (101,))
    assert [changed(one) for one in plan.changes] == [{"support_hold": (False, True)}]


def test_the_account_that_has_a_shared_name_keeps_it() -> None:
    rows = [named(1, "Partner 1"), named(2, "PARTNER 1"), named(3, "partner 1")]
    organizations = [an_organization(1), an_organization(2)]
    plan = plan_of(rows, organizations)
    problem = only_problem(plan)
    assert problem.kind == "two_accounts_one_name"
    assert f"which the organization of {an_id(1)} has" in problem.detail
    assert plan.changes == ()
    assert plan.counts["unchanged"] == 1


# -- an instance that is only read --------------------------------------------------------------------------


def test_nothing_is_freed_in_an_instance_that_is_only_read() -> None:
    text = TOML.replace("write = true", "write = false").replace('["0014M00001sDiGEQA0"]', "[]")
    organizations = (an_organization(1), an_organization(2, name="Acme"), BYSTANDER)
    plan = make_plan(
        load(text, "partner_sync.toml"),
        accounts(named(1, "Acme"), named(2, "Nimbus")),
        snapshot(an_instance(*organizations)),
    )
    assert kinds(plan) == ["name_taken"]
    assert plan.changes == ()
    assert plan.counts["would_update"] == 1

"""Whose organization is which: by id, then by external_id, and a problem for whatever is not certain."""

from __future__ import annotations

import pytest

from partner_sync.model import Update
from tests.compare.builders import an_account, an_id, an_organization, changed, kinds, only_problem, plan_of

ONE, TWO, THREE = an_id(1), an_id(2), an_id(3)
HELD = an_account(1, Support_Hold__c=True)
"""An account that would change its organization, if it may."""


def test_two_organizations_with_one_id_are_both_left_alone() -> None:
    twins = [an_organization(1), an_organization(1, id=201, name="Twin", external_id=None, salesforce_id=ONE[:15])]
    plan = plan_of([HELD], twins)
    problem = only_problem(plan)
    assert problem.kind == "two_organizations_for_one_account"
    assert (problem.instance, problem.account_ids, problem.organization_ids) == ("global", (ONE,), (101, 201))
    assert plan.changes == ()


@pytest.mark.parametrize("own", [None, an_id(7)])
def test_a_third_organization_by_external_id_is_in_doubt_as_well_and_not_marked(own: str | None) -> None:
    twins = [an_organization(1, external_id=None), an_organization(1, id=201, name="Twin", external_id=None)]
    third = an_organization(1, id=301, name="Third", salesforce_id=own)
    plan = plan_of([HELD], [*twins, third])
    assert only_problem(plan).organization_ids == (101, 201, 301)
    assert plan.changes == ()


def test_two_organizations_by_external_id_are_both_left_alone() -> None:
    twins = [
        an_organization(1, salesforce_id=None),
        an_organization(1, id=201, name="Twin", external_id=ONE[:15], salesforce_id=None),
    ]
    plan = plan_of([HELD], twins)
    assert (kinds(plan), plan.changes) == (["two_organizations_for_one_account"], ())


def test_a_spare_partner_organization_by_external_id_is_reported_but_blocks_nothing() -> None:
    spare = an_organization(1, id=201, name="Spare", salesforce_id=an_id(7))
    plan = plan_of([HELD], [an_organization(1, external_id=None), spare])
    assert only_problem(plan).organization_ids == (101, 201)
    assert [(type(one), one.organization_id) for one in plan.changes] == [(Update, 101)]


def test_a_spare_organization_that_is_no_partner_organization_is_nobodys_business() -> None:
    spare = an_organization(1, id=201, name="Spare", salesforce_id=None, account_type="customer", fields=None)
    plan = plan_of([an_account(1)], [an_organization(1, external_id=None), spare])
    assert (plan.problems, plan.changes) == ((), ())


def test_an_old_external_id_does_not_matter_where_both_accounts_have_their_own() -> None:
    organizations = [an_organization(1, external_id=None), an_organization(2, external_id=ONE)]
    plan = plan_of([an_account(1), an_account(2)], organizations)
    assert (plan.problems, plan.changes) == ((), ())


def test_an_organization_that_two_accounts_claim_is_written_for_neither() -> None:
    claimed = an_organization(2, external_id=ONE)
    plan = plan_of([HELD, an_account(2, Support_Hold__c=True)], [claimed])
    problem = only_problem(plan)
    assert problem.kind == "organization_claimed_twice"
    assert (set(problem.account_ids), problem.organization_ids) == ({ONE, TWO}, (102,))
    assert plan.changes == ()


def test_an_organization_whose_ids_disagree_is_not_taken_over_even_if_the_other_account_is_not_read() -> None:
    plan = plan_of([HELD], [an_organization(1, salesforce_id=an_id(7), account_type="customer", fields=None)])
    problem = only_problem(plan)
    assert problem.kind == "organization_claimed_twice"
    assert "not an account of the query" in problem.detail
    assert plan.changes == ()


def test_what_belongs_to_an_account_with_a_problem_of_its_own_belongs_to_nobody_else() -> None:
    plan = plan_of([HELD, an_account(2, Name=None)], [an_organization(2, external_id=ONE)])
    assert kinds(plan) == ["account_without_name", "organization_claimed_twice"]
    assert plan.changes == ()


def test_an_organization_is_matched_whatever_its_type() -> None:
    plan = plan_of([an_account(1)], [an_organization(1, account_type="customer")])
    assert [set(changed(one)) for one in plan.changes] == [{"account_type"}]


def test_ids_that_differ_only_in_case_are_two_accounts() -> None:
    lower, upper = "0014M00001abc01", "0014M00001ABC01"
    rows = [an_account(1, Account_ID_18__c=lower), an_account(2, Account_ID_18__c=upper)]
    plan = plan_of(rows, [])
    assert [one.kind for one in plan.changes] == ["create", "create"]


def test_an_organization_with_a_malformed_id_matches_nothing() -> None:
    organization = an_organization(1, salesforce_id=ONE.lower(), external_id=None)
    plan = plan_of([HELD], [organization])
    assert kinds(plan) == ["malformed_id", "name_taken"]
    assert plan.changes == ()

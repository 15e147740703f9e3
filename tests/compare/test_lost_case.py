"""Ids of 15 characters whose upper and lower case is lost: no mark and no create, unless Salesforce has that record."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from partner_sync.compare.evidence import AccountLookup
from partner_sync.ids import id_18
from tests.compare.builders import an_account, an_id, an_organization, kinds
from tests.compare.runs import Runs, written

KNOWN = an_id(1)
LOST = KNOWN[:15].lower()
TWIN = id_18(KNOWN[:12] + KNOWN[12].swapcase() + KNOWN[13:15]) or ""


def nothing(ids: Sequence[str]) -> AccountLookup:
    return AccountLookup(frozenset(ids))


def deleted(ids: Sequence[str]) -> AccountLookup:
    return AccountLookup(frozenset(ids), {one: {"IsDeleted": True} for one in ids})


@pytest.mark.parametrize(
    "ids",
    [
        {"salesforce_id": LOST, "external_id": None},
        {"salesforce_id": LOST.upper(), "external_id": "crm-1"},
        {"salesforce_id": None, "external_id": LOST},
        {"salesforce_id": f" {LOST} ", "external_id": None},
    ],
)
@pytest.mark.parametrize("kind", ["open_partner", "customer"])
def test_an_id_that_lost_its_case_is_a_problem_that_names_both(ids: dict[str, str | None], kind: str) -> None:
    runs = Runs(look_up=nothing)
    runs.organizations = [an_organization(1, name="Other", account_type=kind, **ids)]
    plan = runs.run()
    assert (written(plan), plan.holds) == ([], ())
    [problem] = plan.problems
    assert (problem.kind, problem.account_ids, problem.organization_ids) == ("malformed_id", (KNOWN,), (101,))
    assert (ids["salesforce_id"] or LOST).strip() in problem.detail
    assert KNOWN in problem.detail


def test_an_id_that_salesforce_has_exactly_like_that_is_another_account() -> None:
    runs = Runs(look_up=deleted)
    runs.organizations = [an_organization(1, name="Twin", salesforce_id=LOST, external_id=None)]
    plan = runs.run()
    assert kinds(plan) == []
    assert [(one.kind, one.account_id) for one in plan.changes] == [("create", KNOWN), ("mark", id_18(LOST))]


def test_an_id_that_lost_its_case_beside_the_right_organization_stops_nothing_else() -> None:
    runs = Runs(look_up=nothing, rows=[an_account(1, Support_Hold__c=True)])
    runs.organizations.append(an_organization(5, salesforce_id=LOST, external_id=None))
    plan = runs.run()
    assert (written(plan), kinds(plan)) == ([("update", 101)], ["malformed_id"])


def test_an_id_that_may_be_two_accounts_keeps_both_from_being_created() -> None:
    runs = Runs(look_up=nothing, rows=[an_account(1), an_account(2, Account_ID_18__c=TWIN)])
    runs.organizations = [an_organization(1, name="Other", salesforce_id=LOST, external_id=None)]
    plan = runs.run()
    assert (written(plan), plan.problems[0].account_ids) == ([], tuple(sorted([KNOWN, TWIN])))


def test_case_twins_of_salesforce_are_two_accounts() -> None:
    runs = Runs(look_up=nothing, rows=[an_account(1), an_account(2, Account_ID_18__c=TWIN)])
    runs.organizations.append(an_organization(2, salesforce_id=TWIN[:15], external_id=None, sfdc_short_id=TWIN[:15]))
    plan = runs.run()
    assert (kinds(plan), [{one.reason for one in change.fields} for change in plan.changes]) == (
        [],
        [{"id had 15 characters"}],
    )


def test_an_id_that_no_account_resembles_is_an_ordinary_missing_account() -> None:
    runs = Runs(look_up=deleted)
    runs.organizations.append(an_organization(7, salesforce_id=an_id(7)[:15].lower(), external_id=None))
    assert written(runs.run()) == [("mark", 107)]


def test_while_the_lookup_fails_an_id_without_its_case_is_left_alone() -> None:
    runs = Runs(look_up=lambda _: AccountLookup())
    runs.organizations = [an_organization(1, name="Other", salesforce_id=LOST, external_id=None)]
    assert written(runs.run()) == []

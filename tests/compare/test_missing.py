"""Organizations of missing accounts are marked, never those that an account or a problem names."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from partner_sync.config.settings import Marks, OnlyIfOlder
from partner_sync.errors import CLEAR_BOTH, SnapshotError
from partner_sync.model import Evidence, FieldChange, Mark, Plan
from tests.compare.builders import (
    CONFIG,
    MADE,
    PINNED,
    SHIPPED,
    an_account,
    an_id,
    an_organization,
    kinds,
    only_problem,
    plan_of,
)


def plan_with(*organizations: object, rows: tuple = (), marks: Marks | None = None, made: datetime = MADE) -> Plan:
    config = replace(CONFIG, marks=marks or Marks())
    return plan_of([an_account(1), *rows], [an_organization(1), *organizations], config=config, made=made)


def older(field: str = "expiration_date", years: int = 3) -> Marks:
    return Marks(only_if_older=OnlyIfOlder(years, field=field))


def test_a_partner_organization_without_account_is_marked_and_nothing_else_of_it_changes() -> None:
    plan = plan_with(an_organization(7, name="Old Harbour ", account_owner=None))
    assert plan.changes == (
        Mark(
            "global",
            an_id(7),
            107,
            "Old Harbour",
            (FieldChange("mark_for_deletion", False, True),),
            "deleted in Salesforce, seen 24 Nov",
            evidence=Evidence(an_id(7), "deleted", MADE),
            tickets=0,
            users=0,
        ),
    )
    assert plan.counts["mark"] == 1


@pytest.mark.parametrize("external_id", [an_id(7), an_id(7)[:15]])
def test_external_id_tells_whose_it_was_where_the_id_field_is_empty(external_id: str) -> None:
    plan = plan_with(an_organization(7, salesforce_id=" ", external_id=external_id))
    assert [(one.kind, one.account_id) for one in plan.changes] == [("mark", an_id(7))]


def test_two_organizations_of_one_lost_account_are_both_marked() -> None:
    twin = an_organization(7, id=207, name="Twin", external_id=None)
    assert [one.organization_id for one in plan_with(an_organization(7), twin).changes] == [107, 207]


@pytest.mark.parametrize("kind", ["customer", None])
def test_what_is_no_partner_organization_is_never_marked(kind: str | None) -> None:
    assert plan_with(an_organization(7, account_type=kind, fields=None)).changes == ()


def test_what_is_marked_already_is_not_marked_again() -> None:
    plan = plan_with(an_organization(7, mark_for_deletion=True))
    assert (plan.changes, plan.counts["marked_already"]) == ((), 1)


@pytest.mark.parametrize("ids", [{"salesforce_id": PINNED}, {"external_id": PINNED}, {"external_id": PINNED[:15]}])
def test_a_protected_organization_is_never_marked_whichever_id_says_so(ids: dict[str, str]) -> None:
    plan = plan_with(an_organization(7, **ids), marks=Marks(protected=(PINNED,)))
    assert (plan.changes, plan.counts["protected"]) == ((), 1)


@pytest.mark.parametrize(
    ("expired", "marked"),
    [
        ("2023-11-23T00:00:00+00:00", 1),
        ("2023-11-24T00:00:00+00:00", 0),
        ("2026-11-24", 0),
        (None, 0),
        ("long ago", 0),
        ("0", 0),
    ],
)
def test_with_the_older_rule_only_what_is_long_expired_is_marked(expired: str | None, marked: int) -> None:
    plan = plan_with(an_organization(7, expiration_date=expired), marks=older())
    assert (plan.counts["mark"], plan.counts["too_recent"]) == (marked, 1 - marked)


def test_three_years_before_the_29th_of_february_is_the_28th() -> None:
    made = datetime(2028, 2, 29, tzinfo=timezone.utc)
    organizations = [an_organization(7, expiration_date="2025-02-27"), an_organization(8, expiration_date="2025-02-28")]
    assert [one.organization_id for one in plan_with(*organizations, marks=older(), made=made).changes] == [107]


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        ({"salesforce_id": "n/a"}, "malformed_id"),
        ({"salesforce_id": an_id(7).lower(), "external_id": None}, "malformed_id"),
        ({"salesforce_id": None, "external_id": None}, "organization_without_id"),
        ({"salesforce_id": "  ", "external_id": "crm-7"}, "organization_without_id"),
    ],
)
def test_a_partner_organization_whose_id_says_nothing_is_a_problem(ids: dict[str, object], kind: str) -> None:
    plan = plan_with(an_organization(7, **ids))
    problem = only_problem(plan)
    assert (problem.kind, problem.instance, problem.organization_ids) == (kind, "global", (107,))
    assert plan.changes == ()


def test_a_customer_organization_without_id_is_nobodys_business() -> None:
    assert plan_with(an_organization(7, salesforce_id=None, external_id=None, account_type="customer")).problems == ()


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"Name": None}, "account_without_name"),
        ({"Partner_Track__c": "Technology"}, "unknown_option"),
    ],
)
def test_the_organization_of_an_account_with_a_problem_is_left_alone(row: dict[str, object], kind: str) -> None:
    plan = plan_with(an_organization(7, account_owner="B. Old"), rows=(an_account(7, **row),))
    assert (kinds(plan), plan.changes) == ([kind], ())


def test_the_organization_of_an_account_that_is_listed_twice_is_left_alone() -> None:
    plan = plan_with(an_organization(7, account_owner="B. Old"), rows=(an_account(7), an_account(7)))
    assert (kinds(plan), plan.changes) == (["account_listed_twice"], ())


def test_the_organization_of_a_pinned_account_that_is_missing_is_left_alone() -> None:
    organization = an_organization(7, salesforce_id=PINNED, account_type="alliance_partner")
    plan = plan_of(*([an_account(1)], [an_organization(1), organization]), config=SHIPPED)
    assert (kinds(plan), plan.changes) == (["pinned_account_missing"], ())


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"Account_ID_18__c": None, "Name": "partner 7 "}, "account_without_id"),
        ({"Account_ID_18__c": "0014M", "Name": "Partner 7"}, "malformed_id"),
        ({"Account_ID_18__c": an_id(7).lower(), "Name": "Renamed"}, "malformed_id"),
    ],
)
def test_what_bears_the_name_or_the_id_of_a_row_without_a_usable_id_is_not_marked(row: dict, kind: str) -> None:
    plan = plan_with(an_organization(7), an_organization(8), rows=(an_account(7, **row),))
    assert sorted(kinds(plan)) == sorted([kind, "account_without_id"])
    assert [one.organization_id for one in plan.changes] == [108]
    assert [one.organization_ids for one in plan.problems if one.instance] == [(107,)]


def test_what_bears_the_id_of_a_row_without_a_usable_id_as_external_id_is_not_marked() -> None:
    lost = an_account(7, Account_ID_18__c=an_id(7).lower(), Name="Renamed")
    plan = plan_with(an_organization(8, external_id=an_id(7)), rows=(lost,))
    assert plan.changes == ()


def test_an_organization_that_any_problem_names_is_not_marked() -> None:
    plan = plan_with(an_organization(7, name="Acme"), rows=(an_account(2, Name="Acme"),))
    assert (kinds(plan), plan.changes) == (["name_taken"], ())


def test_an_account_that_a_problem_names_is_not_missing() -> None:
    claimed = an_organization(2, salesforce_id=an_id(7), external_id=an_id(2))
    lost = an_organization(7, external_id=None)
    plan = plan_with(claimed, lost, rows=(an_account(2, Name="Partner 2b"),))
    assert (kinds(plan), plan.changes) == (["organization_claimed_twice"], ())


def test_a_partner_organization_that_was_not_read_whole_is_refused() -> None:
    with pytest.raises(SnapshotError, match=CLEAR_BOTH):
        plan_with(an_organization(7, fields=None))


def test_an_organization_whose_external_id_names_a_pinned_account_that_is_missing_is_not_marked() -> None:
    plan = plan_of([an_account(1)], [an_organization(1), an_organization(8, external_id=PINNED)], config=SHIPPED)
    assert "pinned_account_missing" in {one.kind for one in plan.problems}
    assert plan.changes == ()

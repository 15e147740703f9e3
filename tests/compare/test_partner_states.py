"""Partner states come from the same matched snapshots as the plan, in the plan's values."""

from __future__ import annotations

from partner_sync.compare.partner_states import partner_states
from partner_sync.compare.plan import compare_snapshots
from partner_sync.compare.snapshots import match_snapshots
from tests.compare.builders import (
    ANSWERS,
    BYSTANDER,
    CONFIG,
    PINNED,
    RUN,
    an_account,
    an_id,
    an_instance,
    an_organization,
    snapshot,
)
from tests.compare.builders import accounts as snapshot_of_accounts

BLOCKED = an_account(98, Partner_Track__c="Gold")
"""An account that a problem blocks; without any account, a snapshot is refused."""


def states(accounts, organizations):
    matched = match_snapshots(
        CONFIG, snapshot_of_accounts(*accounts, BLOCKED), snapshot(an_instance(*organizations, BYSTANDER))
    )
    [found] = partner_states(compare_snapshots(matched, RUN, ANSWERS))
    return found


def test_a_partner_in_sync_has_its_desired_values():
    found = states([an_account(1)], [an_organization(1)])
    [row] = found.rows
    assert (an_id(1), 101, "Partner 1", False) == (row.account_id, row.organization_id, row.name, row.marked)
    assert row.desired == row.existing
    assert "name" == found.fields[0]
    assert len(found.fields) == len(row.desired)


def test_what_differs_shows_in_its_field():
    found = states([an_account(1)], [an_organization(1, account_owner=" M. Weber ", support_hold=None)])
    [row] = found.rows
    pairs = zip(found.fields, row.desired, row.existing, strict=True)
    assert [("account_owner", "A. Ortiz", "M. Weber")] == [pair for pair in pairs if pair[1] != pair[2]]


def test_an_account_without_organization_and_a_partner_organization_without_account():
    found = states([an_account(1)], [an_organization(2, mark_for_deletion=True)])
    missing, left = found.rows
    assert (an_id(1), None, None) == (missing.account_id, missing.organization_id, missing.existing)
    assert (an_id(2), 102, None, True) == (left.account_id, left.organization_id, left.desired, left.marked)


def test_an_organization_that_is_not_a_partners_has_no_state():
    assert () == states([], [an_organization(1, account_type="customer", salesforce_id=None, external_id=None)]).rows
    assert PINNED not in {row.account_id for row in states([an_account(1)], [an_organization(1)]).rows}


def test_the_organization_of_a_blocked_account_has_a_state_without_desired_values():
    [row] = states([an_account(1, Partner_Track__c="Gold")], [an_organization(1)]).rows
    assert (an_id(1), 101, "Partner 1", None) == (row.account_id, row.organization_id, row.name, row.desired)
    assert "open_partner" in row.existing


def test_a_blocked_account_without_organization_is_left_to_its_problem():
    assert () == states([an_account(1, Partner_Track__c="Gold")], []).rows


def test_names_and_marks_are_read_as_they_are_compared():
    found = states([an_account(1)], [an_organization(1, name="Partner 1\u200b", mark_for_deletion="true")])
    [row] = found.rows
    assert ("Partner 1", True) == (row.existing[0], row.marked)
    [left] = states([], [an_organization(2, name="\u200bPartner 2")]).rows
    assert "Partner 2" == left.name

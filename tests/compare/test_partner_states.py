"""How partners stand is told from the same two snapshots as the plan, in the plan's values."""

from __future__ import annotations

from partner_sync.compare.partner_states import standings
from partner_sync.model import AccountsSnapshot, InstanceRead, OrganizationsSnapshot, PlanOrder, ReadProof
from tests.compare.builders import BEGUN, CONFIG, MADE, PINNED, an_account, an_id, an_organization


def stand(accounts, organizations):
    count = len(accounts)
    read = AccountsSnapshot(BEGUN, BEGUN, ReadProof("Salesforce", count, count, 1, 1), tuple(accounts))
    proof = ReadProof("Zendesk global", len(organizations), len(organizations), 1, 1)
    snapshot = OrganizationsSnapshot(BEGUN, BEGUN, (InstanceRead("global", True, proof, tuple(organizations)),))
    [found] = standings(CONFIG, read, snapshot, PlanOrder(BEGUN, MADE, "p"))
    return found


def test_one_in_step_has_what_it_wants():
    found = stand([an_account(1)], [an_organization(1)])
    [row] = found.rows
    assert (an_id(1), 101, "Partner 1", False) == (row.account_id, row.organization_id, row.name, row.marked)
    assert row.desired == row.existing
    assert "name" == found.fields[0]
    assert len(found.fields) == len(row.desired)


def test_what_differs_shows_in_its_field():
    found = stand([an_account(1)], [an_organization(1, account_owner=" M. Weber ", support_hold=None)])
    [row] = found.rows
    pairs = zip(found.fields, row.desired, row.existing, strict=True)
    assert [("account_owner", "A. Ortiz", "M. Weber")] == [pair for pair in pairs if pair[1] != pair[2]]


def test_an_account_without_organization_and_a_partner_organization_without_account():
    found = stand([an_account(1)], [an_organization(2, mark_for_deletion=True)])
    missing, left = found.rows
    assert (an_id(1), None, None) == (missing.account_id, missing.organization_id, missing.existing)
    assert (an_id(2), 102, None, True) == (left.account_id, left.organization_id, left.desired, left.marked)


def test_an_organization_of_others_is_not_told():
    assert () == stand([], [an_organization(1, account_type="customer", salesforce_id=None, external_id=None)]).rows
    assert PINNED not in {row.account_id for row in stand([an_account(1)], [an_organization(1)]).rows}


def test_the_organization_of_a_blocked_account_is_told_without_what_is_desired():
    [row] = stand([an_account(1, Partner_Track__c="Gold")], [an_organization(1)]).rows
    assert (an_id(1), 101, "Partner 1", None) == (row.account_id, row.organization_id, row.name, row.desired)
    assert "open_partner" in row.existing


def test_a_blocked_account_without_organization_is_left_to_its_problem():
    assert () == stand([an_account(1, Partner_Track__c="Gold")], []).rows


def test_names_and_marks_are_read_as_they_are_compared():
    found = stand([an_account(1)], [an_organization(1, name="Partner 1\u200b", mark_for_deletion="true")])
    [row] = found.rows
    assert ("Partner 1", True) == (row.existing[0], row.marked)
    [left] = stand([], [an_organization(2, name="\u200bPartner 2")]).rows
    assert "Partner 2" == left.name

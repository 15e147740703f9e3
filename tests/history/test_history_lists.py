"""The rows behind the overview's numbers are exactly those that it counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from partner_sync.model import FieldCause, Update
from tests.history.past import NOON, a_create, a_mark, a_partner, account, an_update


def test_what_was_written_lately_is_what_the_overview_counts(past):
    past.run(-30, [a_create(9)])
    past.run(0, [a_create(1), an_update(2), an_update(3), a_mark(4)], verdicts={3: "rejected"})
    past.run(0.5, [a_create(5)], dry_run=True)
    history = past.history()
    counted = history.overview().since_yesterday
    since = history.clock() - timedelta(days=1)
    assert counted == {kind: history.recent(since, kind=kind).total for kind in counted}
    assert [account(1), account(2), account(4)] == [one.account_id for one in history.recent(since).rows]


def test_updates_of_a_field_are_what_the_overview_counts(past):
    past.run(0, [an_update(1, account_owner=("A", "B")), an_update(2, account_type=("x", "y"))])
    history = past.history()
    for field, count in history.overview().most_changed:
        assert count == history.recent(NOON - timedelta(days=30), kind="update", field=field).total


def test_edits_in_zendesk_that_were_written_over_are_what_the_overview_counts(past):
    causes = ("zendesk", "both", "set_back", "salesforce", "rules", None)
    updates = [caused(number, cause) for number, cause in enumerate(causes)]
    rejected, another = caused(7, "zendesk"), caused(8, "zendesk", account_type=("x", "y"), account_owner=("A", "B"))
    past.run(-1, [*updates, rejected], verdicts={7: "rejected"})
    past.run(0, [replace(another, fields=(another.fields[0], replace(another.fields[1], cause=None)))])
    history = past.history()
    assert (("account_owner", 3), ("account_type", 1)) == history.overview().edited
    since = NOON - timedelta(days=30)
    for field, count in history.overview().edited:
        assert count == history.recent(since, kind="update", field=field, edited=True).total
    assert 4 == history.recent(since, edited=True).total


def caused(number: int, cause: FieldCause | None, **values) -> Update:
    one = an_update(number, **values)
    return replace(one, fields=tuple(replace(field, cause=cause) for field in one.fields))


def test_a_partner_whose_difference_was_confirmed_since_the_read_matches_salesforce(past):
    past.read_partners(-1, a_partner(1, owner="A"), a_partner(2, owner="A"), a_partner(3, desired=None))
    past.run(-1, [an_update(1), an_update(2)], verdicts={2: "rejected"})
    found = {one.name: (one.differs, one.marked, one.without_account) for one in past.history().partners().rows}
    assert (False, False, False) == found["Partner 1"]
    assert (True, False, False) == found["Partner 2"]
    assert (False, False, True) == found["Partner 3"]


def test_written_rows_are_paged_the_newest_run_first(past):
    past.run(0, [an_update(number) for number in range(60)])
    past.run(0.5, [an_update(99)])
    first, second = (past.history().recent(NOON - timedelta(days=1), page=page) for page in (1, 2))
    assert (61, 2, 50, 11) == (first.total, first.pages, len(first.rows), len(second.rows))
    assert account(99) == first.rows[0].account_id


def test_partners_of_a_type_are_listed_by_name_with_how_they_stood(past):
    past.run(0, [])
    past.read_partners(0, a_partner(2, "beta"), a_partner(1, "Alpha", owner="X"), a_partner(3, "gamma", there=False))
    found = past.history().partners(type_name="open_partner")
    assert [("Alpha", True), ("beta", False)] == [(one.name, one.differs) for one in found.rows]
    assert 0 == past.history().partners(type_name="alliance_partner").total
    assert 0 == past.history().partners(instance="sandbox").total

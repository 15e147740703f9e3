"""How an organization stands: what its account wants and what Zendesk has, for those that never changed as well."""

from __future__ import annotations

from dataclasses import replace

from tests.history.past import a_create, a_mark, a_partner, a_problem, account, an_update


def story(past, number=1):
    [found] = past.history().account(account(number))
    return found


def values(told):
    return {field.field: (field.known, field.desired, field.existing) for field in told.fields}


def test_one_that_never_changed_is_found_and_as_desired(past):
    past.run(-1)
    past.read_partners(-1, a_partner(1, "Nimbus"), a_partner(2))
    [hit] = past.history().find("nimb").hits
    assert (account(1), 3600001) == (hit.account_id, hit.organization_id)
    told = story(past)
    assert ("as desired", None, "Nimbus", ()) == (told.now, told.since, told.name, told.history)
    assert (True, "B", "B") == values(told)["account_owner"]
    assert ["name", "account_type", "account_owner"] == [field.field for field in told.fields]
    assert told == past.history().organization("global", 3600001)


def test_a_write_since_the_read_shows_as_what_zendesk_has(past):
    past.read_partners(-1, a_partner(1, owner="A"))
    past.run(-1, [an_update(1)])
    told = story(past)
    assert "as desired" == told.now
    assert (True, "B", "B") == values(told)["account_owner"]


def test_a_write_that_was_rejected_leaves_what_was_read(past):
    past.read_partners(-1, a_partner(1, owner="A"))
    past.run(-1, [an_update(1)], verdicts={1: "rejected"})
    told = story(past)
    assert "differs" == told.now
    assert (True, "B", "A") == values(told)["account_owner"]


def test_what_was_changed_by_hand_since_the_last_write_differs(past):
    past.run(-2, [an_update(1)])
    past.read_partners(-1, a_partner(1, owner="by hand"))
    told = story(past)
    assert ("differs", "Different at the last read: account_owner.") == (told.now, told.sentence)


def test_an_account_without_organization_and_one_without_account(past):
    past.run(-1)
    past.read_partners(
        -1, a_partner(1, there=False), a_partner(2, desired=None, marked=True), a_partner(3, desired=None)
    )
    assert ("differs", None) == (story(past).now, story(past).organization_id)
    assert ("marked", "not known") == (story(past, 2).now, story(past, 3).now)


def test_organizations_without_any_id_are_found_each_by_itself(past):
    past.run(-1)
    past.read_partners(-1, *(a_partner(number, "Twin", account_id=None, desired=None) for number in (1, 2)))
    assert [3600001, 3600002] == sorted(hit.organization_id for hit in past.history().find("twin").hits)
    assert "Twin" == past.history().organization("global", 3600002).name


def test_a_newer_read_replaces_the_older_and_the_archive_keeps_one(past):
    past.read_partners(-2, a_partner(1, owner="A"), a_partner(2))
    history = past.history()
    assert (True, "B", "A") == values(history.account(account(1))[0])["account_owner"]
    past.read_partners(-1, a_partner(1))
    past.read_partners(-3, a_partner(1, owner="older"))
    assert (True, "B", "B") == values(history.account(account(1))[0])["account_owner"]
    assert 1 == len(list((past.archive.root / "instances" / "global" / "standing").iterdir()))
    assert account(1) == past.archive.partner_states("global").rows[0].account_id


def test_a_mark_and_a_problem_come_before_what_was_read(past):
    past.read_partners(-1, a_partner(1, desired=None), a_partner(2))
    past.run(-1, [a_mark(1)], problems=[a_problem(2)])
    assert ("marked", "problem") == (story(past).now, story(past, 2).now)


def test_standings_that_cannot_be_read_are_a_sentence(past):
    past.run(-1)
    past.read_partners(-1, a_partner(1))
    [path] = (past.archive.root / "instances" / "global" / "standing").iterdir()
    whole = path.read_text()
    path.write_text("{")
    history = past.history()
    assert [f"instances/global/standing/{path.name}"] == [one.path for one in history.unreadable()]
    assert () == history.account(account(1))
    path.write_text(whole)
    assert ((), 1) == (history.unreadable(), len(history.account(account(1))))


def test_a_name_that_changed_is_the_newest(past):
    past.read_partners(-2, a_partner(1, "Old"))
    history = past.history()
    history.refresh()
    past.read_partners(-1, replace(a_partner(1, "New")))
    assert ("New", "Old") == history.account(account(1))[0].names
    assert ["New"] == [hit.name for hit in history.find("old").hits]


def test_who_vanished_from_the_last_read_is_not_known_any_more(past):
    past.run(-3, [a_create(1), a_mark(2)])
    past.run(-1)
    past.read_partners(-1, a_partner(3))
    for number in (1, 2):
        told = story(past, number)
        assert ("not known", None, "The last run did not find it among the partners.") == (
            told.now,
            told.since,
            told.sentence,
        )


def test_a_write_after_the_last_read_counts_although_that_read_did_not_know_it(past):
    past.read_partners(-2, a_partner(3))
    past.run(-1, [a_create(1)])
    assert "as desired" == story(past).now


def test_an_organization_that_moved_to_another_account_is_not_shown_for_the_first(past):
    past.run(-3, [a_create(1)])
    past.run(-1)
    past.read_partners(-1, a_partner(1, there=False), a_partner(2, organization_id=3600001))
    assert None is story(past).organization_id
    assert account(2) == past.history().organization("global", 3600001).account_id


def test_the_row_of_an_account_comes_before_those_of_spare_organizations(past):
    past.run(-1)
    past.read_partners(-1, a_partner(1), a_partner(1, organization_id=7, desired=None))
    assert ("as desired", 3600001) == (story(past).now, story(past).organization_id)


def test_a_blocked_account_is_shown_with_its_organization_and_problem(past):
    past.run(-1, problems=[replace(a_problem(1, "unknown_option"), organization_ids=())])
    past.read_partners(-1, a_partner(1, "Nimbus", desired=None))
    told = past.history().organization("global", 3600001)
    assert ("problem", ["unknown_option"]) == (told.now, [one.kind for one in told.problems])
    past.run(0)
    assert "The last run found no account for it." == story(past).sentence


def test_who_is_gone_from_the_read_and_named_by_no_change_is_not_found(past):
    past.read_partners(-2, a_partner(1, "Gone"), a_partner(2, "There"))
    history = past.history()
    assert 1 == len(history.find("gone").hits)
    past.read_partners(-1, a_partner(2, "There"))
    assert () == history.find("gone").hits
    assert 1 == len(history.find("there").hits)

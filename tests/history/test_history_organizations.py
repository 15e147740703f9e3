"""One organization over all runs: how it is, since when, what was written when, and finding it."""

from __future__ import annotations

import pytest

from tests.history.past import a_create, a_hold, a_mark, a_partner, a_problem, account, an_update


def now(past):
    [story] = past.history().account(account(1))
    return story.now, f"{story.since:%d %H}" if story.since else None


def test_a_story_has_the_last_write_of_each_field_and_all_that_happened(past):
    past.run(-40, [a_create(1, "Nimbus")])
    past.run(-20, [an_update(1, "Nimbus", account_type=("open_partner", "select_partner"))])
    past.run(-10, [an_update(1, "Nimbus", account_type=("select_partner", "x"))], verdicts={1: "rejected"})
    past.run(-5, [an_update(1, "Nimbus", name=("Nimbus", "Nimbus Systems"))])
    past.run(-4, [an_update(1, "Nimbus Systems", support_hold=(False, True))])
    [story] = past.history().account(account(1)[:15])
    written = {field.field: field.written for field in story.fields}
    assert ("open_partner", "select_partner") == (written["account_type"].before, written["account_type"].after)
    assert ("Nimbus", "Nimbus Systems") == (written["name"].before, written["name"].after)
    assert ["update", "update", "update", "update", "create"] == [event.change.kind for event in story.history]
    assert ("Nimbus Systems", "Nimbus") == story.names
    assert ("global", 3600001) == (story.instance, story.organization_id)
    assert story == past.history().organization("global", 3600001)


def test_a_story_that_is_cut_says_how_much_is_older(past):
    for hour in (-5, -4, -3):
        past.run(hour, [an_update(1)])
    stories = {events: past.history().account(account(1), events=events)[0] for events in (2, 3, -1)}
    assert {2: (2, 1), 3: (3, 0), -1: (3, 0)} == {key: (len(one.history), one.older) for key, one in stories.items()}


def test_as_desired_once_its_change_is_confirmed(past):
    past.run(-2, [an_update(1)])
    past.run(-1)
    assert ("as desired", "24 10") == now(past)


def test_differs_while_its_change_is_rejected(past):
    past.run(-1, [an_update(1)], verdicts={1: "rejected"})
    assert ("differs", "24 11") == now(past)


def test_as_desired_if_a_later_run_found_nothing_to_change(past):
    past.run(-2, [an_update(1)], verdicts={1: "superseded"})
    past.run(-1)
    assert ("as desired", "24 11") == now(past)


def test_marked_until_something_else_is_written(past):
    past.run(-3, [a_mark(1)])
    past.run(-2)
    assert ("marked", "24 09") == now(past)
    past.run(-1, [an_update(1, mark_for_deletion=(True, False))])
    assert ("as desired", "24 11") == now(past)


def test_a_problem_comes_first_and_stays_in_the_history_when_it_is_gone(past):
    past.run(-3, [an_update(1)])
    past.run(-2, problems=[a_problem(1)])
    assert ("problem", "24 10") == now(past)
    past.run(-1)
    assert ("as desired", "24 09") == now(past)
    [story] = past.history().account(account(1))
    assert ["name_taken", None] == [event.problem and event.problem.kind for event in story.history]


def test_an_organization_that_only_a_problem_names_has_a_story(past):
    past.run(-1, problems=[a_problem(8)])
    history = past.history()
    assert "problem" == history.organization("global", 3600008).now
    assert "problem" == history.account(account(8))[0].now
    assert 1 == len(history.find(account(8)).hits)


def test_a_dry_run_and_a_withheld_mark_are_shown_as_such(past):
    past.run(-2, [an_update(1)], dry_run=True)
    past.run(-1, holds=[a_hold(a_mark(1))])
    [story] = past.history().account(account(1))
    assert ["withheld", "dry run"] == [event.change.outcome for event in story.history]
    assert "differs" == story.now
    assert "Its last mark is on hold: over the limit of a run." == story.sentence


def test_what_is_only_planned_says_nothing_about_an_organization(past):
    past.run(-1, [an_update(1)], planning_only=("global",))
    [story] = past.history().account(account(1))
    assert ("planning only", "not known") == (story.history[0].change.outcome, story.now)
    assert "Only runs that write nothing have planned changes for it." == story.sentence


def test_a_marked_organization_shows_the_evidence(past):
    past.run(-2, [a_mark(1, "Nimbus")])
    past.run(-1)
    past.read_partners(-1, a_partner(1, "Nimbus", account_id=None, desired=None, marked=True))
    story = past.history().organization("global", 3_600_001)
    assert ("marked", "Reason: deleted in Salesforce, seen 23 Nov.") == (story.now, story.sentence)
    assert not any(field.differs for field in story.fields)


def test_two_instances_are_two_stories(past):
    past.run(-1, [a_create(1), a_create(1, instance="gov")], instances=("global", "gov"))
    assert ["global", "gov"] == [story.instance for story in past.history().account(account(1))]


def test_nobody_has_no_story(past):
    past.run(-1, [a_create(1)])
    assert () == past.history().account("nobody")
    assert None is past.history().organization("global", 5)
    assert None is past.history().organization("gov", 3600001)


FINDS = {
    "a part of a name": ("imbus", [1, 2]),
    "any case": ("NIMBUS SYS", [1]),
    "an earlier name": ("cirrus", [3]),
    "15 characters": (account(3)[:15], [3]),
    "18 characters": (account(3), [3]),
    "Zendesk's id": ("3600003", [3]),
    "a number within a name": ("42", [4]),
    "markup": ("<b>", [4]),
    "nothing": ("  ", []),
    "a joker": ("%", []),
}


@pytest.mark.parametrize(("text", "expected"), FINDS.values(), ids=FINDS)
def test_finding_by_name_and_by_every_id(past, text, expected):
    past.run(
        -2,
        [a_create(1, "Nimbus Systems"), a_create(2, "Nimbus West Coast"), a_create(3, "Cirrus"), a_create(4, "<b>42")],
    )
    past.run(-1, [an_update(3, "Stratus")])
    found = past.history().find(text)
    assert [account(number) for number in expected] == [hit.account_id for hit in found.hits]
    if expected == [3]:
        assert ("Stratus", 3600003) == (found.hits[0].name, found.hits[0].organization_id)


def test_who_is_not_found_has_near_names(past):
    past.run(-1, [a_create(1, "Nimbus Systems"), a_create(2, "Kestrel Cloud")])
    assert ("Nimbus Systems",) == past.history().find("Nimbsu Sytems").near


def test_more_hits_than_are_listed_are_counted(past):
    past.run(-1, [a_create(number) for number in range(70)])
    found = past.history().find("partner")
    assert (50, 20) == (len(found.hits), found.more)


@pytest.mark.parametrize(
    "asked", ["9" * 5000, "9" * 19, "\udcff"], ids=["5,000 digits", "19 digits", "half a character"]
)
def test_whatever_is_searched_for_there_is_an_answer(past, asked):
    past.run(-1, [a_create(1)])
    assert () == past.history().find(asked).hits


def test_numbers_beyond_every_id_name_nobody(past):
    run_id = past.run(-1, [a_create(1)])
    history = past.history()
    assert None is history.organization("global", 2**64)
    assert None is history.change(run_id, None, 2**64)

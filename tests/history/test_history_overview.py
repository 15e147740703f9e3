"""The overview: is all well, and if not, what is to be done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from partner_sync.model import UnreadInstance
from tests.history.past import a_create, a_hold, a_mark, a_problem, an_update

HOLD = a_hold(*(a_mark(number) for number in range(20, 57)))


def health(past, hour=0.5):
    found = past.history(hour).overview()
    return found.health, [item.what for item in found.items]


def items(past, hour=0.5):
    return {item.what: item for item in past.history(hour).overview().items}


def test_a_quiet_run_is_in_sync(past):
    past.run(0)
    found = past.history(0.5).overview()
    assert ("up to date", False, (), 1792.0) == (found.health, found.overdue, found.items, found.age_seconds)
    assert "13:00" == f"{found.next_run:%H:%M}"


def test_problems_that_stand_do_not_ring_but_new_ones_do(past):
    past.run(-1, problems=[a_problem(1)])
    past.run(0, problems=[a_problem(1)])
    assert ("up to date", ["problems"]) == health(past)
    past.run(0.2, problems=[a_problem(1), a_problem(2)])
    assert ("needs attention", ["problems"]) == health(past)
    item = items(past)["problems"]
    assert (2, 1, (("name_taken", 2),), "problems") == (item.count, item.new, item.parts, item.link.section)


def test_a_problem_is_new_for_a_day_and_not_for_an_hour(past):
    past.run(-30, problems=[a_problem(1)])
    for hour in (-3, -2, -1):
        past.run(hour, problems=[a_problem(1), a_problem(2)])
    assert 1 == past.history(0.5).overview().problems_new
    past.run(22, problems=[a_problem(1), a_problem(2)])
    assert 0 == past.history(22.5).overview().problems_new


@pytest.mark.parametrize("params", [{"account_ids": ["x"]}, {"dry_run": True}], ids=["narrowed", "dry run"])
def test_a_failure_of_a_dry_run_or_of_single_accounts_does_not_decide_health(past, params):
    past.run(-1)
    past.fail(0, params=params)
    assert ("up to date", []) == health(past)


def test_what_was_rejected_is_counted_by_the_message_of_zendesk(past):
    past.run(0, [an_update(1), an_update(2)], verdicts={1: "rejected", 2: "rejected"})
    assert (("RecordInvalid Name: has already been taken", 2),) == items(past)["rejected"].parts


def test_a_run_without_a_plan_has_no_number_of_problems(past):
    past.fail(-1)
    past.run(0, problems=[a_problem(1)])
    assert [None, 1] == [row.problems for row in past.history(0.5).overview().chart]


def test_a_problem_with_another_detail_is_not_new(past):
    past.run(-1, problems=[a_problem(1)])
    past.run(0, problems=[replace(a_problem(1), detail="another detail")])
    assert 0 == past.history(0.5).overview().problems_new


@pytest.mark.parametrize(
    ("what", "make"),
    [
        ("withheld", lambda past: past.run(0, holds=[HOLD])),
        ("rejected", lambda past: past.run(0, [an_update(1), an_update(2)], verdicts={2: "rejected"})),
        ("unknown", lambda past: past.run(0, [an_update(1), an_update(2)], verdicts={2: "unknown"})),
        ("failed", lambda past: past.fail(0)),
    ],
)
def test_what_went_wrong_needs_a_person_with_a_count_and_a_place_to_look(past, what, make):
    past.run(-1)
    run_id = make(past)
    assert ("needs attention", [what]) == health(past)
    item = items(past)[what]
    assert item.urgent
    assert run_id == item.link.run_id
    assert item.count == (37 if what == "withheld" else 1)


def test_a_failure_shows_its_message_and_how_often_it_happened(past):
    past.run(-3)
    for hour in (-2, -1, 0):
        past.fail(hour, message="Fix the config.")
    item = items(past)["failed"]
    assert (3, "Fix the config.") == (item.count, item.sentence)


def test_a_green_run_after_a_failure_is_all_that_counts(past):
    past.fail(-1)
    past.run(0)
    assert ("up to date", []) == health(past)


def test_what_was_rejected_and_is_confirmed_since_needs_nobody(past):
    past.run(-1.5)
    past.run(-1, [an_update(2)], verdicts={2: "rejected"})
    past.run(0, [an_update(2)], params={"account_ids": ["x"]})
    assert ("up to date", []) == health(past)


def test_a_run_narrowed_to_accounts_says_nothing_about_the_whole(past):
    past.run(-1, holds=[HOLD])
    past.run(0, params={"account_ids": ["x"]})
    assert ("needs attention", ["withheld"]) == health(past)


def test_a_run_narrowed_to_accounts_is_no_success_of_the_whole(past):
    past.run(-5)
    past.run(0, params={"account_ids": ["x"]})
    found = past.history(0.5).overview()
    assert ("overdue", "07:00") == (found.health, f"{found.last_success:%H:%M}")


def test_a_dry_run_is_no_success_and_shows_nothing_written(past):
    past.run(-1, [a_create(1)], dry_run=True)
    found = past.history(0.5).overview()
    assert None is found.last_success
    [row] = found.runs.rows
    assert ("dry run", 1, 0) == (row.state, row.planned["create"], row.written["create"])


def test_without_a_success_for_two_schedules_it_is_overdue(past):
    past.run(0)
    assert "up to date" == past.history(1.9).overview().health
    assert "overdue" == past.history(2.1).overview().health
    assert "up to date" == past.history(2.1).overview(schedule_seconds=7200).health


def test_since_yesterday_counts_what_was_written_in_a_day(past):
    past.run(-30, [a_create(1)])
    past.run(-20, [a_create(2), a_create(3), an_update(4)], verdicts={3: "rejected"})
    past.run(-2, [a_mark(5)])
    assert {"create": 1, "update": 1, "mark": 1} == past.history(0.5).overview().since_yesterday


def test_partners_by_type_are_the_newest_and_those_of_thirty_days_ago(past):
    past.run(-24 * 40, types={"open_partner": 90})
    past.run(-24 * 31, types={"open_partner": 99})
    past.run(-48, types={"open_partner": 100, "select_partner": 50})
    past.run(-25, types={"open_partner": 101, "select_partner": 50})
    past.run(-24, types={"open_partner": 102, "select_partner": 51})
    past.run(0, types={"open_partner": 104, "select_partner": 52})
    found = past.history(0.5).overview()
    assert {"open_partner": 104, "select_partner": 52} == found.partners
    assert ({"open_partner": 99}, 30) == (found.partners_before, found.partners_days)


def test_the_most_changed_fields_are_those_of_confirmed_updates_of_thirty_days(past):
    past.run(-24 * 31, [an_update(1, old=(1, 2))])
    past.run(-3, [an_update(n, account_owner=("A", "B")) for n in range(5)] + [an_update(9, tier=(1, 2))])
    past.run(-2, [an_update(1, tier=("A", "B")), an_update(2, x=(1, 2)), a_create(3)], verdicts={2: "rejected"})
    assert (("account_owner", 5), ("tier", 2)) == past.history(0.5).overview().most_changed


def test_the_chart_has_the_last_runs_the_oldest_first(past):
    for hour in range(-60, 0):
        past.run(hour, [a_create(hour + 100)])
    found = past.history(0).overview()
    assert 48 == len(found.chart)
    assert found.chart[0].begun < found.chart[-1].begun
    assert (8 + 4, 49) == (found.chart[-1].seconds, found.chart[-1].calls)
    assert (60, 25, 3) == (found.runs.total, len(found.runs.rows), found.runs.pages)


def test_one_of_several_instances_is_shown_alone(past):
    both = ("global", "gov")
    past.run(0, [a_create(1), a_create(2, instance="gov"), a_create(3, instance="gov")], instances=both)
    history = past.history(0.5)
    assert both == history.overview().instances
    shown = {one: history.overview(instance=one).since_yesterday["create"] for one in (None, *both)}
    assert {None: 3, "global": 1, "gov": 2} == shown
    assert 4212 == history.overview(instance="gov").runs.rows[0].organizations
    assert {"open_partner": 224} == history.overview().partners


def test_objects_that_cannot_be_read_are_listed(past):
    run_id = past.run(0)
    (past.archive.run_folder(run_id, past.trigger(0).run_after) / "run.json").write_text("{")
    found = past.history(0.5).overview()
    assert 1 == len(found.unreadable)
    assert ("failed", "its records in the archive cannot be read") == (found.runs.rows[0].state, found.runs.rows[0].why)


def test_a_run_narrowed_to_accounts_hides_no_failure_of_the_whole(past):
    past.run(-3)
    past.fail(-2, message="Fix the config.")
    past.fail(-1, message="Fix the config.")
    past.run(0, params={"account_ids": ["x"]})
    assert ("needs attention", ["failed"]) == health(past)
    assert 2 == items(past)["failed"].count
    past.run(0.2, [an_update(1)], verdicts={1: "rejected"}, params={"account_ids": ["x"]})
    assert {"failed"} == set(items(past))
    past.run(0.4)
    assert "failed" not in items(past)


def test_a_whole_run_with_verdicts_ends_the_failures_before_it(past):
    past.fail(-2)
    past.run(-1, [an_update(1)], verdicts={1: "rejected"})
    assert ["rejected"] == list(items(past))


def test_an_instance_named_failed_makes_no_failure_of_a_run_on_hold(past):
    past.run(-1, instances=("failed",))
    past.run(0, holds=[a_hold(a_mark(20, instance="failed"))], instances=("failed",))
    assert ["withheld"] == list(items(past))


def test_a_later_run_of_the_same_case_is_green_and_its_item_still_needs_attention(past):
    past.run(-1, holds=[HOLD])
    past.run(0, holds=[replace(HOLD, opens_case=False)])
    assert ("needs attention", ["withheld"]) == health(past)
    found = past.history(0.5).overview()
    assert ["success", "failed"] == [row.state for row in found.runs.rows]
    assert ("12:00", HOLD.id) == (f"{found.last_success:%H:%M}", found.items[0].link.hold)


@pytest.mark.parametrize("reason", ["no_trace", "open_tickets"])
def test_what_waits_for_tickets_or_for_a_trace_is_listed_and_is_urgent_only_as_a_case(past, reason):
    waits = a_hold(a_mark(1), reason=reason, opens_case=False)
    past.run(-1, holds=[waits])
    assert ("up to date", ["withheld"]) == health(past)
    past.run(0, holds=[replace(waits, opens_case=True)])
    assert ("needs attention", ["withheld"]) == health(past)


def test_holds_that_need_a_decision_come_before_those_that_do_not(past):
    past.run(0, holds=[a_hold(a_mark(1), reason="no_trace", opens_case=False), HOLD])
    assert [True, False] == [item.urgent for item in past.history(0.5).overview().items]


def test_a_run_that_only_plans_is_no_success_and_the_health_says_so(past):
    past.run(0, [a_create(1)], planning_only=("global",))
    found = past.history(0.5).overview()
    assert ("planning only", ("global",), None, False) == (
        found.health,
        found.planning_only,
        found.last_success,
        found.overdue,
    )
    assert ["planning only"] == [row.state for row in found.runs.rows]
    assert "overdue" == past.history(2.1).overview().health
    past.run(0.2, [a_create(1)])
    assert "up to date" == past.history(0.5).overview().health


def test_an_instance_that_is_not_armed_does_not_hide_that_another_waits(past):
    both = ("global", "gov")
    past.run(0, [a_create(1, instance="gov")], holds=[HOLD], planning_only=("gov",), instances=both)
    history = past.history(0.5)
    assert ("needs attention", ("gov",)) == (history.overview().health, history.overview().planning_only)
    assert () == history.overview(instance="global").planning_only
    past.run(0.2, [a_create(1, instance="gov")], planning_only=("gov",), instances=both)
    assert "up to date" == past.history(0.5).overview(instance="global").health


def test_an_instance_that_was_not_read_needs_attention(past):
    past.run(0, unread=[UnreadInstance("gov", "Zendesk did not answer.")])
    [item] = past.history(0.5).overview().items
    assert ("failed", "The run failed: gov was not read.") == (item.what, item.sentence)

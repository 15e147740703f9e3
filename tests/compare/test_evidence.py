"""A mark needs evidence of its own run: what Salesforce reports about a missing account, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from partner_sync.compare.evidence import AccountLookup, shown_evidence
from partner_sync.config.limits import Limit
from partner_sync.config.load import Config
from partner_sync.config.settings import OnlyIfOlder
from partner_sync.model import Evidence, Plan
from tests.compare.builders import CONFIG, MADE, all_deleted, an_account, an_id, an_organization, kinds
from tests.compare.runs import Runs, held, limited, written

LOST = 7
DELETED = {"IsDeleted": True}
MERGED = {"IsDeleted": True, "MasterRecordId": an_id(1)}
OTHER_TRACK = {**an_account(LOST, Partner_Track__c="Technology"), "IsDeleted": False}
LISTED = {**an_account(LOST), "IsDeleted": False}
NEVER_THERE: Mapping[str, object] | None = None


def marks(**settings: Any) -> Config:
    return replace(CONFIG, marks=replace(CONFIG.marks, **settings))


class Salesforce:
    """A lookup that gives the same row for every id, and counts how often each is asked. `fails` answers nothing."""

    def __init__(self, row: Mapping[str, object] | None = None, *, passing: bool = False, fails: bool = False) -> None:
        self.row, self.passing, self.fails = row, passing, fails
        self.asked: list[str] = []

    def __call__(self, ids: Sequence[str]) -> AccountLookup:
        self.asked += ids
        if self.fails:
            return AccountLookup()
        found = {} if self.row is None else {one: {**self.row, "Account_ID_18__c": one} for one in ids}
        return AccountLookup(frozenset(ids), found, frozenset(ids) if self.passing else frozenset())


def plan_with(salesforce: Salesforce, config: Config = CONFIG) -> Plan:
    return Runs([LOST], config, look_up=salesforce).run()


MARK, NOTHING = [("mark", 100 + LOST)], []
ROWS = [
    # what Salesforce reports, settings, what is written, what is held, problems
    (MERGED, {}, NOTHING, [], ["account_merged"]),
    (MERGED, {"merged": "mark"}, MARK, [], []),
    (DELETED, {}, MARK, [], []),
    ({"IsDeleted": True, "MasterRecordId": None}, {}, MARK, [], []),
    (OTHER_TRACK, {}, MARK, [], []),
    ({**LISTED, "Type": None}, {}, MARK, [], []),
    (NEVER_THERE, {}, NOTHING, [("mark", "no_trace", 1)], []),
    (NEVER_THERE, {"no_trace": "mark"}, MARK, [], []),
]


@pytest.mark.parametrize(("row", "settings", "is_written", "is_held", "problems"), ROWS)
def test_the_first_evidence_that_applies_decides(
    row: dict[str, object] | None, settings: dict[str, Any], is_written: list, is_held: list, problems: list[str]
) -> None:
    plan = plan_with(Salesforce(row), marks(**settings))
    assert (written(plan), held(plan), kinds(plan)) == (is_written, is_held, problems)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (MERGED, f"merged into {an_id(1)}, whose organization is 101"),
        ({**MERGED, "MasterRecordId": an_id(50)}, f"merged into {an_id(50)}"),
        (DELETED, "deleted in Salesforce, seen 24 Nov"),
        (OTHER_TRACK, "Partner_Track__c: Technology"),
        ({**LISTED, "Type": None}, "Type: empty"),
        (NEVER_THERE, "Salesforce shows this user no record"),
    ],
)
def test_a_mark_says_what_its_evidence_is(row: dict[str, object] | None, reason: str) -> None:
    plan = plan_with(Salesforce(row), marks(merged="mark", no_trace="mark"))
    assert [one.reason for one in plan.changes] == [reason]


@pytest.mark.parametrize("passing", [True, False])
def test_an_account_that_passes_the_filter_is_not_marked(passing: bool) -> None:
    plan = plan_with(Salesforce(LISTED if not passing else OTHER_TRACK, passing=passing))
    assert (written(plan), held(plan), kinds(plan), plan.counts["not_marked"]) == ([], [], [], 1)


def test_the_filter_ignores_the_case_of_text() -> None:
    plan = plan_with(Salesforce({**LISTED, "Partner_Track__c": " OPEN", "Type": "partner"}))
    assert (written(plan), plan.counts["not_marked"]) == ([], 1)


def test_the_value_that_a_field_of_the_filter_had_stays_known() -> None:
    runs = Runs([LOST], limited(mark=Limit(max_count=0)), look_up=Salesforce(OTHER_TRACK))
    runs.run()
    assert runs.memory is not None
    [known] = runs.memory.missing
    assert known.evidence is not None
    seen = replace(known.evidence, before="Select")
    runs.memory = replace(runs.memory, missing=(replace(known, evidence=seen),))
    assert [one.reason for one in runs.run().withheld_changes] == ["Partner_Track__c: Select -> Technology"]


def test_an_account_that_only_a_changed_filter_leaves_out_shows_its_value_once() -> None:
    evidence = Evidence(an_id(1), "filtered", MADE, field="Partner_Track__c", before="Open", found="Open")
    assert shown_evidence(evidence) == "Partner_Track__c: Open"


# -- what is remembered -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "then", "settings", "is_written", "problems"),
    [
        (DELETED, NEVER_THERE, {}, MARK, []),
        (MERGED, NEVER_THERE, {}, NOTHING, ["account_merged"]),
        (MERGED, DELETED, {}, NOTHING, ["account_merged"]),  # only the link is gone
        (MERGED, OTHER_TRACK, {}, MARK, []),  # a record that is found replaces what is remembered
        (OTHER_TRACK, NEVER_THERE, {}, NOTHING, []),
    ],
)
@pytest.mark.parametrize("hours", [1, 72])
def test_evidence_outlives_the_record(
    before: dict, then: dict | None, settings: dict, is_written: list, problems: list[str], hours: float
) -> None:
    runs = Runs([LOST], limited(mark=Limit(max_count=0)), look_up=Salesforce(before))
    runs.run()
    runs.config, runs.look_up = marks(**settings), Salesforce(then)
    runs.memory = replace(runs.memory, held=())  # type: ignore[type-var]
    plan = runs.run(hours=hours)
    assert (written(plan), kinds(plan)) == (is_written, problems)


def test_what_is_remembered_of_another_account_of_the_organization_counts_for_nothing() -> None:
    runs = Runs([LOST], limited(mark=Limit(max_count=0)), look_up=Salesforce(DELETED))
    runs.run()
    runs.organizations[1] = an_organization(LOST, salesforce_id=an_id(8), external_id=None)
    runs.look_up = Salesforce(NEVER_THERE)
    assert held(runs.run()) == [("mark", "no_trace", 1)]


def test_when_a_deletion_was_seen_first_stays_known() -> None:
    runs = Runs([LOST], limited(mark=Limit(max_count=0)))
    runs.run()
    assert [one.evidence for one in runs.run(hours=20).withheld_changes if one.kind == "mark"] == [
        Evidence(an_id(LOST), "deleted", MADE)
    ]


# -- when is asked ------------------------------------------------------------------------------------------


def test_a_mark_that_is_planned_is_asked_about_in_every_run() -> None:
    runs = Runs([LOST], limited(mark=Limit(max_count=0)), look_up=(salesforce := Salesforce(DELETED)))
    for _ in range(3):
        runs.run(hours=0.1)
    assert salesforce.asked == [an_id(LOST)] * 3


@pytest.mark.parametrize(("row", "settings"), [(NEVER_THERE, {}), (DELETED, {"grace_days": 3})])
def test_a_mark_that_waits_is_asked_about_again_after_an_hour(row: dict | None, settings: dict) -> None:
    runs = Runs([LOST], marks(**settings), look_up=(salesforce := Salesforce(row)))
    asked = []
    for _ in range(5):
        plan = runs.run(hours=0.5)
        asked.append(len(salesforce.asked))
        assert (written(plan), len(plan.holds) + plan.counts["in_grace"]) == ([], 1)
    assert asked == [1, 1, 2, 2, 3]


def test_the_date_of_a_waiting_account_is_asked_for_in_every_run() -> None:
    older = OnlyIfOlder(3, source="Expired__c")
    salesforce = Salesforce({**DELETED, "Expired__c": "2020-01-01"})
    runs = Runs([LOST], marks(only_if_older=older, grace_days=3), look_up=salesforce)
    for _ in range(3):
        assert runs.run(hours=0.1).counts["in_grace"] == 1
    assert len(salesforce.asked) == 3


@pytest.mark.parametrize(("expired", "many"), [("2023-11-23", 1), ("2023-11-24", 0), (None, 0)])
def test_the_older_rule_can_follow_a_date_of_the_missing_account(expired: str | None, many: int) -> None:
    older = OnlyIfOlder(3, source="Expired__c")
    plan = plan_with(Salesforce({**DELETED, "Expired__c": expired}), marks(only_if_older=older))
    assert (len(plan.changes), plan.counts["too_recent"]) == (many, 1 - many)


def test_nobody_asks_about_what_is_spared() -> None:
    salesforce = Salesforce(DELETED)
    Runs([LOST], marks(protected=(an_id(LOST),)), look_up=salesforce).run()
    assert salesforce.asked == []


# -- grace --------------------------------------------------------------------------------------------------


def test_with_grace_days_a_mark_waits_until_the_account_was_missing_for_so_long() -> None:
    runs = Runs([LOST], marks(grace_days=2))
    assert [len(runs.run(hours=23).changes) for _ in range(4)] == [0, 0, 0, 1]


@pytest.mark.parametrize(("gap", "marked"), [(24, 1), (24.1, 0)])
def test_a_day_without_a_complete_run_starts_the_grace_days_anew(gap: float, marked: int) -> None:
    runs = Runs([LOST], marks(grace_days=1))
    runs.run()
    assert len(runs.run(hours=gap).changes) == marked


def test_an_account_that_was_there_in_between_starts_its_grace_days_anew() -> None:
    runs = Runs([LOST], marks(grace_days=1))
    runs.run()
    runs.rows.append(an_account(LOST))
    runs.run(hours=12)
    runs.rows.pop()
    assert runs.run(hours=12).counts["in_grace"] == 1


def test_without_memory_the_grace_days_start_anew() -> None:
    runs = Runs([LOST], marks(grace_days=1))
    runs.run()
    runs.memory = None
    assert runs.run(hours=24).counts["in_grace"] == 1


# -- doubts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partners", "listed", "disagree"),
    [(20, 3, False), (20, 4, True), (80, 4, False), (80, 5, True), (81, 5, True), (5, 3, False)],
)
def test_more_than_three_and_five_percent_that_should_have_been_listed_stop_all_marks(
    partners: int, listed: int, disagree: bool
) -> None:
    there = range(200, 200 + partners - listed - 2)
    found = {an_id(number) for number in range(10, 10 + listed)}

    def look_up(ids: Sequence[str]) -> AccountLookup:
        return AccountLookup(
            frozenset(ids), {one: LISTED if one in found else DELETED for one in ids}, frozenset(found)
        )

    runs = Runs([LOST, *range(10, 10 + listed)], look_up=look_up)
    runs.organizations += [an_organization(number) for number in there]
    runs.rows += [an_account(number) for number in there]
    runs.rows[0] = an_account(1, Support_Hold__c=True)
    plan = runs.run()
    assert plan.counts["partner_organizations"] == partners
    assert kinds(plan) == ["reads_disagree"] * disagree
    assert [one.kind for one in plan.changes] == ["update"] + ["mark"] * (not disagree)
    assert plan.counts["not_marked"] == listed + disagree


def test_while_the_lookup_fails_marks_wait_and_everything_else_goes_on() -> None:
    runs = Runs([LOST], look_up=Salesforce(fails=True), rows=[an_account(1, Support_Hold__c=True)])
    plan = runs.run()
    assert (kinds(plan), [one.kind for one in plan.changes], plan.holds) == (["lookup_failed"], ["update"], ())
    assert plan.problems[0].organization_ids == (100 + LOST,)


def test_an_earlier_answer_is_no_evidence_while_the_lookup_fails() -> None:
    runs = Runs([LOST], limited(mark=Limit(max_count=0)))
    runs.approve(runs.run().holds[0])
    runs.look_up = Salesforce(fails=True)
    plan = runs.run()
    assert (plan.changes, plan.holds, kinds(plan)) == ((), (), ["lookup_failed"])
    runs.look_up = all_deleted
    assert written(runs.run()) == MARK


@pytest.mark.parametrize("doubt", [Salesforce(fails=True), Salesforce(LISTED, passing=True)])
def test_a_doubt_releases_no_mark_that_was_held(doubt: Salesforce) -> None:
    runs = Runs(range(2, 9), limited(mark=Limit(max_count=4)))
    [hold] = runs.run().holds
    runs.look_up = doubt
    assert runs.run().changes == ()
    runs.look_up = all_deleted
    runs.approve(hold, [an_id(number) for number in (2, 3, 4, 5)])
    plan = runs.run(hours=0.5)
    assert (len(plan.changes), held(plan)) == (4, [("mark", "limit", 3)])
    assert runs.now - plan.holds[0].since == timedelta(hours=1.5)


def test_a_mark_on_hold_for_its_number_stays_so_while_salesforce_shows_no_record_of_it() -> None:
    runs = Runs(range(2, 9), limited(mark=Limit(max_count=4)))
    [hold] = runs.run().holds
    runs.look_up = Salesforce(NEVER_THERE)
    runs.organizations = [an_organization(number) for number in range(1, 9)]
    runs.run()
    runs.look_up = all_deleted
    runs.approve(hold, [an_id(number) for number in (2, 3, 4, 5)])
    plan = runs.run()
    assert (len(plan.changes), held(plan)) == (4, [("mark", "limit", 3)])

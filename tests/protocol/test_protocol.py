"""The writing protocol, as a model, through random schedules: safe with all its rules, unsafe without any of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from tests.protocol.rules import NAMES, Rules
from tests.protocol.world import World

NO_PLAN = "sent without its plan in the archive"
REFUSED = "refused although the archive is the one that compare wrote to"
OLD = "sent from a plan that is too old"
LIMIT = "more jobs than the limit"
TWICE = "written twice for nothing"
ENDED = "sent by an ended approval"
TWO_WRITES = "two writes by one approval"

NEEDED = {
    "snapshot_order": (range(35, 45), "stale write"),
    "name_per_plan": (range(10), REFUSED),
    "foreign_names_ignored": (range(20), "desired state not reached"),
    "refuses_none": (range(20), NO_PLAN),
    "refuses_older": (range(35, 85), NO_PLAN),
    "three_looks": (range(80, 120), REFUSED),
    "max_plan_age": (range(20), OLD),
    "own_claims": (range(30, 60), "false verdict (confirmed, not sent)"),
    "waits_for_older": (range(45, 55), "created twice"),
    "jobs_limit": (range(20), LIMIT),
    "claims_first": (range(20), LIMIT),
    "others_yield": (range(30, 40), TWICE),
    "verdicts_since": (range(5150, 5155), TWICE),
    "last_latest": (range(20), OLD),
    "deadline": (range(20), OLD),
    "waits_for_timeouts": (range(20), TWICE),
    "waits_for_lag": (range(10), TWICE),
    "known_before": (range(320, 335), TWICE),
    "job_404": (range(20), TWICE),
    "rereads": (range(20), TWICE),
    "field_by_field": (range(60, 80), "person's edit overwritten"),
    "settler_reports": (range(20), "settled without a verdict"),
    "compare_settles": (range(665, 675), "never reported"),
    "any_try": (range(20), "false verdict (superseded, not sent)"),
    "exact_row": (range(20), "sent by an approval of another row"),
    "newest_verdict": (range(1335, 1340), "verdict hidden by an older one"),
    "different_users": (range(170, 180), "sent by too few approvals"),
    "last_decisions": (range(20, 40), ENDED),
    "taken_back": (range(20), "approval spent, nothing sent"),
    "restore_since": (range(60, 75), "restore ended although the mapping never wanted anything else"),
    "leave_is_final": (range(180, 190), ENDED),
    "leave_outlives": (range(3430, 3440), ENDED),
    "moves_unclaimed": (range(80, 90), "approval moved, nothing sent"),
    "taken_before": (range(20), TWO_WRITES),
    "restore_ends": (range(295, 305), "sent by an ended restore"),
    "restore_spares": (range(60, 70), "restored over a value that is neither the run's nor the one before it"),
}
"""For each rule: schedules that find what happens without it, and what that is."""

WAITING = {
    "settles_own": range(20),
    "first_look": range(20),
    "released_is_settled": range(20, 30),
    "first_decisions": range(10),
}
"""Rules without which a batch waits in vain. In the end `max_plan_age` frees it, so that rule is removed as well."""

COMPARISONS = ("first_claims", "last_claims")
"""Either comparison of the claims finds nearly everything that the other one finds."""


def broken(seeds: Iterable[int], *removed: str, until: str = "", **world: int) -> Counter[str]:
    """What these schedules find that nothing but the rules explains, up to the first that finds `until`."""
    found: Counter[str] = Counter()
    for seed in seeds:
        found.update(World(seed, Rules(**dict.fromkeys(removed, False)), **world).run().broken())
        if until in found:
            break
    return found


def test_no_schedule_breaks_the_protocol():
    assert Counter() == broken(range(600))


@pytest.mark.parametrize("rule", NEEDED)
def test_without_any_single_rule_a_schedule_breaks_the_protocol(rule):
    schedules, finding = NEEDED[rule]
    assert finding in broken(schedules, rule, until=finding)


@pytest.mark.parametrize("rule", WAITING)
def test_without_any_single_rule_of_waiting_a_process_never_ends(rule):
    assert "never ends" in broken(WAITING[rule], rule, "max_plan_age", until="never ends")


def test_without_both_comparisons_of_the_claims_a_row_is_written_twice():
    assert TWICE in broken(range(30, 45), *COMPARISONS, until=TWICE)


def test_an_approval_given_back_after_a_lost_response_is_written_twice():
    schedules = range(870, 875)
    assert TWO_WRITES in broken(schedules, "taken_kept", until=TWO_WRITES, valid=700, reverted=40)
    assert Counter() == broken(schedules, valid=700, reverted=40)


def test_a_batch_ends_even_if_its_plan_may_be_of_any_age():
    assert {OLD} == broken(range(30), "max_plan_age").keys()


def test_every_rule_is_in_one_of_these_groups():
    assert sorted(NAMES) == sorted([*NEEDED, *WAITING, *COMPARISONS, "taken_kept"])

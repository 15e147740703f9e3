"""What is too much is withheld as a whole kind, with the numbers and the next step."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from partner_sync.compare.guards import limit
from partner_sync.config.params import Options
from partner_sync.config.settings import Limit
from partner_sync.model import Change, Kind, Mark, Plan
from tests.compare.builders import CONFIG, SHIPPED, an_account, an_id, an_organization, plan_of

SHIPPED_LIMITS = SHIPPED.limits


def marks(count: int) -> list[Change]:
    return [Mark("global", an_id(1), number, "x", (), "") for number in range(count)]


@pytest.mark.parametrize(
    ("one", "count", "partners", "most"),
    [
        # at or below the floor neither count nor percent means anything
        (Limit(floor=10, max_percent=20), 10, 10, None),
        (Limit(floor=10, max_percent=20), 11, 10, 10),
        (Limit(floor=10, max_count=10), 10, 1000, None),
        # percent of the partner organizations
        (Limit(floor=10, max_percent=20), 35, 176, None),
        (Limit(floor=10, max_percent=20), 36, 176, 35),
        (Limit(max_percent=33.3), 333, 1000, None),
        (Limit(max_percent=33.3), 334, 1000, 333),
        (Limit(max_percent=0), 1, 1000, 0),
        (Limit(max_percent=100), 1000, 1000, None),
        (Limit(max_percent=20), 1, 0, 0),
        # counts, and whichever is less
        (Limit(max_count=5), 5, 1000, None),
        (Limit(max_count=5), 6, 1000, 5),
        (Limit(max_count=5, max_percent=1), 6, 1000, 5),
        (Limit(max_count=50, max_percent=1), 11, 1000, 10),
        # no limit at all
        (Limit(floor=3), 1000, 0, None),
        (None, 1000, 0, None),
    ],
)
def test_a_kind_is_over_its_limit_or_not(one: Limit | None, count: int, partners: int, most: int | None) -> None:
    limits: dict[Kind, Limit] = {"mark": one} if one else {}
    found = limit("global", marks(count), partners, limits, {})
    assert [(withheld.kind, withheld.count, withheld.limit) for withheld in found] == (
        [] if most is None else [("mark", count, most)]
    )


@pytest.mark.parametrize(("allowed", "over"), [(36, False), (37, False), (35, True), (0, True)])
def test_what_is_allowed_for_one_run_replaces_the_limit_and_is_not_unlimited(allowed: int, over: bool) -> None:
    assert bool(limit("global", marks(36), 176, SHIPPED_LIMITS, {"mark": allowed})) is over


def test_what_is_allowed_for_one_run_can_be_less_than_the_limit_or_limit_what_has_none() -> None:
    assert limit("global", marks(5), 176, SHIPPED_LIMITS, {"mark": 4})[0].limit == 4
    assert limit("global", marks(5), 176, {}, {"mark": 4})[0].limit == 4
    assert limit("global", marks(5), 176, {}, {"update": 4}) == []


def test_the_numbers_and_the_next_step_are_shown() -> None:
    (found,) = limit("global", marks(37), 176, SHIPPED_LIMITS, {})
    assert found.why == (
        "37 marks in global held for review: 21 % of 176 partner organizations. The limit is 20 %, here 35."
    )
    assert found.next_step == (
        'Review them in the plan. If they are right, trigger again with conf {"allow_over_limit": {"mark": 37}}'
    )
    assert found.partner_organizations == 176


@pytest.mark.parametrize(
    ("limits", "allowed", "partners", "reason"),
    [
        (
            SHIPPED_LIMITS,
            {},
            10,
            "110 % of 10 partner organizations. The limit is 10, the floor (20 %, here 2 is lower).",
        ),
        (SHIPPED_LIMITS, {}, 0, "there are no partner organizations yet."),
        (SHIPPED_LIMITS, {"mark": 3}, 10, "The limit is 3, set by allow_over_limit of this run."),
        ({"mark": Limit(max_count=4)}, {}, 10, "The limit is 4."),
    ],
)
def test_the_source_of_the_limit_is_shown(limits: dict, allowed: dict, partners: int, reason: str) -> None:
    assert reason in limit("global", marks(11), partners, limits, allowed)[0].why


def test_the_next_step_of_a_narrowed_run_stays_narrow() -> None:
    (found,) = limit("global", marks(37), 176, SHIPPED_LIMITS, {}, [an_id(1)])
    conf = json.loads(found.next_step.split("conf ")[1])
    assert conf == {"allow_over_limit": {"mark": 37}, "account_ids": [an_id(1)]}


# -- in a plan ----------------------------------------------------------------------------------------------


def plan_with(limits: dict[Kind, Limit], options: Options | None = None) -> Plan:
    """Two creates, three updates and four marks."""
    rows = [an_account(number, Support_Hold__c=True) for number in range(1, 6)]
    organizations = [an_organization(number) for number in (1, 2, 3, 11, 12, 13, 14)]
    return plan_of(rows, organizations, config=replace(CONFIG, limits=limits), options=options)


def test_a_kind_over_its_limit_is_withheld_whole_and_the_others_go_on() -> None:
    plan = plan_with({"mark": Limit(max_count=3)})
    assert [one.kind for one in plan.changes] == ["create"] * 2 + ["update"] * 3
    assert [one.kind for one in plan.withheld_changes] == ["mark"] * 4
    assert [(one.instance, one.kind, one.count, one.limit) for one in plan.withheld] == [("global", "mark", 4, 3)]
    assert (plan.counts["mark"], plan.counts["withheld"]) == (0, 4)
    assert sorted(plan.digests) == ["create 1-2", "update 1-3"]


def test_every_kind_can_be_limited() -> None:
    plan = plan_with({"create": Limit(max_count=1), "update": Limit(max_percent=10), "mark": Limit(max_count=0)})
    assert plan.changes == ()
    assert [one.kind for one in plan.withheld] == ["create", "update", "mark"]


def test_the_next_step_lets_exactly_that_kind_through() -> None:
    limits: dict[Kind, Limit] = {"mark": Limit(max_count=3), "update": Limit(max_count=1)}
    conf = json.loads(plan_with(limits).withheld[-1].next_step.split("conf ")[1])
    plan = plan_with(limits, Options(allow_over_limit=conf["allow_over_limit"]))
    assert {one.kind for one in plan.changes} == {"create", "mark"}
    assert [one.kind for one in plan.withheld] == ["update"]


def test_only_what_this_run_would_write_counts() -> None:
    plan = plan_with({"mark": Limit(max_count=1)}, Options(account_ids=(an_id(11),)))
    assert [(one.kind, one.account_id) for one in plan.changes] == [("mark", an_id(11))]
    assert (plan.withheld, plan.counts["not_asked"]) == ((), 8)

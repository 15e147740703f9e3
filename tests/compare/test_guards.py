"""Guards: how many rows may be written without an approval, with their numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from partner_sync.compare.guards import Exceeded, Guards
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.config.limits import Limit, LimitName
from partner_sync.config.settings import Attribute
from partner_sync.model import KINDS, Change, Create, FieldChange, Mark, Organization, Plan, Update
from tests.compare.builders import (
    CONFIG,
    SHIPPED,
    an_account,
    an_id,
    an_organization,
    plan_of,
)
from tests.compare.runs import Runs, held, limited, written

PARTNER, MARKED = an_organization(1), an_organization(1, mark_for_deletion=True)


def marks(count: int) -> list[Change]:
    return [Mark("global", an_id(1), number, "x", (), "") for number in range(count)]


def creates(count: int) -> list[Change]:
    return [Create("global", an_id(1), "x", (), "") for _ in range(count)]


def emptying(count: int, field: str = "account_owner", before: object = "A", after: object = None) -> list[Change]:
    changes = (FieldChange(field, before, after),)  # type: ignore[arg-type]
    return [Update("global", an_id(1), number, "x", changes, "") for number in range(count)]


def exceeded(
    changes: list[Change],
    partners: list[Organization],
    limits: dict[LimitName, Limit] | None = None,
    marked: frozenset[int] = frozenset(),
    config: object = SHIPPED,
) -> list[Exceeded]:
    found = SHIPPED.limits if limits is None else limits
    counted = range(len(changes))
    return list(Guards(found, organization_schema(config), changes, counted, partners, marked).exceeded())


@pytest.mark.parametrize(
    ("one", "count", "partners", "most"),
    [
        # up to the floor neither count nor percent means anything
        (Limit(floor=10, max_percent=20), 10, 20, None),
        (Limit(floor=10, max_percent=20), 11, 20, 10),
        (Limit(floor=10, max_count=10), 10, 1000, None),
        # a floor is never more than half of what the percentage is of
        (Limit(floor=10, max_percent=20), 9, 19, None),
        (Limit(floor=10, max_percent=20), 10, 19, 9),
        (Limit(floor=10, max_percent=20), 1, 2, None),
        (Limit(floor=10, max_percent=20), 2, 2, 1),
        (Limit(floor=10, max_percent=20), 1, 1, 0),
        (Limit(floor=10, max_percent=20), 1, 0, 0),
        # percent of the unmarked partner organizations
        (Limit(floor=10, max_percent=20), 35, 176, None),
        (Limit(floor=10, max_percent=20), 36, 176, 35),
        (Limit(max_percent=33.3), 333, 1000, None),
        (Limit(max_percent=33.3), 334, 1000, 333),
        (Limit(max_percent=0), 1, 1000, 0),
        (Limit(max_percent=100), 1000, 1000, None),
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
    limits: dict[LimitName, Limit] = {"mark": one} if one else {}
    found = exceeded(marks(count), [PARTNER] * partners, limits)
    assert [(guard.reason, guard.kind, guard.counted, guard.most) for guard in found] == (
        [] if most is None else [("limit", "mark", count, most)]
    )


@pytest.mark.parametrize(("count", "partners", "over"), [(50, 100, 0), (51, 100, 1), (50, 99, 1), (1, 0, 1)])
def test_creates_have_a_floor_of_fifty_and_the_first_run_on_an_empty_zendesk_is_held(
    count: int, partners: int, over: int
) -> None:
    assert len(exceeded(creates(count), [PARTNER] * partners)) == over


def test_updates_have_no_limit_of_their_own() -> None:
    assert exceeded(emptying(1000, "account_owner", "A", "B"), [PARTNER] * 10) == []


def test_marked_organizations_are_not_part_of_what_a_percentage_is_of() -> None:
    partners = [PARTNER] * 100 + [MARKED] * 100
    assert exceeded(marks(20), partners) == []
    assert exceeded(marks(21), partners)[0].of == 100


# -- the budget of seven days -------------------------------------------------------------------------------

BUDGET: dict[LimitName, Limit] = {"mark": Limit(floor=10, max_percent_7_days=30)}


@pytest.mark.parametrize(
    ("before", "planned", "unmarked", "over"),
    [
        (20, 10, 80, 0),  # 30 of 80 + 20
        (20, 11, 80, 1),
        (0, 30, 100, 0),
        (0, 31, 100, 1),
        (5, 5, 15, 0),  # the floor of 10, of 20
        (5, 6, 15, 1),
        (4, 6, 10, 1),  # half of 14 is less than the floor
        (50, 0, 50, 0),  # nothing is planned
    ],
)
def test_marks_of_seven_days_count_together(before: int, planned: int, unmarked: int, over: int) -> None:
    marked = [replace(MARKED, id=1000 + number) for number in range(before)]
    found = exceeded(marks(planned), [PARTNER] * unmarked + marked, BUDGET, frozenset(one.id for one in marked))
    assert [(one.reason, one.counted, one.of) for one in found] == [
        ("budget", before + planned, unmarked + before)
    ] * over


def test_only_organizations_that_are_still_marked_count_in_the_budget() -> None:
    partners = [PARTNER] * 80 + [replace(MARKED, id=1000 + number) for number in range(20)]
    returned = frozenset(range(2000, 2030))
    assert exceeded(marks(10), partners, BUDGET, returned) == []


def test_a_drip_of_marks_is_held_although_every_run_is_below_its_limit() -> None:
    runs = Runs(missing=range(2, 99), config=replace(CONFIG, limits={"mark": SHIPPED.limits["mark"]}))
    everyone = [an_account(number) for number in range(1, 99)]
    counts = []
    for day in range(1, 8):
        runs.rows = everyone[: 100 - 10 * day]
        plan = runs.run(hours=24)
        counts.append(len(plan.changes))
        runs.apply(plan)
    assert counts == [8, 10, 10, 0, 0, 0, 0]
    assert held(plan) == [("mark", "limit", 40)]


def test_a_budget_holds_marks_that_the_limit_of_a_run_lets_pass() -> None:
    runs = Runs(missing=range(2, 12), config=limited(mark=Limit(max_percent=100, max_percent_7_days=50)))
    runs.organizations += [an_organization(number, mark_for_deletion=True) for number in range(20, 30)]
    runs.organizations += [an_organization(number) for number in range(30, 39)]
    runs.rows += [an_account(number) for number in range(30, 39)]
    assert written(runs.run()) == [("mark", 100 + number) for number in range(2, 12)]
    runs.marked = frozenset(range(120, 130))
    plan = runs.run()
    assert held(plan) == [("mark", "budget", 10)]
    assert plan.holds[0].why == (
        "10 marks in global held for review: 20 marks in 7 days (67 % of 30) exceed the limit of 50 %, here 15."
    )


# -- emptied fields -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "over"), [(20, 0), (21, 1)])
def test_emptied_fields_are_counted_against_the_organizations_that_have_a_value_there(count: int, over: int) -> None:
    partners = [PARTNER] * 100 + [an_organization(1, account_owner=None)] * 900
    found = exceeded(emptying(count), partners)
    assert [(one.reason, one.kind, one.counted, one.of) for one in found] == [("emptied", "update", 21, 100)] * over


@pytest.mark.parametrize(("count", "over"), [(10, 0), (11, 1)])
def test_the_floor_of_emptied_fields_is_never_more_than_half_of_those_with_a_value(count: int, over: int) -> None:
    partners = [an_organization(1, support_hold=True)] * 20 + [PARTNER] * 500
    assert len(exceeded(emptying(count, "support_hold", True, False), partners)) == over


def test_every_field_has_its_own_count() -> None:
    changes = [*emptying(15), *emptying(15, "technical_account_manager")]
    assert exceeded(changes, [PARTNER] * 100) == []
    assert [one.rows for one in exceeded([*changes, *emptying(10)], [PARTNER] * 100)] == [(*range(15), *range(30, 40))]


def test_a_number_of_zero_is_a_value() -> None:
    number = Attribute(field="seats", source="Seats__c", rule="number")
    config = replace(SHIPPED, attributes=(*SHIPPED.attributes, number))
    partners = [an_organization(1, seats=5)] * 40
    assert exceeded(emptying(40, "seats", 5, 0), partners, config=config) == []
    assert exceeded(emptying(40, "seats", 0, None), partners, config=config)[0].of == 40


def test_partners_that_return_empty_no_field() -> None:
    assert exceeded(emptying(50, "mark_for_deletion", True, False), [MARKED] * 50) == []


# -- in a plan ----------------------------------------------------------------------------------------------


def plan_with(limits: dict[LimitName, Limit]) -> Plan:
    """Two creates, three updates and four marks."""
    rows = [an_account(number, Support_Hold__c=True) for number in range(1, 6)]
    organizations = [an_organization(number) for number in (1, 2, 3, 11, 12, 13, 14)]
    return plan_of(rows, organizations, config=replace(CONFIG, limits=limits))


def test_a_kind_over_its_limit_is_held_whole_and_the_others_go_on() -> None:
    plan = plan_with({"mark": Limit(max_count=3)})
    assert [one.kind for one in plan.changes] == ["create"] * 2 + ["update"] * 3
    assert [one.kind for one in plan.withheld_changes] == ["mark"] * 4
    assert [(one.instance, one.kind, one.rows, one.limit) for one in plan.holds] == [("global", "mark", 4, 3)]
    assert (plan.counts["mark"], plan.counts["withheld"]) == (0, 4)
    assert sorted(plan.digests) == ["create 1-2", "update 1-3"]


def test_every_kind_can_be_limited() -> None:
    plan = plan_with({"create": Limit(max_count=1), "update": Limit(max_percent=10), "mark": Limit(max_count=0)})
    assert plan.changes == ()
    assert [one.kind for one in plan.holds] == list(KINDS)


def test_the_numbers_and_the_next_step_are_shown() -> None:
    runs = Runs(missing=range(2, 39), config=replace(CONFIG, limits={"mark": SHIPPED.limits["mark"]}))
    runs.organizations += [an_organization(number) for number in range(40, 99)]
    runs.rows += [an_account(number) for number in range(40, 99)]
    [hold] = runs.run().holds
    assert hold.why == "37 marks in global held for review: 37 (38 % of 97) exceed the limit of 20 %, here 19."
    assert hold.next_step == (
        f'Review them on the page. To write these rows and no others: {{"approve": ["{hold.id}"]}}'
    )


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (Limit(floor=2, max_percent=20), "4 (57 % of 7) exceed the limit of 2, the floor (20 %, here 1 is lower)."),
        (Limit(max_count=3), "4 (57 % of 7) exceed the limit of 3."),
    ],
)
def test_the_source_of_the_limit_is_shown(limit: Limit, said: str) -> None:
    assert plan_with({"mark": limit}).holds[0].why.endswith(said)


def test_a_column_that_salesforce_hides_is_held_and_other_updates_go_on() -> None:
    rows = [an_account(number, Account_Owner_Calc__c=None) for number in range(1, 31)]
    rows += [an_account(31, Support_Hold__c=True)]
    organizations = [an_organization(number) for number in range(1, 32)]
    config = replace(CONFIG, limits={"emptied": SHIPPED.limits["emptied"]})
    plan = plan_of(rows, organizations, config=config)
    assert (held(plan), written(plan)) == ([("update", "emptied", 30)], [("update", 131)])
    assert "30 would empty a field (97 % of 31). The limit is 15, the floor" in plan.holds[0].why
    assert "for account_owner" in plan.holds[0].why

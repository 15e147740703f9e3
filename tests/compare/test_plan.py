"""The plan as a whole: order, counts, what was asked for, instances that are only read, batches."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from partner_sync.compare.batches import batches
from partner_sync.compare.problem_kinds import PROBLEM_KINDS
from partner_sync.config.limits import Limit
from partner_sync.config.params import Options
from partner_sync.config.settings import Instance
from partner_sync.model import KINDS, Plan, PlanOrder, ReadProof
from tests.compare.builders import (
    BEGUN,
    BYSTANDER,
    CONFIG,
    MADE,
    SHIPPED,
    accounts,
    an_account,
    an_id,
    an_instance,
    an_organization,
    kinds,
    make_plan,
    only_problem,
    plan_of,
    snapshot,
)

TWO_INSTANCES = replace(
    CONFIG, instances=(Instance("us_government", "zendesk_us", False), Instance("global", "zendesk_default", True))
)
BOTH_WRITTEN = replace(TWO_INSTANCES, instances=tuple(replace(one, write=True) for one in TWO_INSTANCES.instances))
ROWS = [an_account(1, Support_Hold__c=True), an_account(2), an_account(3), an_account(4, Name=None)]
THERE = [an_organization(1), an_organization(3), an_organization(5), an_organization(6, salesforce_id="n/a")]


def plan_of_two(config: object = TWO_INSTANCES, us_write: bool = False, options: Options | None = None) -> Plan:
    """Global has an update, a create and a mark; US Government has nothing but a bystander."""
    us = an_instance(BYSTANDER, name="us_government", write=us_write)
    return make_plan(
        config,
        accounts(*ROWS),
        snapshot(an_instance(*THERE), us),
        options,
    )


# -- what a plan carries ------------------------------------------------------------------------------------


def test_a_plan_says_where_it_comes_from() -> None:
    plan = plan_of(ROWS, THERE, options=Options(dry_run=True))
    assert plan.order == PlanOrder(BEGUN, MADE, "p1")
    assert (plan.id, plan.run_id, plan.dry_run, plan.config_digest) == ("p1", "r1", True, SHIPPED.digest)
    assert plan.reads == (ReadProof("Salesforce", 4, 4, 1, 1), ReadProof("Zendesk global", 5, 5, 1, 1))
    assert plan.digests == {batch.name: batch.digest for batch in batches(plan)}


def test_everything_is_counted() -> None:
    assert plan_of(ROWS, THERE).counts == {
        "accounts": 4,
        "problems": 2,
        "organizations": 5,
        "partner_organizations": 4,
        "unchanged": 1,
        "create": 1,
        "update": 1,
        "mark": 1,
        "withheld": 0,
        "left": 0,
        "restored": 0,
        "adopted": 0,
        "unmarked": 0,
        "protected": 0,
        "marked_already": 0,
        "too_recent": 0,
        "in_grace": 0,
        "not_marked": 0,
        "mark_undone": 0,
        "not_asked": 0,
        "type:alliance_partner": 0,
        "type:open_partner": 4,
        "type:select_partner": 0,
    }


def test_changes_and_problems_come_in_a_fixed_order_whatever_the_order_of_the_input() -> None:
    expected = plan_of_two(BOTH_WRITTEN, us_write=True)
    order = [(one.instance, one.kind) for one in expected.changes]
    assert order == [("us_government", "create")] * 3 + [("global", kind) for kind in KINDS]
    shuffle = random.Random(7)
    for _ in range(5):
        rows, there = list(ROWS), list(THERE)
        shuffle.shuffle(rows)
        shuffle.shuffle(there)
        us = an_instance(BYSTANDER, name="us_government")
        organizations = snapshot(us, an_instance(*there))
        plan = make_plan(BOTH_WRITTEN, accounts(*rows), organizations)
        assert plan == expected


# -- what was asked for -------------------------------------------------------------------------------------


def test_account_ids_narrow_changes_marks_included_but_no_problem() -> None:
    plan = plan_of(ROWS, THERE, options=Options(account_ids=(an_id(2), an_id(5))))
    assert [(one.kind, one.account_id) for one in plan.changes] == [("create", an_id(2)), ("mark", an_id(5))]
    assert kinds(plan) == ["account_without_name", "malformed_id"]
    assert (plan.counts["not_asked"], plan.counts["update"]) == (1, 0)


def test_an_asked_id_that_nobody_has_is_a_problem() -> None:
    plan = plan_of([an_account(1)], [an_organization(1)], options=Options(account_ids=(an_id(1), an_id(8))))
    assert (only_problem(plan).kind, only_problem(plan).account_ids) == ("account_id_unknown", (an_id(8),))


@pytest.mark.parametrize("ids", [{"external_id": None}, {"salesforce_id": None}, {"salesforce_id": an_id(8)[:15]}])
def test_an_asked_id_that_only_an_organization_has_is_known(ids: dict[str, object]) -> None:
    there = [an_organization(1), an_organization(8, account_type=None, fields=None, **ids)]
    assert plan_of([an_account(1)], there, options=Options(account_ids=(an_id(8),))).problems == ()


# -- instances ----------------------------------------------------------------------------------------------


def test_an_instance_that_is_only_read_is_counted_and_reported_but_never_written() -> None:
    plan = plan_of_two()
    assert {one.instance for one in plan.changes} == {"global"}
    assert plan.counts["us_government.would_create"] == 3
    assert plan.counts["us_government.create"] == 0
    assert (plan.counts["create"], plan.counts["global.create"]) == (1, 1)
    assert "would_create" not in plan.counts
    assert plan.counts["global.partner_organizations"] == plan.counts["partner_organizations"] == 4
    assert [(one.instance, one.kind) for one in plan.problems] == [
        (None, "account_without_name"),
        ("global", "malformed_id"),
    ]


def test_limits_mean_nothing_where_nothing_is_written() -> None:
    config = replace(TWO_INSTANCES, limits={"create": Limit(max_count=2)})
    assert plan_of_two(config).holds == ()


@pytest.mark.parametrize(("config", "us_write"), [(BOTH_WRITTEN, False), (TWO_INSTANCES, True)])
def test_an_instance_is_written_only_if_config_and_snapshot_both_say_so(config: object, us_write: bool) -> None:
    assert {one.instance for one in plan_of_two(config, us_write).changes} == {"global"}


def test_what_one_instance_names_is_not_marked_in_another() -> None:
    claimed = an_organization(2, salesforce_id=an_id(5), external_id=an_id(2))
    plan = make_plan(
        BOTH_WRITTEN,
        accounts(an_account(2)),
        snapshot(an_instance(an_organization(5)), an_instance(claimed, name="us_government")),
    )
    assert kinds(plan) == ["organization_claimed_twice"]
    assert [(one.instance, one.kind) for one in plan.changes] == [("global", "create")]


def test_a_limit_is_per_instance() -> None:
    config = replace(BOTH_WRITTEN, limits={"create": Limit(max_count=2)})
    plan = plan_of_two(config, us_write=True)
    assert [(one.instance, one.rows) for one in plan.holds] == [("us_government", 3)]
    assert [(one.instance, one.kind) for one in plan.changes] == [("global", kind) for kind in KINDS]
    assert (plan.counts["withheld"], plan.counts["us_government.withheld"]) == (3, 3)


# -- batches ------------------------------------------------------------------------------------------------


def test_a_batch_holds_at_most_a_hundred_changes_of_one_kind() -> None:
    rows = [
        an_account(number % 100, Account_ID_18__c=f"0014M00001A{number:04d}", Name=str(number)) for number in range(250)
    ]
    plan = plan_of([*rows, an_account(1, Support_Hold__c=True)], [an_organization(1), an_organization(7)])
    cut = batches(plan)
    assert [one.name for one in cut] == ["create 1-100", "create 101-200", "create 201-250", "update 1-1", "mark 1-1"]
    assert [(one.index, one.of, len(one.changes)) for one in cut] == [
        (0, 5, 100),
        (1, 5, 100),
        (2, 5, 50),
        (3, 5, 1),
        (4, 5, 1),
    ]
    assert tuple(change for one in cut for change in one.changes) == plan.changes
    assert {(one.order, one.run_id, one.instance) for one in cut} == {(plan.order, "r1", "global")}
    assert [one.kind for one in cut] == ["create"] * 3 + ["update", "mark"]


def test_batches_of_several_instances_are_named_by_them() -> None:
    assert [one.name for one in batches(plan_of_two(BOTH_WRITTEN, us_write=True), size=2)] == [
        "us_government create 1-2",
        "us_government create 3-3",
        "global create 1-1",
        "global update 1-1",
        "global mark 1-1",
    ]


def test_what_is_withheld_is_in_no_batch_and_nothing_makes_none() -> None:
    config = replace(CONFIG, limits={kind: Limit(max_count=0) for kind in KINDS})
    plan = plan_of(ROWS, THERE, config=config)
    assert len(plan.withheld_changes) == 3
    assert batches(plan) == ()


def test_a_digest_is_the_same_for_the_same_changes_and_no_others() -> None:
    first, again = plan_of(ROWS, THERE), plan_of(list(reversed(ROWS)), THERE)
    other = plan_of([an_account(1, Account_Owner_Calc__c="M. Weber"), *ROWS[1:]], THERE)
    assert first.digests == again.digests
    assert {name for name in first.digests if first.digests[name] != other.digests[name]} == {"update 1-1"}


# -- problems -----------------------------------------------------------------------------------------------


def test_every_kind_of_problem_has_an_advice_that_says_what_holds_until_then() -> None:
    assert list(PROBLEM_KINDS) == sorted(PROBLEM_KINDS)
    for kind, problem in PROBLEM_KINDS.items():
        assert problem.what.endswith(".") and problem.advice.endswith("."), kind
        assert "Until then" in problem.advice or kind in ("account_id_unknown", "name_waits"), kind

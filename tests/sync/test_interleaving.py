"""Disturbs the writing protocol at every call: kills, lost responses, a newer plan, an older plan, people.

Everything is real except the clock: the batch attempt, the archive on files, the client and its session, the sandbox
over HTTP. Between any two calls of a batch, to the archive or to Zendesk, one event happens; the task is then tried
again to its end. Whatever the event, the same statements must be true.
"""

from __future__ import annotations

import itertools
from collections import Counter
from functools import partial

import pytest

from partner_sync.compare.batches import batches
from partner_sync.errors import CLEAR_BOTH, RejectedError, SnapshotError
from partner_sync.model import Plan
from tests import oracle
from tests.sync.stage import (
    NEVER,
    ROWS,
    SUBMITS,
    Killed,
    Stage,
    Task,
    Watch,
    at_every_call,
    die,
    finish,
    task,
    tasks,
    told_where,
)

KINDS = ("create", "update", "mark")


# -- what has to be true ------------------------------------------------------------------------------------


def nothing_twice(stage: Stage) -> None:
    assert [] == oracle.without_effect(stage.writes())
    assert [] == oracle.accounts_with_two_organizations(stage.sandbox)


def nothing_open(stage: Stage) -> None:
    assert [] == oracle.still_open(stage.archive)


def in_sync(stage: Stage) -> None:
    assert () == stage.plan(name=False).changes


def verdicts_true(stage: Stage, plan: Plan) -> None:
    """The archive knows every row that the plan wrote, and by which job where it names one."""
    ours = {write["organization_id"] for write in stage.writes() if stage.plan_of_job[write["job_id"]] == plan}
    assert [] == oracle.untrue(stage.sandbox, stage.lines(plan))
    assert [] == oracle.unreported(stage.sandbox, stage.lines(plan), ours)


def as_planned(stage: Stage, plan: Plan) -> None:
    """The changes of the plan, to the letter, and nothing else, are what became of Zendesk."""
    found = stage.organizations_by_id()
    expected = {
        number: {**row, "organization_fields": dict(row["organization_fields"])} for number, row in stage.before.items()
    }
    for change in plan.changes:
        number = change.organization_id
        if number is None:
            (number,) = (one for one, row in found.items() if row["external_id"] == change.account_id)
            expected[number] = {**found[number], "organization_fields": dict(found[number]["organization_fields"])}
        for field in change.fields:
            row = expected[number]
            (row if field.field in row else row["organization_fields"])[field.field] = field.after
    assert expected == found


def all_confirmed_and_written_once(stage: Stage, plan: Plan, done: Task) -> None:
    """What must be true after a batch that nobody else disturbs."""
    assert {"confirmed": ROWS} == done.done.counts
    assert ROWS == len(stage.writes())
    assert 1 == len(stage.sandbox.jobs())
    assert list(done.done.verdicts) == stage.verdicts(plan)
    nothing_twice(stage)
    nothing_open(stage)
    verdicts_true(stage, plan)
    cleared = Task(stage, plan, done.batch, tried=done.tries)
    finish(stage, cleared)
    assert {"confirmed": ROWS} == cleared.done.counts
    assert ROWS == len(stage.writes())
    nothing_open(stage)
    as_planned(stage, plan)


# -- one batch ----------------------------------------------------------------------------------------------


def at_once(stage: Stage, number: int) -> None:
    """Jobs of no duration."""


def while_dead(stage: Stage, number: int) -> None:
    """Jobs end after the first visit, however that ended."""
    stage.end_jobs()


def late(stage: Stage, number: int) -> None:
    """Jobs still run when the next tries come."""
    if number >= 2:
        stage.end_jobs()


PACES = {"at once": (0, at_once), "while dead": (NEVER, while_dead), "late": (NEVER, late)}


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_killed_before_any_call_writes_everything_once_and_accounts_for_it(begin, kind, pace):
    seconds, between = PACES[pace]

    def scenario(number):
        stage = begin(kind, job_seconds=seconds)
        plan = stage.first
        struck = task(stage, plan, number, die)
        finish(stage, struck, between=partial(between, stage))
        assert struck.watch.hit == (struck.tries == 2)
        all_confirmed_and_written_once(stage, plan, struck)
        return struck.watch

    at_every_call(scenario)


def test_a_worker_killed_twice_before_any_two_calls_writes_everything_once(begin):
    def scenario(first, second):
        stage = begin("update")
        plan = stage.first
        struck = task(stage, plan, first)

        def die_and_again():
            struck.watch.at, struck.watch.act = first + second, die
            raise Killed

        struck.watch.act = die_and_again
        finish(stage, struck)
        all_confirmed_and_written_once(stage, plan, struck)
        return struck.watch

    for first in itertools.count(1):
        for second in itertools.count(1):
            with told_where(f"struck before call {first}, and {second} calls later"):
                watch = scenario(first, second)
            if not watch.hit:
                break
        if watch.at == first:
            return


FAULTS = {
    "broken before it arrives": {"do": "reset_before"},
    "broken after it was carried out": {"do": "reset_after"},
    "answered 503": {"do": "status", "status": 503},
    "answered by a web page": {"do": "html", "status": 502, "effect": True},
    "answered 429": {"do": "status", "status": 429, "headers": {"Retry-After": "1"}},
}
STRUCK = [*itertools.product(FAULTS, KINDS, ["late"]), *itertools.product(FAULTS, ["update"], ["at once"])]


@pytest.mark.parametrize(("fault", "kind", "pace"), STRUCK)
def test_a_call_that_breaks_wherever_it_is_leaves_everything_written_once(begin, fault, kind, pace):
    seconds, between = PACES[pace]
    for number in itertools.count():
        stage = begin(kind, job_seconds=seconds)
        plan = stage.first
        stage.sandbox.fault(system="zendesk", skip=number, **FAULTS[fault])
        struck = task(stage, plan)
        with told_where(f"after {number} calls"):
            finish(stage, struck, between=partial(between, stage))
            (ordered,) = stage.sandbox.faults()
            stage.sandbox.remove_faults()
            all_confirmed_and_written_once(stage, plan, struck)
        if not ordered["hits"]:
            return


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_answer_and_then_a_kill_before_any_call_write_everything_once(begin, kind):
    def scenario(number):
        stage = begin(kind, job_seconds=NEVER)
        plan = stage.first
        stage.sandbox.fault("reset_after", system="zendesk", path="*_many", method="P*")
        struck = task(stage, plan, number, die)
        finish(stage, struck, between=partial(late, stage))
        all_confirmed_and_written_once(stage, plan, struck)
        return struck.watch

    at_every_call(scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_two_batches_side_by_side_one_of_them_killed_before_any_call_write_everything_once(begin, kind):
    def scenario(number):
        stage = begin(kind, job_seconds=NEVER)
        plan = stage.first
        one, other = tasks(stage, plan, size=2)
        one.watch = Watch(number, die)
        finish(stage, other, one, between=partial(late, stage))
        assert {"confirmed": ROWS} == one.done.counts + other.done.counts
        assert (ROWS, 2) == (len(stage.writes()), len(stage.sandbox.jobs()))
        nothing_twice(stage)
        nothing_open(stage)
        verdicts_true(stage, plan)
        as_planned(stage, plan)
        return one.watch

    at_every_call(scenario)


def test_a_plan_that_grew_too_old_while_its_worker_was_dead_still_tells_what_it_wrote(begin):
    def scenario(number):
        stage = begin("update")
        plan = stage.first
        struck = task(stage, plan, number, die)
        struck.visit()
        stage.clock.sleep(7 * 3600)
        try:
            finish(stage, struck)
        except SnapshotError as error:
            assert f"h. {CLEAR_BOTH}" in str(error)
        nothing_twice(stage)
        nothing_open(stage)
        verdicts_true(stage, plan)
        comes_right(stage)
        return struck.watch

    at_every_call(scenario)


REFUSALS = {
    "too many jobs": {"do": "too_many_jobs"},
    "429": {"do": "status", "status": 429},
    "the whole job": {"do": "status", "status": 422, "body": "{}", "content_type": "application/json"},
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_a_lost_job_wrote_is_told_although_the_next_submit_is_refused(begin, refusal):
    stage = begin("update")
    plan = stage.first
    submit = {"system": "zendesk", "method": "PUT", "path": "*/update_many"}
    stage.sandbox.fault("lost", applied=ROWS - 1, **submit)
    stage.sandbox.fault(skip=refusal != "too many jobs", **submit, **REFUSALS[refusal])
    lost = task(stage, plan)
    try:
        finish(stage, lost)
    except RejectedError:
        assert refusal == "the whole job"
    nothing_twice(stage)
    nothing_open(stage)
    verdicts_true(stage, plan)


# -- two plans ----------------------------------------------------------------------------------------------


def another_owner(stage: Stage) -> None:
    """The accounts of the plan have a new owner."""
    ids = {account for case in ("create", "update_owner") for account in stage.sandbox.cases().get(case, [])}
    rows = [row for row in stage.sandbox.accounts() if row["Id"] in ids]
    stage.sandbox.put_accounts({**row, "Account_Owner_Calc__c": "The Newest Owner"} for row in rows)


def account_gone(stage: Stage) -> None:
    """The accounts of the plan are no partners any more."""
    for account in stage.sandbox.cases()["update_owner"]:
        stage.sandbox.put_account(Id=account, Partners_Partner_Status__c="Former")


def account_back(stage: Stage) -> None:
    """The accounts whose organizations are to be marked are partners again."""
    like = stage.sandbox.accounts()[0]
    for number in stage.sandbox.cases()["mark"]:
        organization = stage.sandbox.organization(int(number))
        account = organization["organization_fields"]["salesforce_id"]
        stage.sandbox.put_account(
            **{
                **like,
                "Id": account,
                "Account_ID_18__c": account,
                "Name": organization["name"],
                "Partner_Track__c": "Open",
            }
        )


TURNS = {
    "updated again": ("update", another_owner),
    "created otherwise": ("create", another_owner),
    "marked": ("update", account_gone),
    "back": ("mark", account_back),
}


def comes_right(stage: Stage) -> None:
    """What must be true after two more runs at most: a row that a plan left to the next plan waits for it."""
    nothing_open(stage)
    for _ in range(2):
        if not stage.next_run().changes:
            break
    else:
        in_sync(stage)
    nothing_twice(stage)
    assert [] == oracle.by_an_older_plan(stage.writes(), stage.plan_of_job)
    nothing_open(stage)


@pytest.mark.parametrize(("gathers", "dies"), [("before", True), ("meanwhile", False)])
@pytest.mark.parametrize("turn", TURNS)
def test_a_newer_plan_that_comes_before_any_call_of_a_batch_wins(begin, turn, gathers, dies):
    kind, change = TURNS[turn]

    def scenario(number):
        stage = begin(kind, job_seconds=NEVER)
        older = stage.first
        change(stage)
        newer, others = stage.plan(name=False) if gathers == "before" else None, []

        def come():
            plan = newer or stage.plan(name=False)
            stage.name(plan)
            others.extend(tasks(stage, plan))
            for _ in range(1 if dies else 3):
                for other in others:
                    if other.done is None:
                        other.visit()
                if not dies:
                    stage.end_jobs()
            if dies:
                die()

        struck = task(stage, older, number, come)
        finish(stage, struck, between=partial(late, stage))
        finish(stage, *others)
        verdicts_true(stage, older)
        comes_right(stage)
        return struck.watch

    at_every_call(scenario)


@pytest.mark.parametrize("turn", TURNS)
def test_a_batch_whose_worker_died_for_good_before_any_call_holds_up_the_next_plan_for_a_time_only(begin, turn):
    kind, change = TURNS[turn]

    def scenario(number):
        stage = begin(kind, job_seconds=NEVER)
        struck = task(stage, stage.first, number, die)
        for _ in range(3):
            if struck.done is None and struck.tries == 1:
                struck.visit()
                stage.clock.sleep(10)
            if number % 2:
                stage.end_jobs()
        change(stage)
        newer = stage.plan()
        waiting = tasks(stage, newer)
        finish(stage, *waiting)
        assert all(one.tries == 1 for one in waiting)
        comes_right(stage)
        return struck.watch

    at_every_call(scenario)


@pytest.mark.parametrize("turn", TURNS)
def test_a_batch_that_comes_back_when_it_was_taken_for_dead_still_tells_what_it_wrote(begin, turn):
    kind, change = TURNS[turn]
    stage = begin(kind, job_seconds=NEVER)
    late = task(stage, stage.first)
    late.visit()
    stage.end_jobs()
    stage.clock.sleep(11 * 60)
    change(stage)
    newer = stage.plan()
    finish(stage, *tasks(stage, newer))
    assert {"confirmed": ROWS} == Counter(row.verdict for row in stage.verdicts(newer))
    finish(stage, late)
    assert {"superseded", "confirmed"} >= late.done.counts.keys()
    assert all(row.written for row in late.done.verdicts)
    verdicts_true(stage, stage.first)
    verdicts_true(stage, newer)
    comes_right(stage)


def test_what_was_taken_for_dead_and_never_came_back_is_forgotten_after_a_week(begin):
    stage = begin("update", job_seconds=NEVER)
    task(stage, stage.first).visit()
    stage.end_jobs()
    for hours, left in ((0.2, 1), (24, 1), (7 * 24, 0)):
        stage.clock.sleep(hours * 3600)
        another_owner(stage)
        stage.sandbox.put_account(Id=stage.sandbox.cases()["update_owner"][0], Account_Owner_Calc__c=f"After {hours} h")
        stage.next_run()
        assert left == len(stage.archive.open_jobs("global"))


@pytest.mark.parametrize(("again", "dies"), [("its task", True), ("compare on its snapshots", False)])
@pytest.mark.parametrize("turn", ["updated again", "created otherwise", "marked"])
def test_an_older_plan_that_is_run_again_before_any_call_of_a_newer_batch_writes_nothing(begin, turn, again, dies):
    kind, change = TURNS[turn]

    def scenario(number):
        stage = begin(kind, job_seconds=NEVER)
        older = stage.first
        change(stage)
        newer, others = stage.plan(), []

        def come():
            plan = older if again == "its task" else stage.plan(*stage.snapshots)
            others.extend(tasks(stage, plan))
            for _ in range(3):
                for other in others:
                    if other.done is None:
                        other.visit()
            if dies:
                die()

        struck = task(stage, newer, number, come)
        finish(stage, struck, between=partial(late, stage))
        assert {"confirmed": ROWS} == struck.done.counts
        finish(stage, *others)
        assert all({"superseded": ROWS} == other.done.counts for other in others)
        assert ROWS == len(stage.writes())
        verdicts_true(stage, newer)
        nothing_open(stage)
        nothing_twice(stage)
        as_planned(stage, newer)
        return struck.watch

    at_every_call(scenario)


@pytest.mark.parametrize(("kind", "dies"), [("create", False), ("update", True), ("update", False), ("mark", True)])
def test_compare_run_again_on_the_same_snapshots_before_any_call_writes_nothing_twice(begin, kind, dies):
    def scenario(number):
        stage = begin(kind, job_seconds=NEVER)
        first, others = stage.first, []

        def come():
            others.extend(tasks(stage, stage.plan(*stage.snapshots)))
            others[0].visit()
            if dies:
                die()

        struck = task(stage, first, number, come)
        finish(stage, struck, between=partial(late, stage))
        finish(stage, *others)
        assert ROWS == len(stage.writes())
        verdicts_true(stage, first)
        nothing_open(stage)
        nothing_twice(stage)
        as_planned(stage, first)
        return struck.watch

    at_every_call(scenario)


# -- people -------------------------------------------------------------------------------------------------


def read_again(watch: Watch) -> bool:
    """Whether a batch had been read again, and not been submitted yet, when it was struck, see docs/operations.md."""
    before = watch.names[: watch.at - 1]
    return "show_many" in before and not set(SUBMITS) & set(before)


def test_what_a_person_writes_before_any_call_is_left_alone(begin):
    def scenario(number):
        stage = begin("update", job_seconds=0)
        plan = stage.first
        organization = batches(plan)[0].changes[0].organization_id

        def edit():
            stage.sandbox.edit(organization, organization_fields={"account_owner": "A Person"})

        struck = task(stage, plan, number, edit)
        finish(stage, struck)
        verdicts = [row.verdict for row in struck.done.verdicts]
        kept = stage.sandbox.organization(organization)["organization_fields"]["account_owner"] == "A Person"
        assert ["confirmed"] * (ROWS - 1) == verdicts[1:]
        if not struck.watch.hit or read_again(struck.watch):
            assert "confirmed" == verdicts[0]
        else:
            assert kept
            submitted = set(SUBMITS) & set(struck.watch.names[: number - 1])
            assert submitted or "superseded" == verdicts[0]
        nothing_twice(stage)
        verdicts_true(stage, plan)
        comes_right(stage)
        return struck.watch

    at_every_call(scenario)


@pytest.mark.parametrize("kind", ["update", "mark"])
def test_an_organization_that_a_person_deletes_before_any_call_fails_alone(begin, kind):
    def scenario(number):
        stage = begin(kind, job_seconds=0)
        plan = stage.first
        organization = batches(plan)[0].changes[0].organization_id
        struck = task(stage, plan, number, lambda: stage.sandbox.delete_organization(organization))
        finish(stage, struck)
        first, *others = [row.verdict for row in struck.done.verdicts]
        assert ["confirmed"] * (ROWS - 1) == others
        assert first in ("superseded", "unknown", "confirmed")
        if struck.watch.hit and "show_many" not in struck.watch.names[: number - 1]:
            assert "superseded" == first
        comes_right(stage)
        return struck.watch

    at_every_call(scenario)


def test_an_organization_that_a_person_makes_before_any_call_is_not_made_again(begin):
    def scenario(number):
        stage = begin("create", job_seconds=0)
        plan = stage.first
        change = batches(plan)[0].changes[0]

        def make():
            if not stage.sandbox.organizations(external_id=change.account_id):
                stage.sandbox.add_organizations([{"name": change.name, "external_id": change.account_id}])

        struck = task(stage, plan, number, make)
        finish(stage, struck)
        first, *others = [row.verdict for row in struck.done.verdicts]
        assert ["confirmed"] * (ROWS - 1) == others
        if struck.watch.hit and "show_many" not in struck.watch.names[: number - 1]:
            assert "superseded" == first
        assert first in ("superseded", "rejected", "confirmed")
        comes_right(stage)
        return struck.watch

    at_every_call(scenario)

"""A world from the archive is what the run read and left: read again, it gives the same snapshots and the same plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from partner_sync.config.load import Config, load
from partner_sync.local.archived_worlds import account_world, organization_world
from partner_sync.model import Plan
from partner_sync.orchestration.archived_runs import ArchivedRun, archived_run
from partner_sync.sandbox import Sandbox, World, default_world
from tests.compare.builders import edited
from tests.sync.stage import Stage, finish, tasks

EVERY_RULE = edited(
    "[partners]",
    """[[attributes]]
field = "expiration_date"
from = "Contract_End__c"
rule = "date"

[[attributes]]
field = "seats"
from = "Seats__c"
rule = "number"

[[attributes]]
field = "sales_segmentation"
from = "Owner.Manager.Name"
rule = "text"

[partners]""",
)
CONFIG = load(EVERY_RULE, "the config of a test")
OLDER = edited("# only_if_older = {", "only_if_older = {", EVERY_RULE).replace(
    'field = "expiration_date", years', 'from = "Closed__c", years'
)


Stages = Callable[..., Stage]


@pytest.fixture
def stages(tmp_path: Path) -> Iterator[Stages]:
    """Makes stages with a world each."""
    with ExitStack() as opened:

        def make(world: World, config: Config = CONFIG) -> Stage:
            sandbox = opened.enter_context(Sandbox(world, job_seconds=0))
            return Stage(sandbox, tmp_path / f"archive-{id(sandbox)}", config=config)

        yield make


@pytest.fixture
def stage(stages: Stages) -> Stage:
    """The default world with every case, and values of every type."""
    made = stages(default_world())
    made.sandbox.put_account_fields(Contract_End__c="date", Seats__c="double", **{"Owner.Manager.Name": "string"})
    rows = made.sandbox.accounts()
    values = [("2027-05-31", 7, {"Manager": {"Name": "Ada"}}), (None, 2.5, None), ("2026-01-01", 0, {"Manager": None})]
    for number, row in enumerate(rows):
        date, seats, owner = values[number % len(values)]
        made.sandbox.put_account(Id=row["Id"], Contract_End__c=date, Seats__c=seats, Owner=owner)
    return made


def world(run: ArchivedRun, stage: Stage, config: Config | None = None) -> World:
    """The world of the only instance, as the sandbox reads it from a file."""
    new = config or run.config
    made = organization_world(run, new, run.organizations.instances[0], stage.verdicts(run.plan))
    return World(**json.loads(json.dumps({**account_world(run, new), **made})))


def rows(plan: Plan) -> set[Any]:
    changes = (*plan.changes, *plan.withheld_changes)
    fields = [frozenset((each.field, each.before, each.after) for each in one.fields) for one in changes]
    return {(one.kind, one.account_id, one.organization_id, its) for one, its in zip(changes, fields, strict=True)}


def test_values_of_every_type_and_every_case_survive(stage: Stage, stages: Stages) -> None:
    plan = stage.plan()
    run = archived_run(stage.archive)
    again = stages(world(run, stage))
    planned = again.plan()
    assert rows(planned) == rows(plan)
    assert len(plan.changes) > 10
    assert [one.id for one in planned.problems] == [one.id for one in plan.problems]
    repeated = archived_run(again.archive)
    assert repeated.inputs.accounts.digest == run.inputs.accounts.digest
    assert repeated.organizations.instances[0].digest == run.organizations.instances[0].digest


def test_what_the_run_wrote_is_written(stage: Stage, stages: Stages) -> None:
    plan = stage.plan()
    finish(stage, *tasks(stage, plan))
    left = stages(world(archived_run(stage.archive), stage)).plan()
    assert rows(left) == rows(stage.plan())
    rejected = {one.account_id for one in stage.verdicts(plan) if one.verdict == "rejected"}  # 2.5 of a whole number
    assert rejected
    assert rejected == {one.account_id for one in left.changes}
    assert len(plan.changes) > len(left.changes)


@pytest.mark.parametrize("case", ["twice", "malformed", "empty"])
def test_accounts_without_a_usable_id_of_their_own_are_there(stage: Stage, stages: Stages, case: str) -> None:
    first, second = stage.sandbox.accounts()[5:7]
    wrong = {"twice": first["Account_ID_18__c"], "malformed": "0014M00001", "empty": None}[case]
    stage.sandbox.put_account(Id=second["Id"], Account_ID_18__c=wrong)
    plan = stage.plan()
    again = stages(world(archived_run(stage.archive), stage)).plan()
    assert [one.id for one in again.problems] == [one.id for one in plan.problems]
    assert again.reads[0].read == plan.reads[0].read


def test_an_account_that_was_merged_or_deleted_is_found_again(stage: Stage, stages: Stages) -> None:
    finish(stage, *tasks(stage, stage.plan()))
    special = {each for ids in stage.sandbox.cases().values() for each in ids}
    winner, loser, deleted, *_ = (row["Id"] for row in stage.sandbox.accounts() if row["Id"] not in special)
    stage.sandbox.merge_accounts(loser, winner)
    stage.sandbox.delete_account(deleted)
    plan = stage.plan()
    again = stages(world(archived_run(stage.archive), stage)).plan()
    assert "account_merged" in {one.kind for one in plan.problems}
    assert [one.id for one in again.problems] == [one.id for one in plan.problems]
    assert rows(again) == rows(plan)


def test_a_line_of_the_filter_that_no_run_read_is_passed_and_an_attribute_is_empty(
    stage: Stage, stages: Stages
) -> None:
    plan = stage.plan()
    text = edited('Type = "Partner"', 'Type = "Partner"\nRegion__c = ["EMEA", "APAC"]', OLDER)
    new = load(text.replace('from = "Seats__c"', 'from = "Users__c"'), "new")
    again = stages(world(archived_run(stage.archive), stage, new), new)
    planned = again.plan()
    assert planned.reads[0].read == plan.reads[0].read
    assert {row["Region__c"] for row in again.sandbox.accounts()} == {"EMEA"}
    assert {"Users__c", "Closed__c"} <= again.sandbox.account_fields().keys()
    desired = {each.after for one in planned.changes for each in one.fields if each.field == "seats"}
    assert desired <= {None}


def test_fields_are_of_the_type_that_the_run_saw_and_have_the_options_of_both_configs(stage: Stage) -> None:
    stage.plan()
    text = edited('Open = "open_partner"', 'Open = "open_partner", Gold = "gold_partner"', EVERY_RULE)
    text = edited('"select_partner"]', '"select_partner", "gold_partner"]', text)
    swapped = 'field = "support_hold"\nfrom = "Support_Hold__c"\nrule = '
    text = edited(f'{swapped}"checkbox"\ntrue_for = [true, "Yes", "true"]', f'{swapped}"text"', text)
    fields = {
        one["key"]: one for one in world(archived_run(stage.archive), stage, load(text, "new")).organization_fields
    }
    assert fields["support_hold"]["type"] == "checkbox"
    assert fields["seats"]["type"] == "decimal"
    assert fields["expiration_date"]["type"] == "date"
    assert {"open_partner", "gold_partner", "customer"} <= set(fields["account_type"]["options"])
    assert fields["org_in_escalated_state"]["title"] == "Organization in escalated state"

"""The real DAG before and after an edit of its config: the preview shows the rows that the next run holds or writes."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from partner_sync.cli.show_effect import main
from partner_sync.model import Change
from partner_sync.sandbox import large_world
from tests.dag.stage import Run, Stage
from tests.dag.truths import hold_of, partners
from tests.replays import replayed

ADDED = '[[attributes]]\nfield = "owner_name"\nfrom = "Account_Owner_Calc__c"\nrule = "text"\n\n[partners]'
PARTNERS = 24


@dataclass(frozen=True)
class Edit:
    """An edit of the shipped config, and the rows that it causes: their kind, and their fields."""

    text: Callable[[str], str]
    kind: str
    fields: frozenset[str]


EDITS = {
    "a renamed target field": Edit(
        lambda text: text.replace('field = "account_owner"', 'field = "owner_name"'),
        "update",
        frozenset({"owner_name"}),
    ),
    "a narrower filter": Edit(
        lambda text: text.replace('["Open", "Select"]', '["Select"]'), "mark", frozenset({"mark_for_deletion"})
    ),
    "a new attribute": Edit(lambda text: text.replace("[partners]", ADDED, 1), "update", frozenset({"owner_name"})),
}
Rows = set[tuple[str, str, frozenset[str]]]


@pytest.fixture
def quiet(stage: Callable[..., Stage]) -> Stage:
    """Partners that are in sync, all but two of them with the track Open, after a run."""
    world = stage(large_world(accounts=PARTNERS, organizations=40))
    world.sandbox.add_organization_field(key="owner_name", type="text", title="Owner")
    several = partners(world)
    for account in world.sandbox.accounts():
        track = "Select" if account["Id"] in several[:2] else "Open"
        world.sandbox.put_account(Id=account["Id"], Partner_Track__c=track)
    world.run()
    assert ("success", "skipped") == ((run := world.run()).state, run.tasks["sync"])
    return world


def preview(stage: Stage, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of a preview of the config that the next run will have."""
    out, err = io.StringIO(), io.StringIO()
    named = ["--config", str(stage.folder / "partner_sync.toml"), "--archive", str(stage.archive.root)]
    code = main([*named, "--format", "json", *arguments], {}, out, err)
    assert err.getvalue() == ""
    return code, json.loads(out.getvalue())


def shown(found: dict[str, Any]) -> Rows:
    return {(row["kind"], row["account_id"], frozenset(row["fields"])) for row in found["rows"]}


def rows(changes: tuple[Change, ...]) -> Rows:
    return {(one.kind, one.account_id, frozenset(field.field for field in one.fields)) for one in changes}


def written(run: Run) -> Rows:
    return rows(run.plan.changes) if run.plan else set()


@pytest.mark.parametrize("name", EDITS)
def test_a_preview_shows_exactly_the_rows_that_the_next_run_holds(quiet: Stage, name: str) -> None:
    edit = EDITS[name]
    quiet.config(edit.text)
    calls = len(quiet.sandbox.calls())
    code, found = preview(quiet)
    assert (2, calls) == (code, len(quiet.sandbox.calls()))
    assert {(edit.kind, edit.fields)} == {(kind, fields) for kind, _, fields in shown(found)}
    run = quiet.run()
    hold = hold_of(run, "rules")
    assert ("failed", "failed", set()) == (run.state, run.tasks["withheld"], written(run))
    assert len(hold.changes) > 10
    assert shown(found) == rows(hold.changes)
    assert [(hold.kind, hold.rows, hold.limit)] == [(one["kind"], one["rows"], one["limit"]) for one in found["holds"]]
    replayed(quiet.archive, run.dag_run.run_id)


def test_a_comment_changes_nothing(quiet: Stage) -> None:
    quiet.config(lambda text: f"# a comment\n{text}")
    code, found = preview(quiet)
    assert (0, False, []) == (code, found["differs"], found["rows"])
    run = quiet.run()
    assert ("success", "skipped", set()) == (run.state, run.tasks["sync"], written(run))


def test_a_held_edit_is_written_by_its_approval_and_accepted_then(quiet: Stage) -> None:
    quiet.config(EDITS["a new attribute"].text)
    hold = hold_of(quiet.run(), "rules")
    later = quiet.run()
    assert ("success", hold.id) == (later.state, hold_of(later, "rules").id), "red once"
    approved = quiet.run(approve=[hold.id])
    assert {"confirmed": hold.rows} == approved.counts()
    run = quiet.run()
    assert ("success", "skipped", ()) == (run.state, run.tasks["sync"], run.record.plan.holds)
    account = partners(quiet)[5]
    quiet.sandbox.put_account(Id=account, Account_Owner_Calc__c="Somebody New")
    assert {("update", account, frozenset({"owner_name", "account_owner"}))} == written(quiet.run())


def test_without_memory_an_edit_is_compared_with_the_rules_of_the_latest_plan(quiet: Stage) -> None:
    shutil.rmtree(quiet.archive.root / "instances" / "global" / "memory")
    quiet.config(EDITS["a new attribute"].text)

    run = quiet.run()

    hold_of(run, "rules")
    assert set() == written(run)


def test_an_edit_that_is_taken_back_leaves_nothing(quiet: Stage) -> None:
    quiet.config(EDITS["a narrower filter"].text)
    hold_of(quiet.run(), "rules")
    quiet.config(lambda text: text)
    run = quiet.run()
    assert ("success", "skipped", ()) == (run.state, run.tasks["sync"], run.record.plan.holds)


def test_a_small_edit_is_written_at_once_and_the_preview_says_so(quiet: Stage) -> None:
    account = partners(quiet)[5]
    number = next(
        one["id"] for one in quiet.sandbox.organizations() if one["organization_fields"]["salesforce_id"] == account
    )
    quiet.sandbox.put_account(Id=account, Restricted_Account__c="Restricted Elsewhere")
    assert "skipped" == quiet.run().tasks["sync"]
    quiet.config(lambda text: text.replace('["Restricted Party"]', '["Restricted Party", "Restricted Elsewhere"]'))
    code, found = preview(quiet)
    (row,) = found["rows"]
    assert (2, [], number, False) == (code, found["holds"], row["organization_id"], row["held"])
    run = quiet.run()
    assert ("success", shown(found)) == (run.state, written(run))


def test_an_attribute_that_the_snapshot_lacks_is_unknown_and_its_run_is_held(quiet: Stage) -> None:
    quiet.sandbox.put_account_fields(Region__c="string")
    for account in quiet.sandbox.accounts():
        quiet.sandbox.put_account(Id=account["Id"], Region__c="EMEA")
    quiet.config(
        lambda text: (
            EDITS["a new attribute"]
            .text(text)
            .replace('"owner_name"\nfrom = "Account_Owner_Calc__c"', '"owner_name"\nfrom = "Region__c"')
        )
    )
    code, found = preview(quiet)
    assert (2, []) == (code, found["rows"])
    assert {("source", "owner_name"), ("target", "owner_name")} == {
        (one["kind"], one["subject"]) for one in found["unknown"]
    }
    assert len(hold_of(quiet.run(), "rules").changes) > 10

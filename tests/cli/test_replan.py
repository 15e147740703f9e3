"""`python -m partner_sync.replay`: the same plan, another plan, or why a run cannot be planned again."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from partner_sync.archive.object_store import Root
from partner_sync.cli.replan import main
from partner_sync.model import Plan
from tests.sync.stage import Stage


def replay(stage: Stage, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and error of the command."""
    out, err = io.StringIO(), io.StringIO()
    return main([*arguments, "--archive", str(stage.archive.root)], {}, out, err), out.getvalue(), err.getvalue()


def test_a_run_gives_the_same_plan_again(stage: Stage, plan: Plan) -> None:
    assert (0, f"{plan.run_id}: the same plan, 6 changes and 0 on hold.\n", "") == replay(stage, plan.run_id)


def test_what_happened_since_changes_nothing(stage: Stage, plan: Plan) -> None:
    later = stage.plan()
    for account in stage.sandbox.accounts():
        stage.sandbox.put_account(Id=account["Id"], Account_Owner_Calc__c="Somebody New")
    stage.clock.sleep(3600)
    stage.plan()
    assert [0, 0] == [replay(stage, one.run_id)[0] for one in (plan, later)]


def test_the_answers_of_salesforce_and_zendesk_are_part_of_what_is_archived(stage: Stage, plan: Plan) -> None:
    marks = [one for one in plan.changes if one.kind == "mark"]
    assert {"deleted"} == {one.evidence.kind for one in marks}
    assert {0} == {one.tickets for one in marks}
    assert 0 == replay(stage, plan.run_id)[0]


def test_another_plan_is_reported_with_what_differs(stage: Stage, plan: Plan) -> None:
    (path,) = stage.archive.root.glob(f"runs/*/{plan.run_id}/run.json")
    path.write_text(path.read_text().replace(plan.digests["update 1-2"], "0" * 64))
    code, out, _ = replay(stage, plan.run_id)
    assert 0 == code, "run.json has a copy of the digests; those of plan.json count"
    (path,) = stage.archive.root.glob(f"runs/*/{plan.run_id}/*/plan.json")
    path.write_text(path.read_text().replace(plan.digests["update 1-2"], "0" * 64))
    code, out, _ = replay(stage, plan.run_id)
    assert 1 == code
    assert "batch update 1-2 differs" in out


def removed(folder: str) -> Callable[[Root], None]:
    def remove(root: Path) -> None:
        for path in (root / folder).iterdir():
            path.unlink()

    return remove


def rewritten(folder: str, content: bytes) -> Callable[[Root], None]:
    def rewrite(root: Path) -> None:
        for path in (root / folder).iterdir():
            path.write_bytes(content)

    return rewrite


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (removed("inputs"), "earlier release, or older"),
        (removed("configs"), "earlier release, or older"),
        (removed("snapshots"), "is missing"),
        (rewritten("inputs", b"not gzip"), "is damaged"),
        (rewritten("snapshots", b"not gzip"), "is damaged or foreign"),
        (rewritten("configs", b"mapping = 1"), "mapping"),
    ],
    ids=["inputs gone", "config gone", "snapshots gone", "inputs damaged", "snapshots damaged", "config refused"],
)
def test_a_run_that_the_archive_does_not_have_whole_is_refused_with_the_next_step(
    stage: Stage, plan: Plan, harm: Callable[[Root], None], words: str
) -> None:
    harm(stage.archive.root)
    code, out, err = replay(stage, plan.run_id)
    assert (2, "") == (code, out)
    assert words in err


def test_an_unknown_run_is_refused_with_the_newest_runs(stage: Stage, plan: Plan) -> None:
    code, _, err = replay(stage, "manual__nobody")
    assert 2 == code
    assert f"has no run manual__nobody. The newest runs are {plan.run_id}." in err

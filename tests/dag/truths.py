"""The oracle, asked about the world of a stage after runs of the DAG."""

from __future__ import annotations

from partner_sync.model import Hold, HoldReason
from tests import oracle
from tests.dag.stage import Run, Stage

MOST_ROWS, MOST_JOBS, MOST_IN_FLIGHT = 100, 30, 20


def verdicts_true(stage: Stage, *runs: Run, killed: Run | None = None) -> None:
    """The archive reports every write, in a verdict of some try.

    A run that was killed for good reports nothing; its plan, which is archived, names what it was about to write.
    """
    folders = [stage.archive.run_folder(run.dag_run.run_id, run.dag_run.run_after) for run in runs]
    ids = {row["external_id"]: row["id"] for row in stage.sandbox.organizations()}
    planned = killed.plan.changes if killed is not None and killed.plan is not None else ()
    excused = {change.organization_id or ids.get(change.account_id) for change in planned}
    written = {write["organization_id"] for write in stage.writes()} - excused
    verdicts = [row for folder in folders for row in oracle.lines_of_run(folder)]
    assert [] == oracle.untrue(stage.sandbox, verdicts)
    assert [] == oracle.unreported(stage.sandbox, verdicts, written)


def doubles(stage: Stage) -> int:
    """Writes without effect, and accounts with two organizations."""
    return len(oracle.without_effect(stage.writes())) + len(oracle.accounts_with_two_organizations(stage.sandbox))


def nothing_twice(stage: Stage) -> None:
    assert 0 == doubles(stage)


def nothing_stale(stage: Stage) -> None:
    assert {} == oracle.restored(stage.writes())


def within_caps(stage: Stage) -> None:
    """No job had more rows than Zendesk takes, and no more jobs were in flight than the config allows."""
    assert [] == [job["id"] for job in stage.sandbox.jobs() if job["total"] > MOST_ROWS]
    assert stage.sandbox.overview()["counts"]["most_jobs_in_flight"] <= min(MOST_IN_FLIGHT, MOST_JOBS)


def nothing_open(stage: Stage) -> None:
    assert [] == stage.open_jobs()


def marked(stage: Stage) -> set[int]:
    """The partner organizations that Zendesk shows as marked."""
    fields = {one["id"]: one["organization_fields"] for one in stage.sandbox.organizations()}
    return {
        number
        for number, one in fields.items()
        if one["mark_for_deletion"] and str(one["account_type"]).endswith("_partner")
    }


def hold_of(run: Run, reason: HoldReason) -> Hold:
    """The one hold of a run for a reason."""
    (hold,) = [hold for hold in run.plan.holds if hold.reason == reason] if run.plan else []
    return hold


def partners(stage: Stage) -> list[str]:
    """The ids of accounts with an organization, the pinned one aside."""
    carried = {one["organization_fields"]["salesforce_id"] for one in stage.sandbox.organizations()}
    return sorted(one["Id"] for one in stage.sandbox.accounts() if one["Id"] in carried)[1:]

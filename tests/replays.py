"""Plans of the archive, made again."""

from __future__ import annotations

from partner_sync.archive.archive import Archive
from partner_sync.cli.replan import plan_differences
from partner_sync.orchestration.archived_runs import archived_run


def replayed(archive: Archive, run_id: str) -> None:
    """Asserts that the plan of a run follows from what the archive has."""
    found = archived_run(archive, run_id)
    again = found.compare_again().plan
    assert (found.plan.digests, []) == (again.digests, list(plan_differences(found.plan, again)))
    assert (found.plan.changes, found.plan.holds) == (again.changes, again.holds)

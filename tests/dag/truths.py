"""What has to be true after any run, whatever happened in it, by the sandbox's own record."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from partner_sync.model import Change
from tests.dag.stage import Run, Stage

MOST_ROWS, MOST_JOBS, MOST_IN_FLIGHT = 100, 30, 20


def told_truly(stage: Stage, *runs: Run, untold: Run | None = None) -> None:
    """What was written, the archive says so, in the line of some try, and by which job if the line names one.

    A run that was killed for good may be `untold`: nobody was left to tell, but what it was about to do is archived.
    """
    jobs = {job["id"] for job in stage.sandbox.jobs()}
    wrote = {(write["organization_id"], write["job_id"]) for write in stage.writes()}
    ids = {row["external_id"]: row["id"] for row in stage.sandbox.organizations()}
    told = {change.organization_id or ids.get(change.account_id) for change in _planned(untold)}
    for line in (line for run in runs for line in lines(stage, run)):
        organization = line["organization_id"] or ids.get(line["account_id"])
        told |= {organization} if line["written"] else set()
        if line["job_id"] is not None:
            assert line["written"]
            assert line["job_id"] in jobs
            assert line["verdict"] != "confirmed" or (organization, line["job_id"]) in wrote
    assert {organization for organization, _ in wrote} <= told


def lines(stage: Stage, run: Run) -> list[dict[str, Any]]:
    """The archive's lines of verdicts of a run: of all its plans, batches and tries."""
    folder = stage.archive.run_folder(run.dag_run.run_id, run.dag_run.run_after)
    files = sorted(folder.glob("*/verdicts/*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text().removesuffix("\n").split("\n")]


def _planned(run: Run | None) -> Sequence[Change]:
    return run.plan.changes if run is not None and run.plan is not None else ()


def doubles(stage: Stage) -> int:
    """Writes that changed nothing, and organizations of an account that has one already."""
    carried = Counter(row["external_id"] for row in stage.sandbox.organizations() if row["external_id"])
    return sum(write["no_op"] for write in stage.writes()) + sum(count - 1 for count in carried.values())


def nothing_twice(stage: Stage) -> None:
    assert 0 == doubles(stage)


def nothing_stale(stage: Stage) -> None:
    """No value came back that a newer one had replaced."""
    seen: dict[Any, list[str]] = defaultdict(list)
    for write in stage.writes():
        for field, value in {**write["after"], **write["after"].get("organization_fields", {})}.items():
            if field not in ("organization_fields", "updated_at"):
                seen[write["organization_id"], field].append(json.dumps(value))
    assert {} == {key: values for key, values in seen.items() if len(values) > len(set(values))}


def within_caps(stage: Stage) -> None:
    """No call was over what Zendesk takes, nor over what we allow ourselves of it."""
    assert [] == [job["id"] for job in stage.sandbox.jobs() if job["total"] > MOST_ROWS]
    assert stage.sandbox.overview()["counts"]["most_jobs_in_flight"] <= min(MOST_IN_FLIGHT, MOST_JOBS)


def nothing_open(stage: Stage) -> None:
    """Nothing is remembered as sent that may still run; what was settled for another is kept for its own task."""
    assert [] == [entry for entry in stage.open_jobs() if not entry.settled]

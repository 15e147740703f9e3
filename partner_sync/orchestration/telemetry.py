"""The telemetry of a run: metrics, and an asset event per instance for later stages.

Metrics go through Airflow's own facility, so to wherever Airflow's go (StatsD, OpenTelemetry); they are counters,
tagged by instance, system or kind, whose sum over a run is the run's number. An event is emitted by the last step of a
run that writes, which is a batch, or `compare` if there is none; a run with rejected or unknown rows emits none.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow.sdk import Asset, AssetAlias
from airflow.sdk.observability import stats

from partner_sync.errors import PartnerSyncError

if TYPE_CHECKING:
    from partner_sync.archive.archive import Archive
    from partner_sync.archive.records import RowVerdict
    from partner_sync.model import Batch, Plan
    from partner_sync.orchestration.run_context import Context

log = logging.getLogger(__name__)


ASSETS = AssetAlias("partner_sync")
"""The outlet of `compare` and `sync`. The config names the instances, and a DAG file reads no config while it is
parsed: so the tasks declare this alias, and add the assets when they run."""


def asset(instance: str) -> Asset:
    """What a later stage is scheduled on: the organizations of one instance."""
    return Asset(f"partner_sync/{instance}")


def calls(system: str, number: int) -> None:
    """Counts API calls to "salesforce" or to an instance."""
    stats.incr("partner_sync.calls", number, tags=_tags(system=system))


def planned(context: Context, plan: Plan, written: Collection[str]) -> None:
    """Reports a plan for the instances that are written, and emits their events if it writes nothing."""
    from partner_sync.model import KINDS

    for instance in written:
        counts = _counts(plan, instance)
        for kind in KINDS:
            stats.incr("partner_sync.planned", counts[kind], tags=_tags(instance=instance, kind=kind))
        stats.incr("partner_sync.withheld", counts["withheld"], tags=_tags(instance=instance))
    stats.incr("partner_sync.problems", len(plan.problems))
    _seconds(context)
    if not plan.digests and not plan.dry_run:
        _emit(context, plan, written, ())


def accounted(
    context: Context, archive: Archive, batch: Batch, rows: Sequence[RowVerdict], written: Collection[str]
) -> None:
    """Reports the verdicts of a batch. Emits the events after the last batch of a plan without failed rows."""
    from partner_sync.archive.records import VerdictTally
    from partner_sync.model import VERDICTS

    verdicts, tags = VerdictTally.of(rows), _tags(instance=batch.instance, kind=batch.kind)
    for verdict in VERDICTS:
        stats.incr(f"partner_sync.{verdict}", verdicts[verdict], tags=tags)
    calls(batch.instance, rows[0].calls)
    _seconds(context)
    try:
        _end_plan(context, archive, batch, written)
    except PartnerSyncError as error:  # this batch is done, even if files of other batches cannot be read
        log.warning("emitted no asset event, since the other batches could not be read: %s", error)


def _end_plan(context: Context, archive: Archive, batch: Batch, written: Collection[str]) -> None:
    """Emits the events if all batches of the plan have verdicts, no row failed, and no other batch emits them.

    Batches that end together all see the last verdict. If two of them emitted the first event that an asset ever has,
    Airflow would fail one of the two tasks, although all its rows are confirmed.
    """
    from partner_sync.archive.records import VerdictTally

    dag_run, plan_id = context["dag_run"], batch.order.plan_id
    folder = archive.run_folder(dag_run.run_id, dag_run.run_after)
    if archive.batches_with_verdicts(folder, plan_id) < batch.of:
        return
    plan, everything = archive.plan(folder, plan_id), archive.verdicts(folder, plan_id)
    if plan is None or VerdictTally.of(everything).failed:
        return
    if archive.claim_events(folder, plan_id, batch.name):
        planned = [one.instance for one in plan.instances if one.instance not in plan.planning_only]
        _emit(context, plan, [instance for instance in planned if instance in written], everything)


def _emit(context: Context, plan: Plan, instances: Collection[str], rows: Sequence[RowVerdict]) -> None:
    from partner_sync.archive.records import VerdictTally

    for instance in instances:
        verdicts = VerdictTally.of(row for row in rows if row.instance == instance)
        written = {verdict: verdicts[verdict] for verdict in ("confirmed", "superseded")}
        extra = {"run_id": plan.run_id, "plan_id": plan.id, **_counts(plan, instance), **written}
        context["outlet_events"][ASSETS].add(asset(instance), extra=extra)


def _counts(plan: Plan, instance: str) -> dict[str, int]:
    """Planned changes by kind, withheld changes, and problems of this instance or of Salesforce."""
    counts = next(one for one in plan.instances if one.instance == instance)
    planned = {"create": counts.create, "update": counts.update, "mark": counts.mark, "withheld": counts.withheld}
    return {**planned, "problems": sum(problem.instance in (None, instance) for problem in plan.problems)}


def _seconds(context: Context) -> None:
    """Reports the seconds since the run started; the last task of a run reports its duration."""
    started = context["dag_run"].start_date
    if started is not None:
        stats.gauge("partner_sync.seconds", (datetime.now(timezone.utc) - started).total_seconds())


def _tags(**tags: str) -> dict[str, str]:
    """Normalizes tags: an instance may have any name, but Airflow drops metrics with other characters in a tag."""
    return {name: stats.normalize_name_for_stats(value, log_warning=False) for name, value in tags.items()}

"""The callables of the four tasks. Each reads its settings, opens its clients, calls the folders below and passes on
the result; it decides nothing itself.
"""

from __future__ import annotations

import logging
import platform
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowRescheduleException

from partner_sync.errors import (
    ConfigError,
    Finding,
    PartnerSyncError,
    SnapshotError,
)
from partner_sync.model import ELEMENTS
from partner_sync.orchestration.failures import remembered
from partner_sync.orchestration.run_context import Context, config_of, note_of, trigger_of

if TYPE_CHECKING:
    from partner_sync.archive.archive import Archive
    from partner_sync.archive.records import RunRecord
    from partner_sync.compare.plan import ComparedRun
    from partner_sync.config.load import Config
    from partner_sync.model import Plan

log = logging.getLogger(__name__)

SYNC_TIMEOUT = timedelta(minutes=10)
"""Execution timeout of one attempt of `sync`; after it, the owner of a register entry can no longer submit."""

PROGRESS_SECONDS = 5


@remembered
def gather_accounts() -> None:
    """Records the decisions of the run, then reads all accounts of the query; archives and pushes them."""
    from partner_sync.archive.snapshot_store import save_accounts
    from partner_sync.compare.soql import soql
    from partner_sync.config.params import options
    from partner_sync.gather import accounts as salesforce
    from partner_sync.orchestration import connections, locations, run_decisions, telemetry, xcoms

    context = get_current_context()
    config = config_of(context)
    asked = options(context["params"])  # a wrong param fails here, before anything is read
    run_decisions.record(locations.archive(), config, asked, trigger_of(context), note_of(context))
    client = connections.salesforce(config.accounts.connection, config.calls)
    snapshot = salesforce.read_accounts(client, soql(config), now=_now, progress=_progress("accounts"))
    telemetry.calls("salesforce", snapshot.proof.calls)
    digest = save_accounts(locations.archive().root, snapshot.rows, config.accounts.id)
    proof = replace(snapshot.proof, begun=snapshot.begun, snapshot=digest)
    xcoms.push(context["ti"], replace(snapshot, digest=digest, proof=proof))


@remembered
def gather_organizations() -> None:
    """Checks the organization fields of every instance and reads what changed, or all; archives and pushes them.

    An instance that cannot be read fails its own part: after the last try, the others go on.
    """
    from partner_sync.compare.organization_schema import organization_schema
    from partner_sync.config.params import options
    from partner_sync.gather.changed_read import ReadRequest
    from partner_sync.model import InstanceRead, OrganizationsSnapshot, UnreadInstance
    from partner_sync.orchestration import connections, locations, telemetry, xcoms
    from partner_sync.orchestration.organization_reads import read_instance
    from partner_sync.orchestration.retry_policy import is_retried

    context = get_current_context()
    config, archive, begun = config_of(context), locations.archive(), _now()
    schema, asked, run = organization_schema(config), options(context["params"]), context["dag_run"]
    full_every = timedelta(hours=config.reads.full_every_hours)
    clients = connections.zendesk_clients(config)
    reads: list[InstanceRead] = []
    errors: dict[str, PartnerSyncError] = {}
    for instance in config.instances:
        request = ReadRequest(_now(), run.run_id, run.run_after, full_every, asked.full_read)
        progress = _progress(f"organizations of {instance.name}")
        try:
            read = read_instance(archive, instance, clients[instance.name], schema, request, progress)
        except PartnerSyncError as error:
            errors[instance.name] = error
            log.warning("%s was not read: %s", instance.name, error)
            continue
        telemetry.calls(read.instance, read.proof.calls)
        reads.append(read)
    for unreadable in errors.values():
        if not reads or is_retried(unreadable, context):
            raise unreadable
    unread = tuple(UnreadInstance(name, str(error)) for name, error in errors.items())
    xcoms.push(context["ti"], OrganizationsSnapshot(begun, _now(), tuple(reads), unread))


@remembered
def compare() -> list[dict[str, str]]:
    """Makes the plan and its batches, archives it, and names it the latest. Returns a small reference per batch."""
    from partner_sync.compare.partner_states import partner_states
    from partner_sync.compare.snapshots import refuse_old
    from partner_sync.model import AccountsSnapshot, OrganizationsSnapshot
    from partner_sync.orchestration import locations, telemetry, xcoms
    from partner_sync.orchestration.abandoned import settle_abandoned
    from partner_sync.orchestration.earlier import end_decisions, remember, remember_holds
    from partner_sync.orchestration.questions import questions, read_adopted
    from partner_sync.orchestration.recording import compare_recorded
    from partner_sync.sync.clock_skew import refuse_latest_ahead

    context = get_current_context()
    ti, config, made, archive = context["ti"], config_of(context), _now(), locations.archive()
    accounts = xcoms.pull(ti, AccountsSnapshot, "gather_accounts")
    organizations = xcoms.pull(ti, OrganizationsSnapshot, "gather_organizations")
    refuse_old(accounts, organizations, made, config.sync.max_plan_age_hours)
    run = _compared_run(context, archive, config, made)
    asked = Counter[str]()
    comparison = compare_recorded(
        archive,
        config,
        run,
        accounts,
        organizations,
        ask=questions(archive, config, run.earlier, asked),
        read_adopted=lambda matched: read_adopted(matched, asked),
    )
    plan, queue = comparison.plan, comparison.batches
    log.info("plan %s: %s", plan.id, ", ".join(f"{name} {count}" for name, count in plan.counts.items() if count))
    written = [one.name for one in comparison.matched.instances if one.write and one.name not in plan.planning_only]
    for instance in written if not plan.dry_run else ():
        refuse_latest_ahead(archive, instance, _now())
    archive.write_run(_record(context, config, plan, asked))
    for hold in plan.holds:
        log.info("%s Review: %s", hold.why, locations.review_url(hold.id))
    for system, number in asked.items():
        telemetry.calls(system, number)
    remember_holds(archive, plan)
    for states in partner_states(comparison):
        archive.write_partner_states(states)
    if plan.dry_run:
        telemetry.planned(context, plan, written)
        return []
    names = [*(batch.name for batch in queue), *plan.elements]
    _check_room(len(names))
    for batch in queue:
        xcoms.push(ti, batch, batch.name)
    if not run.options.account_ids:
        remember(archive, comparison.memories)
        end_decisions(archive, plan, comparison.ended)
    for instance in written:
        archive.name_latest(instance, plan.order)
    settle_abandoned(archive, config, plan, {*written} - {batch.instance for batch in queue}, _now, SYNC_TIMEOUT)
    telemetry.planned(context, plan, written)
    return [{"batch": name} for name in names]


@remembered
def sync(batch: str) -> None:
    """Writes one batch, pulled by its name. Fails if any of its rows is rejected or unknown."""
    from partner_sync.compare.organization_schema import organization_schema
    from partner_sync.model import Batch
    from partner_sync.orchestration import connections, locations, telemetry, xcoms
    from partner_sync.orchestration.red_tasks import fail_on_purpose, fail_with
    from partner_sync.sync.batch import BatchAttempt
    from partner_sync.sync.verdicts import OrganizationReader
    from partner_sync.sync.waiting import Reschedule

    context = get_current_context()
    ti, config, archive = context["ti"], config_of(context), locations.archive()
    if batch in ELEMENTS:
        fail_on_purpose(batch, archive, context)
    work = xcoms.pull(ti, Batch, "compare", batch)
    written = {instance.name: instance for instance in config.instances if instance.write}
    if work.instance not in written:
        raise SnapshotError(f"Instance {work.instance} of {batch} is no longer written. {xcoms.again('compare')}")
    reader = OrganizationReader(organization_schema(config))
    if unknown := reader.unknown_fields(work.changes):
        gone = f"{batch} changes fields that are no longer in the config: {', '.join(unknown)}."
        raise SnapshotError(f"{gone} {xcoms.again('compare')}")
    attempt = BatchAttempt(
        batch=work,
        zendesk=connections.zendesk(written[work.instance], config.calls),
        archive=archive,
        settings=config.sync,
        calls=config.calls,
        reader=reader,
        now=_now,
        sleep=time.sleep,
        run_after=context["dag_run"].run_after,
        try_number=ti.try_number,
        waiting_since=ti.get_first_reschedule_date(context) or _now(),
        owner_gone_after=SYNC_TIMEOUT,
        people=config.approvals.people,
    )
    outcome = attempt.write()
    if isinstance(outcome, Reschedule):
        log.info("%s: rescheduled to %s, %s", batch, f"{outcome.at:%H:%M:%S}", outcome.why)
        raise AirflowRescheduleException(outcome.at)
    log.info("%s: %s", batch, outcome.counts)
    telemetry.accounted(context, archive, work, outcome.verdicts, written)
    if outcome.counts.failed:
        fail_with(batch, outcome.verdicts)


def _compared_run(context: Context, archive: Archive, config: Config, made: datetime) -> ComparedRun:
    """The run that compares, with what earlier runs and people left. A dry run records no decisions."""
    from partner_sync.compare.plan import ComparedRun
    from partner_sync.config.params import options
    from partner_sync.orchestration.earlier import earlier_runs
    from partner_sync.orchestration.run_decisions import NOTHING_DECIDED, decided

    asked, trigger = options(context["params"]), trigger_of(context)
    shown = decided(archive, config, asked, trigger, note_of(context)) if asked.dry_run else NOTHING_DECIDED
    return ComparedRun(
        run_id=trigger.run_id,
        run_after=trigger.run_after,
        plan_id=f"{made:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        made=made,
        options=asked,
        earlier={one.name: earlier_runs(archive, one.name, made, shown) for one in config.instances},
    )


def _record(context: Context, config: Config, plan: Plan, asked: Mapping[str, int]) -> RunRecord:
    from airflow import __version__ as airflow_version

    from partner_sync import __version__
    from partner_sync.archive.records import RunRecord
    from partner_sync.orchestration import connections

    versions = {"partner_sync": __version__, "airflow": airflow_version, "python": platform.python_version()}
    return RunRecord(trigger_of(context), versions, plan, connections.hosts(config), dict(asked))


def _check_room(elements: int) -> None:
    """Refuses a list that Airflow would refuse at the push: too late, and with a message that does not help."""
    from airflow.sdk.configuration import conf

    room = conf.getint("core", "max_map_length")
    if elements > room:
        advice = f"Set AIRFLOW__CORE__MAX_MAP_LENGTH to {elements} or more, or narrow the run by account_ids."
        wrong = f"is {room}, the plan has {elements} batches"
        raise ConfigError("Airflow", [Finding("core.max_map_length", wrong, advice)])


def _progress(what: str) -> Callable[[int, int], None]:
    """Logs the progress of a read at its end and every few seconds, not for every page."""
    logged = time.monotonic()

    def report(read: int, announced: int) -> None:
        nonlocal logged
        if read >= announced or time.monotonic() - logged > PROGRESS_SECONDS:
            logged = time.monotonic()
            log.info("%s: %d of %d read", what, read, announced)

    return report


def _now() -> datetime:
    return datetime.now(timezone.utc)

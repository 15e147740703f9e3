"""The DAG's callbacks: they message the team when a run hung, failed, withheld changes or is late, and when it is over.

`failed` and `succeeded` run in the DAG processor, `overdue` in the triggerer: this module has to be on PYTHONPATH in
both, and the archive within reach. Each of them sends the daily reminder if it is due. Messages go through Airflow's
notifiers to the Connections `partner_sync_smtp` and `partner_sync_apprise`. If neither exists, nothing is sent and
nothing is recorded. If the archive cannot be read, every failure is sent: a repeated message is better than silence.
"""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from partner_sync.alerts.deadline import is_overdue
from partner_sync.errors import ConfigError, Finding, PartnerSyncError

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from partner_sync.alerts.ended_run import EndedRun, RunEnd
    from partner_sync.alerts.messages import Message
    from partner_sync.archive.records import AlarmCause
    from partner_sync.model import Plan
    from partner_sync.orchestration.run_context import Context

log = logging.getLogger(__name__)

Send = Callable[["Message"], None]

ARCHIVE_ERRORS = (PartnerSyncError, OSError, ValueError, ImportError)
"""What the archive raises here; the last two if the client of its object store is not installed in this process."""

SMTP, APPRISE = "partner_sync_smtp", "partner_sync_apprise"


def failed(context: Context) -> None:
    """The DAG's `on_failure_callback`; Airflow calls it for a run that took too long as well."""
    if channels := _channels():
        ended = _ended(context, "hung" if context.get("reason") == "timed_out" else "failed")
        _send(channels, ended, ended.causes)


def succeeded(context: Context) -> None:
    """The DAG's `on_success_callback`. A dry run or a run of some accounts does not end an alarm."""
    from partner_sync.alerts.log import AlarmLog
    from partner_sync.archive.records import AlarmNote
    from partner_sync.orchestration import locations

    if channels := _channels():
        ended = _ended(context, "succeeded")
        if ended.whole:
            AlarmLog(locations.archive().root).write_success(AlarmNote(ended.run_id, _now()))
        elif ended.unreadable:
            log.warning("could not determine whether a whole run succeeded: %s", ended.unreadable)
            return
        _send(channels, ended, ended.causes)


async def overdue(context: Context) -> None:
    """The callback of the DAG's `DeadlineAlert`, for every run that did not succeed in time."""
    await asyncio.to_thread(_overdue, context)


def _overdue(context: Context) -> None:
    from partner_sync.alerts.log import AlarmLog
    from partner_sync.orchestration import locations

    if channels := _channels():
        queued, succeeded = context["dag_run"].get("queued_at"), None
        try:
            succeeded = AlarmLog(locations.archive().root).last_success()
        except ARCHIVE_ERRORS as error:
            log.warning("could not determine when a whole run last succeeded: %s", error)
        late = is_overdue(_moment(queued) if queued else None, succeeded, _now())
        _send(channels, _ended(context, "late"), {"overdue"} if late else frozenset())


# -- the run --------------------------------------------------------------------------------------------------


def _ended(context: Context, end: RunEnd) -> EndedRun:
    """Reads the run of a context from the archive. The context has objects in a callback, JSON in the triggerer."""
    from airflow.sdk.configuration import conf

    from partner_sync.alerts.ended_run import EndedRun
    from partner_sync.archive.records import VerdictTally
    from partner_sync.orchestration import locations

    dag_run = context.get("dag_run") or {}
    dag_run = dag_run if isinstance(dag_run, Mapping) else {"run_id": dag_run.run_id, "run_after": dag_run.run_after}
    run_id, ti = str(context.get("run_id") or dag_run["dag_run_id"]), context.get("ti")
    record, verdicts, failures, unreadable = None, [], [], ""
    if "run_after" in dag_run:
        try:
            archive = locations.archive()
            folder = archive.run_folder(run_id, _moment(dag_run["run_after"]))
            record = archive.run(folder)
            verdicts = archive.verdicts(folder, record.plan.id) if record else []
            failures = archive.failures(folder) if record else []
        except ARCHIVE_ERRORS as error:
            unreadable = str(error)
    base = conf.get("api", "base_url", fallback="http://localhost:8080").rstrip("/")
    return EndedRun(
        run_id=run_id,
        link=f"{base}/dags/partner_sync/runs/{quote(run_id, safe='')}",
        end=end,
        task=_label(ti, record.plan if record else None) if ti and end == "failed" else None,
        record=record,
        verdicts=VerdictTally.of(verdicts),
        failures=tuple(failures),
        unreadable=unreadable,
    )


def _label(ti: Any, plan: Plan | None) -> str:
    """A task by its id, and by its batch if mapped, as in the grid: batches are mapped in the plan's order."""
    if ti.map_index is None or ti.map_index < 0:
        return str(ti.task_id)
    names = [*plan.digests, *plan.elements] if plan else []
    return f"{ti.task_id} {names[ti.map_index] if ti.map_index < len(names) else ti.map_index}"


def _moment(value: object) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _now() -> datetime:
    return datetime.now(timezone.utc)


# -- sending ------------------------------------------------------------------------------------------------


def _send(channels: Mapping[str, Send], ended: EndedRun, shown: AbstractSet[AlarmCause]) -> None:
    """Sends the message that is due, if any, and records it as arrived if at least one channel accepted it."""
    from partner_sync.alerts.log import AlarmLog
    from partner_sync.alerts.messages import message
    from partner_sync.alerts.states import AlarmState, due
    from partner_sync.orchestration import locations

    now, number, alarm_log = _now(), 0, None
    try:
        alarm_log = AlarmLog(locations.archive().root)
        announced = alarm_log.announce(lambda state: due(state, ended.run_id, shown, ended.over, now))
        if announced is None:
            return  # the team knows, or another run that ends now sends it
        number, note = announced
    except ARCHIVE_ERRORS as error:
        if (unrecorded := due(AlarmState(), ended.run_id, shown, ended.over, now)) is None:
            raise
        alarm_log, note, ended = None, unrecorded, replace(ended, unreadable=ended.unreadable or str(error))
    sent = message(note, ended)
    lost: list[Finding] = []
    for conn_id, send in channels.items():
        try:
            send(sent)
        except ConfigError as error:
            lost.extend(error.findings)
        except _errors() as error:
            lost.append(
                Finding(
                    conn_id, f"did not accept the message ({type(error).__name__})", "Test the Connection and fix it."
                )
            )
    if len(lost) < len(channels):
        if alarm_log is not None:
            alarm_log.arrived(number, note)
        log.info("sent to the team: %s", sent.title)
    if lost:
        raise ConfigError("The delivery of alarms", lost)


def _errors() -> tuple[type[Exception], ...]:
    """What the two notifiers raise. The text of smtplib's errors has addresses, so no message quotes it."""
    from airflow.sdk.exceptions import AirflowException

    return (OSError, ValueError, KeyError, TypeError, AirflowException)


def _channels() -> dict[str, Send]:
    """The channels to send to, by Connection; only Connections that exist."""
    made: dict[str, Callable[[Connection], Send]] = {SMTP: _mail, APPRISE: _apprise}
    found = {conn_id: _connection(conn_id) for conn_id in made}
    return {conn_id: made[conn_id](connection) for conn_id, connection in found.items() if connection is not None}


def _connection(conn_id: str) -> Connection | None:
    from airflow.sdk.bases.hook import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None


def _extra(connection: Connection, key: str, what: str) -> Any:
    if not (value := connection.extra_dejson.get(key)):
        raise ConfigError(
            connection.conn_id, [Finding(f"{connection.conn_id}, extra.{key}", "is missing", f"Name {what}.")]
        )
    return value


def _mail(connection: Connection) -> Send:
    """Sends by the SMTP provider, to the addresses in the extra `to`, from the address in `from_email`."""

    def send(message: Message) -> None:
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        to = _extra(connection, "to", "the addresses that get the messages")
        body = "<br>\n".join(html.escape(line) for line in message.text.splitlines())
        SmtpNotifier(to=to, subject=message.title, html_content=body, smtp_conn_id=SMTP).notify({})

    return send


def _apprise(connection: Connection) -> Send:
    """Sends by Apprise, to the services in the extra `config`."""

    def send(message: Message) -> None:
        from apprise import NotifyType

        from partner_sync.alerts.apprise import CheckedAppriseNotifier

        _extra(connection, "config", "the services that get the messages, as the provider of Apprise documents")
        kind = NotifyType.SUCCESS if message.well else NotifyType.FAILURE
        text = {"body": message.text, "title": message.title, "notify_type": kind}
        CheckedAppriseNotifier(**text, apprise_conn_id=APPRISE).notify({})

    return send

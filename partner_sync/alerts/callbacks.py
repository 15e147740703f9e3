"""Tells the team, through Airflow's notifiers, when a run hung, failed, withheld something or is overdue, and when that
is over. The callbacks of the DAG: `failed` and `succeeded` run in the DAG processor, `overdue` in the triggerer, so
this module has to be on PYTHONPATH there, and the archive within reach.

Two Connections say where to, `partner_sync_smtp` and `partner_sync_apprise`. While there is neither, nothing is told
and nothing is remembered. While the archive cannot be read, every failure is told: nobody knows what was told before,
and a message too many is better than silence.
"""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from partner_sync.alerts.states import News, Standing, What, after_deadline, after_failure, after_success
from partner_sync.errors import ConfigError, Finding, PartnerSyncError

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from partner_sync.alerts.messages import Ended, Message
    from partner_sync.model import Plan

log = logging.getLogger(__name__)

Context = Mapping[str, Any]
Send = Callable[["Message"], None]

UNREADABLE = (PartnerSyncError, OSError, ValueError, ImportError)
"""What the archive raises here; the last two where the client of its store is not installed beside this process."""

SMTP, APPRISE = "partner_sync_smtp", "partner_sync_apprise"


def failed(context: Context) -> None:
    """The DAG's `on_failure_callback`; a run that took too long comes here as well."""
    if channels := _channels():
        ended = _ended(context)
        what: What = "hung" if context.get("reason") == "timed_out" else "withheld" if ended.only_withheld else "failed"
        _tell(channels, ended, lambda standing, now: after_failure(what, standing, now))


def succeeded(context: Context) -> None:
    """The DAG's `on_success_callback`. A dry run, or one of some accounts only, proves nothing of the whole."""
    from partner_sync.alerts.log import AlarmLog
    from partner_sync.archive.records import AlarmNote
    from partner_sync.orchestration import locations

    if channels := _channels():
        ended = _ended(context)
        if ended.whole:
            AlarmLog(locations.archive().root).succeeded(AlarmNote("succeeded", ended.run_id, _now()))
            _tell(channels, ended, after_success)
        elif ended.unread:
            log.warning("whether a whole run succeeded is not known: %s", ended.unread)


async def overdue(context: Context) -> None:
    """The callback of the DAG's `DeadlineAlert`: it fires for every run that has not succeeded in time."""
    await asyncio.to_thread(_overdue, context)


def _overdue(context: Context) -> None:
    if channels := _channels():
        queued = context["dag_run"].get("queued_at")
        queued = _moment(queued) if queued else None
        _tell(channels, _ended(context), lambda standing, now: after_deadline(queued, standing, now))


# -- what is known of the run -------------------------------------------------------------------------------


def _ended(context: Context) -> Ended:
    """What the archive has of the run of a context: a callback's has objects, the triggerer's is JSON."""
    from airflow.sdk.configuration import conf

    from partner_sync.alerts.messages import Ended
    from partner_sync.archive.records import VerdictTally
    from partner_sync.orchestration import locations

    dag_run = context.get("dag_run") or {}
    dag_run = dag_run if isinstance(dag_run, Mapping) else {"run_id": dag_run.run_id, "run_after": dag_run.run_after}
    run_id, ti = str(context.get("run_id") or dag_run["dag_run_id"]), context.get("ti")
    record, verdicts, unread = None, [], ""
    if "run_after" in dag_run:
        try:
            archive = locations.archive()
            folder = archive.run_folder(run_id, _moment(dag_run["run_after"]))
            record = archive.run(folder)
            verdicts = archive.verdicts(folder, record.plan.id) if record else []
        except UNREADABLE as error:
            unread = str(error)
    base = conf.get("api", "base_url", fallback="http://localhost:8080").rstrip("/")
    return Ended(
        run_id=run_id,
        link=f"{base}/dags/partner_sync/runs/{quote(run_id, safe='')}",
        task=_label(ti, record.plan if record else None) if ti else None,
        record=record,
        verdicts=VerdictTally.of(verdicts),
        unread=unread,
    )


def _label(ti: Any, plan: Plan | None) -> str:
    """A task by its id, a mapped one by its batch, as the grid names it: batches are mapped in the plan's order."""
    if ti.map_index is None or ti.map_index < 0:
        return str(ti.task_id)
    batches = list(plan.digests) if plan else []
    if plan and ti.map_index >= len(batches):
        return f"{ti.task_id} {'withheld' if plan.withheld and ti.map_index == len(batches) else 'problems'}"
    return f"{ti.task_id} {batches[ti.map_index] if plan else ti.map_index}"


def _moment(value: object) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _now() -> datetime:
    return datetime.now(timezone.utc)


# -- telling ------------------------------------------------------------------------------------------------


def _tell(channels: Mapping[str, Send], ended: Ended, decide: Callable[[Standing, datetime], News | None]) -> None:
    """Sends what is to be told, if anything is, and remembers that it arrived: by one channel at least."""
    from partner_sync.alerts.log import AlarmLog
    from partner_sync.alerts.messages import message
    from partner_sync.archive.records import AlarmNote
    from partner_sync.orchestration import locations

    now, alarm_log = _now(), None
    try:
        alarm_log = AlarmLog(locations.archive().root)
        news = decide(alarm_log.standing(), now)
        if news is None or not alarm_log.announce(news, AlarmNote(news.what, ended.run_id, now)):
            return  # the team knows, or hears of it from another run that ends right now
    except UNREADABLE as error:
        if (news := decide(Standing(), now)) is None:
            raise
        alarm_log, ended = None, replace(ended, unread=ended.unread or str(error))
    said = message(news.what, ended)
    lost: list[Finding] = []
    for conn_id, send in channels.items():
        try:
            send(said)
        except ConfigError as error:
            lost.extend(error.findings)
        except _errors() as error:
            lost.append(
                Finding(
                    conn_id, f"did not take the message ({type(error).__name__})", "Test the Connection and fix it."
                )
            )
    if len(lost) < len(channels):
        if alarm_log is not None:
            alarm_log.arrived(news, AlarmNote(news.what, ended.run_id, now))
        log.info("told the team: %s", said.title)
    if lost:
        raise ConfigError("What tells the team", lost)


def _errors() -> tuple[type[Exception], ...]:
    """What the two notifiers raise; smtplib's errors are OSErrors, and carry addresses, so their words stay here."""
    from airflow.sdk.exceptions import AirflowException

    return (OSError, ValueError, KeyError, TypeError, AirflowException)


def _channels() -> dict[str, Send]:
    """Where to tell, by Connection; a Connection that does not exist is not asked."""
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
    """By the SMTP provider, to the addresses in the extra `to`, from the one in `from_email`."""

    def send(message: Message) -> None:
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        to = _extra(connection, "to", "the addresses that are told")
        body = "<br>\n".join(html.escape(line) for line in message.text.splitlines())
        SmtpNotifier(to=to, subject=message.title, html_content=body, smtp_conn_id=SMTP).notify({})

    return send


def _apprise(connection: Connection) -> Send:
    """By Apprise, to the services in the extra `config`."""

    def send(message: Message) -> None:
        from apprise import NotifyType

        from partner_sync.alerts.apprise import CheckedAppriseNotifier

        _extra(connection, "config", "the services that are told, as Apprise's provider has it")
        kind = NotifyType.SUCCESS if message.what == "recovered" else NotifyType.FAILURE
        text = {"body": message.text, "title": message.title, "notify_type": kind}
        CheckedAppriseNotifier(**text, apprise_conn_id=APPRISE).notify({})

    return send

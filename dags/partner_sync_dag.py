"""Wiring only: four tasks, their edges, params, time limits and retries. `partner_sync/` does the work."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, AsyncCallback, DeadlineAlert, DeadlineReference, Param

from partner_sync.alerts import callbacks
from partner_sync.alerts.deadline import OVERDUE
from partner_sync.config.params import PARAMS
from partner_sync.orchestration import retry_policy, run_context, tasks, telemetry

TRIAGE = """
### Partner Sync

Keeps Zendesk organizations in sync with Salesforce partner accounts. Runs on the `schedule` of the config, every hour by default. If there is nothing to write, `sync`
is *skipped*: that is the normal case. A dry run ends the same way.

| what you see | what it means | what to do |
|---|---|---|
| `gather_accounts` or `gather_organizations` failed | a read was not provably complete, or fields or credentials are wrong; nothing was written | read the last line of its log: it names the cause and the next step. Fix the cause, then clear both gather tasks with downstream |
| `compare` failed | a snapshot is missing, or the plan has more batches than Airflow maps; nothing was written | follow its message |
| `sync` **withheld** failed | changes are on hold, everything else was written. Later runs of the same case are green | review them on the page; if they are right, trigger a run with the conf that the message shows |
| `sync` **instances** failed | an instance could not be read: nothing was planned for it, the others were written | its message names the instance and the cause |
| `sync` is skipped, and the page says *Planning only* | scheduled runs write nothing until a person has once started a run without *Dry run* | review the plan; to let the DAG write, trigger a run without *Dry run* |
| `sync` **update 1-100** failed | rows of this batch are rejected or unknown; its other rows are written | its message names the rows; fix the cause, the next run plans them again |
| `sync` up for reschedule | Zendesk is working on the job, or a batch of another plan is still open. A batch whose task was killed blocks newer batches for ten minutes at most | nothing |
| a run triggered by hand stays *running* and starts no task | its logical date is in the future | mark it failed; trigger again with the date that the form offers, or without a date |
| a row is *superseded* | somebody changed the organization between plan and write, or a newer plan exists | nothing; the next run compares it again |

You can clear any task at any time: the register keeps what was sent, and nothing is written twice. A backfill reads
current data, so it is an ordinary run. **When to worry**: two red runs in a row, or no green run for two hours.
If a Connection `partner_sync_smtp` or `partner_sync_apprise` exists, the team is notified once per cause when it is new and
when it is over, and once a day of all that is open.
"""

with DAG(
    dag_id="partner_sync",
    description="Zendesk organizations follow Salesforce partner accounts",
    doc_md=TRIAGE,
    schedule=run_context.configured_schedule(__file__),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=55),
    on_failure_callback=callbacks.failed,
    on_success_callback=callbacks.succeeded,
    deadline=DeadlineAlert(
        name="success within 2 hours",
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,  # with QUEUED_AT, clearing a failed run fails (apache/airflow#70368)
        interval=OVERDUE,
        callback=AsyncCallback(callbacks.overdue),
    ),
    tags=["salesforce", "zendesk"],
    params={name: Param(**schema) for name, schema in PARAMS.items()},
    default_args={
        "retries": 3,
        "retry_delay": timedelta(seconds=15),
        "retry_exponential_backoff": 2,
        "max_retry_delay": timedelta(minutes=5),
        "retry_policy": retry_policy.SyncRetryPolicy(),
        "show_return_value_in_logs": False,
    },
):
    gather_accounts = PythonOperator(
        task_id="gather_accounts",
        python_callable=tasks.gather_accounts,
        execution_timeout=timedelta(minutes=15),
        doc_md="Reads all partner accounts from Salesforce, with proof that none is missing.",
    )
    gather_organizations = PythonOperator(
        task_id="gather_organizations",
        python_callable=tasks.gather_organizations,
        execution_timeout=timedelta(minutes=30),
        doc_md="Checks Zendesk's organization fields, then reads all organizations, with proof that none is missing.",
    )
    compare = PythonOperator(
        task_id="compare",
        python_callable=tasks.compare,
        outlets=[telemetry.ASSETS],
        execution_timeout=timedelta(minutes=10),
        doc_md="Makes the plan, archives it, and creates a batch per 100 changes of a kind.",
    )
    sync = PythonOperator.partial(
        task_id="sync",
        python_callable=tasks.sync,
        outlets=[telemetry.ASSETS],
        execution_timeout=tasks.SYNC_TIMEOUT,
        retries=5,
        max_active_tis_per_dag=20,
        map_index_template="{{ task.op_kwargs['batch'] }}",
        doc_md="Writes one batch as one Zendesk job and records a verdict for each of its rows.",
    ).expand(op_kwargs=compare.output)

    [gather_accounts, gather_organizations] >> compare >> sync

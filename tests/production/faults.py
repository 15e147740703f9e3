"""What happens to a run in full flight. Each takes the trial, and returns the ids of further runs that it began."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from tests.production.airflow_api import wait_until
from tests.production.trial import Trial, sleep_until

ABANDONED = timedelta(minutes=11)
"""More than `sync` may take for one visit: the owner of an entry that is older cannot be about to submit."""


def task_killed(trial: Trial) -> Sequence[str]:
    processes = wait_until(trial.processes, 30, "a task of sync is executed")
    os.kill(next(iter(processes.values())), signal.SIGKILL)
    return []


def worker_killed(trial: Trial) -> Sequence[str]:
    wait_until(trial.processes, 30, "a task of sync is executed")
    trial.stack.kill("worker-1")
    return []


def scheduler_killed(trial: Trial) -> Sequence[str]:
    trial.stack.kill("scheduler")
    return []


def postgres_restarted(trial: Trial) -> Sequence[str]:
    trial.stack.restart("postgres")
    return []


def objects_gone(trial: Trial) -> Sequence[str]:
    trial.stack.objects.close()
    time.sleep(20)
    trial.stack.objects.open()
    return []


def api_server_restarted(trial: Trial) -> Sequence[str]:
    trial.stack.restart("api-server")
    return []


def zendesk_away(trial: Trial) -> Sequence[str]:
    begun = time.monotonic()
    fault = trial.stack.control.fault("status", system="zendesk", status=503, times=None)
    sleep_until(begun, 60)
    trial.stack.control.remove_faults(fault)
    return []


def salesforce_away(trial: Trial) -> Sequence[str]:
    """The run in flight needs it no more; the next one, which has five owners to write, begins while it is away."""
    begun = time.monotonic()
    fault = trial.stack.control.fault("status", system="salesforce", status=503, times=None)
    rows = trial.stack.control.accounts()[:5]
    trial.stack.control.put_accounts({"Id": row["Id"], "Account_Owner_Calc__c": "Somebody New"} for row in rows)
    following = trial.stack.api.trigger()
    sleep_until(begun, 60)
    trial.stack.control.remove_faults(fault)
    return [following]


def compare_cleared(trial: Trial) -> Sequence[str]:
    """Then what the killed tasks had sent would hold the new plan back for ten minutes; the test lets them go by."""
    api, archive = trial.stack.api, trial.stack.archive()
    first, processes = archive.latest("global"), set(trial.processes())
    api.clear(trial.run_id, "compare", downstream=True)
    wait_until(lambda: not processes & set(trial.stack.executing()), 60, "the cleared tasks have ended")
    wait_until(lambda: archive.latest("global") != first, 120, "there is a newer plan")
    for entry in archive.open_jobs("global"):
        if entry.order == first:
            intended = entry.intended and entry.intended - ABANDONED
            archive.write_open_job("global", replace(entry, time=entry.time - ABANDONED, intended=intended))
    return []


def two_at_once(trial: Trial) -> Sequence[str]:
    interval = datetime(2026, 2, 1, tzinfo=timezone.utc)
    trial.stack.api.backfill(interval, interval)
    return wait_until(lambda: trial.stack.api.backfilled(interval, interval), 60, "the backfill has a run")


FAULTS: dict[str, Callable[[Trial], Sequence[str]]] = {
    "`kill -9` of a task": task_killed,
    "`kill -9` of a whole worker": worker_killed,
    "`kill -9` of the scheduler": scheduler_killed,
    "PostgreSQL restarted": postgres_restarted,
    "the object store gone for 20 s": objects_gone,
    "the API server restarted": api_server_restarted,
    "Zendesk answers 503 for a minute": zendesk_away,
    "Salesforce answers 503 for a minute": salesforce_away,
    "`compare` cleared with downstream": compare_cleared,
    "a second run, by a backfill": two_at_once,
}

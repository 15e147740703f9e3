"""The real scheduler, driven by the REST API: runs, a failed and cleared task, a killed process, a backfill.

Each test changes the world a little, lets Airflow follow, and counts what was really written.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.scheduler.running import Airflow, Run, until
from tests.scheduler.telling import failed_run, three_hours_pass
from tests.webhook import Webhook

HOUR = timedelta(hours=1)
CREATES, UPDATES = "*organizations/create_many", "*organizations/update_many"
HELD = "Held by somebody"
OWNED_NAMES = ("name", "account_owner", "technical_account_manager", "solutions_architect")
SECRETS = ("sandbox-consumer-secret", "sandbox-client-secret", "00D4M0000008abc!")
"""Of the sandbox's two Connections, and how its Salesforce tokens begin."""


@dataclass(frozen=True)
class Killed:
    """A run with a killed task: the job that was open then, and all jobs and writes of the run."""

    run: Run
    job_id: str | None
    jobs: list[dict[str, Any]]
    writes: Counter[tuple[int, str]]


def test_until_a_person_starts_a_run_that_writes_the_schedule_only_plans_although_a_dry_run_unpaused_it(planned):
    dry, scheduled = planned.dry, planned.scheduled
    assert [("success", "manual"), ("success", "scheduled")] == [
        (one.state, one.row["run_type"]) for one in (dry, scheduled)
    ]
    assert (6, ("global",), "skipped") == (
        len(scheduled.plan.changes),
        scheduled.plan.planning_only,
        scheduled.states()["sync"],
    )
    assert Counter() == planned.writes


def test_a_run_with_a_logical_date_brings_everything_in_sync(airflow, first_run):
    assert "success" == first_run.state
    assert {("create 1-3", "confirmed"): 3, ("update 1-2", "confirmed"): 2, ("mark 1-1", "confirmed"): 1} == (
        first_run.counts()
    )
    assert [] == airflow.out_of_sync()
    assert ["create"] * 3 + ["update"] * 3 == sorted(action for _, action in airflow.writes(0).elements())
    assert {1} == set(airflow.writes(0).values())


def test_mapped_tasks_are_labelled_by_their_batches(first_run):
    assert dict.fromkeys(
        ["gather_accounts", "gather_organizations", "compare", "create 1-3", "update 1-2", "mark 1-1"], "success"
    ) == (first_run.states())


def test_a_run_without_a_logical_date_that_finds_nothing_to_do_skips_sync_and_writes_nothing(airflow, first_run):
    writes = len(airflow.sandbox.writes())
    run = airflow.finished(airflow.trigger())
    assert ("success", "skipped") == (run.state, run.states()["sync"])
    assert run.record.trigger.logical_date is None
    assert writes == len(airflow.sandbox.writes())


def test_after_a_run_that_a_person_started_the_schedule_writes(airflow, planned, first_run):
    before = len(airflow.sandbox.writes())
    airflow.new_owner(*airflow.in_sync()[:1])
    airflow.clear(planned.scheduled.id, "gather_accounts", "gather_organizations", downstream=True)
    run = airflow.finished(planned.scheduled.id)
    assert ("success", "scheduled", ()) == (run.state, run.row["run_type"], run.record.plan.planning_only)
    assert {("update 1-1", "confirmed"): 1} == run.counts()
    assert 1 == len(airflow.writes(before))


@pytest.mark.parametrize("conf", [{"dry_run": "maybe"}, {"account_ids": "0014M"}, {"approve": ["everything"]}])
def test_a_wrong_param_is_refused_before_anything_starts(airflow, first_run, conf):
    body = {"dag_run_id": "wrong", "logical_date": None, "conf": conf}
    assert 400 == airflow.call("POST", "/dags/partner_sync/dagRuns", json=body).status_code
    assert 404 == airflow.call("GET", "/dags/partner_sync/dagRuns/wrong").status_code


# -- a mapped task fails and is cleared ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def half_failed(airflow: Airflow, first_run: Run) -> tuple[int, Run]:
    """How many writes there were before, and a run of which one update fails."""
    before = len(airflow.sandbox.writes())
    airflow.new_owner(*airflow.in_sync()[:3])
    airflow.new_account()
    airflow.sandbox.fault("fail_rows", path=UPDATES, rows=[1], error="RecordInvalid", details=HELD)
    return before, airflow.finished(airflow.trigger())


def test_one_failed_row_makes_its_mapped_task_and_the_run_red_and_no_other_task(airflow, half_failed):
    before, run = half_failed
    states = run.states()
    assert ("failed", "failed") == (run.state, states.pop("update 1-3"))
    assert {"success"} == set(states.values())
    assert {("create 1-1", "confirmed"): 1, ("update 1-3", "confirmed"): 2, ("update 1-3", "rejected"): 1} == (
        run.counts()
    )
    assert {1} == set(airflow.writes(before).values())
    assert 3 == len(airflow.writes(before))


def test_a_failed_mapped_task_that_is_cleared_writes_what_was_left_and_touches_no_sibling(airflow, half_failed):
    before, run = half_failed
    airflow.clear(run.id, ["sync", run.tasks["update 1-3"]["map_index"]])
    cleared = airflow.finished(run.id)
    assert "success" == cleared.state
    assert {("create 1-1", "confirmed"): 1, ("update 1-3", "confirmed"): 3} == cleared.counts()
    assert [] == airflow.out_of_sync()
    assert (4, {1}) == (len(airflow.writes(before)), set(airflow.writes(before).values()))
    tries = {label: task["try_number"] - run.tasks[label]["try_number"] for label, task in cleared.tasks.items()}
    assert {"update 1-3": 1} == {label: more for label, more in tries.items() if more}


# -- a process is killed ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def killed(airflow: Airflow, first_run: Run) -> Killed:
    """A run of two jobs that end only after the task of one was killed and that of the other gave its worker back."""
    jobs, writes = len(airflow.sandbox.jobs()), len(airflow.sandbox.writes())
    airflow.new_owner(*airflow.in_sync()[:2])
    airflow.new_account()
    airflow.sandbox.fault("never_ends", path=CREATES)
    airflow.sandbox.fault("never_ends", path=UPDATES)
    run = airflow.trigger()
    job_id = airflow.submitted("update 1-2").job_id
    airflow.process_of(airflow.sync(run, 1)).kill()
    until("a worker is given back", 60, lambda: airflow.sync(run, 0)["state"] == "up_for_reschedule")
    for job in airflow.sandbox.jobs()[jobs:]:
        airflow.sandbox.end_job(job["id"])
    return Killed(airflow.finished(run), job_id, airflow.sandbox.jobs()[jobs:], airflow.writes(writes))


def test_a_task_killed_between_submit_and_verdict_goes_on_with_the_same_job(airflow, killed):
    assert ("success", 2) == (killed.run.state, killed.run.tasks["update 1-2"]["try_number"])
    assert [killed.job_id] == [job["id"] for job in killed.jobs if job["action"] == "update"]
    rows = [row for row in killed.run.verdicts if row.batch == "update 1-2"]
    assert [(killed.job_id, "confirmed", True, 2)] * 2 == [
        (row.job_id, row.verdict, row.written, row.try_number) for row in rows
    ]
    assert (3, {1}) == (len(killed.writes), set(killed.writes.values()))
    assert ([], []) == (airflow.out_of_sync(), airflow.open_jobs())


def test_a_job_that_outlasts_a_visit_gives_the_worker_back_and_is_accounted_for_by_a_later_visit(killed):
    (job,) = [job for job in killed.jobs if job["action"] == "create"]
    assert {job["id"]: "confirmed"} == {row.job_id: row.verdict for row in killed.run.verdicts if row.kind == "create"}


# -- several runs at once -----------------------------------------------------------------------------------


def test_backfilled_runs_read_the_present_and_write_it_once_though_they_overlap(airflow, first_run):
    before = len(airflow.sandbox.writes())
    airflow.new_owner(*airflow.in_sync()[:4])
    airflow.new_account()
    start = datetime(2026, 1, 5, tzinfo=timezone.utc)
    runs = [airflow.finished(run) for run in airflow.backfill(start, start + 2 * HOUR, at_once=3)]
    assert ["success"] * 3 == [run.state for run in runs]
    assert [start, start + HOUR, start + 2 * HOUR] == [run.record.trigger.logical_date for run in runs]
    assert max(run.row["start_date"] for run in runs) < min(run.row["end_date"] for run in runs)
    assert (5, {1}) == (len(airflow.writes(before)), set(airflow.writes(before).values()))
    assert {"confirmed", "superseded"} >= {row.verdict for run in runs for row in run.verdicts}
    assert ([], []) == (airflow.out_of_sync(), airflow.open_jobs())


def test_compare_cleared_while_a_job_runs_makes_a_newer_plan_that_waits_for_it_and_writes_nothing_twice(
    airflow, first_run
):
    before = len(airflow.sandbox.writes())
    airflow.new_owner(*airflow.in_sync()[:2])
    airflow.sandbox.fault("never_ends", path=UPDATES)
    run = airflow.trigger()
    entry = airflow.submitted("update 1-2")
    process = airflow.process_of(airflow.sync(run, 0))
    airflow.clear(run, "compare", downstream=True)
    until("the process of the cleared task has ended", 30, lambda: not process.is_running())
    until("the newer plan waits", 60, lambda: airflow.sync(run, 0)["state"] == "up_for_reschedule")
    assert [] == airflow.sandbox.writes(before)
    airflow.sandbox.end_job(entry.job_id)
    # as if its time were up: until then, another batch cannot know that its owner is not just about to submit
    airflow.archive.write_open_job("global", replace(entry, time=entry.time - timedelta(minutes=11)))
    done = airflow.finished(run)
    assert "success" == done.state
    assert done.plan.order.newer_than(entry.order)
    assert {("update 1-2", "confirmed"): 2} == done.counts()
    assert [(None, False)] * 2 == [(row.job_id, row.written) for row in done.verdicts]
    assert (2, {1}) == (len(airflow.writes(before)), set(airflow.writes(before).values()))
    assert ([], []) == (airflow.out_of_sync(), airflow.open_jobs())


# -- the team is told ---------------------------------------------------------------------------------------

FAILED, RECOVERED = "Partner Sync: a run failed", "Partner Sync: recovered"
OVERDUE = "Partner Sync: no run has succeeded for 2 hours"


@pytest.fixture(scope="module")
def first_failed(airflow: Airflow, first_run: Run, webhook: Webhook) -> Run:
    """The first of two failed runs, after which a third succeeded; the team was well before."""
    assert "success" == airflow.finished(airflow.trigger()).state
    until("no alarm is open", 60, lambda: not webhook.titles or webhook.titles[-1] == RECOVERED)
    webhook.got.clear()
    first = failed_run(airflow)
    until("the failure is told", 60, lambda: webhook.got)
    failed_run(airflow)
    assert "success" == airflow.finished(airflow.trigger()).state
    until("the recovery is told", 60, lambda: len(webhook.got) > 1)
    return first


def test_the_dag_processor_tells_once_that_runs_fail_and_once_that_it_is_over(first_failed, webhook):
    assert [FAILED, RECOVERED] == webhook.titles[:2]
    assert f"/dags/partner_sync/runs/{first_failed.id}" in webhook.got[0]["message"]
    assert "Task: gather_accounts" in webhook.got[0]["message"]


def test_the_triggerer_tells_that_no_run_has_succeeded_for_two_hours(airflow, first_failed, webhook):
    three_hours_pass(airflow, first_failed)
    until("the missed deadline is told", 60, lambda: len(webhook.got) > 2)
    assert [FAILED, RECOVERED, OVERDUE] == webhook.titles
    assert f"/dags/partner_sync/runs/{first_failed.id}" in webhook.got[-1]["message"]


# -- what must not be seen ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def names(airflow: Airflow, half_failed: tuple[int, Run]) -> set[str]:
    """Of all partners, of people at partners, and of those whom a plan replaced; also as JSON may spell them."""
    _, run = half_failed
    found = {row[key] for row in airflow.sandbox.accounts() for key in ("Name", "Account_Owner_Calc__c")}
    changed = {field.before for change in run.plan.changes for field in change.fields if field.field in OWNED_NAMES}
    found |= changed - {None}
    return found | {json.dumps(name)[1:-1] for name in found}


def test_no_secret_is_in_any_file_of_the_home(airflow, half_failed):
    """Task and component logs, the metadata database, XCom objects, the archive."""
    keepers = {airflow.home.secrets, airflow.home.passwords}
    files = [path for path in airflow.home.root.rglob("*") if path.is_file() and path not in keepers]
    assert {"airflow.db", "run.json", "scheduler.log", "attempt=1.log"} <= {path.name for path in files}
    assert [] == [(path, secret) for path in files for secret in SECRETS if secret.encode() in path.read_bytes()]


def test_no_name_and_no_word_of_the_vendor_on_a_row_is_in_any_log(airflow, half_failed, names):
    _, run = half_failed
    assert [f"RecordInvalid {HELD}"] == [row.vendor_words for row in run.verdicts if row.verdict == "rejected"]
    logs = {path: path.read_text() for path in airflow.home.logs.rglob("*.log")}
    assert any("rejected: " in text for text in logs.values())
    assert [] == [(path, word) for path, text in logs.items() for word in (HELD, *names) if word in text]


def test_the_rest_api_shows_no_secret_in_tasks_and_xcoms_and_no_name_in_tasks(airflow, half_failed, names):
    _, run = half_failed
    tasks, xcoms = json.dumps(list(run.tasks.values())), ""
    for task in run.tasks.values():
        path = f"/dags/partner_sync/dagRuns/{run.id}/taskInstances/{task['task_id']}/xcomEntries"
        for entry in airflow.get(path, map_index=task["map_index"])["xcom_entries"]:
            xcoms += json.dumps(airflow.get(f"{path}/{entry['key']}", map_index=task["map_index"]))
    assert "rendered_fields" in tasks
    assert "return_value" in xcoms
    assert [] == [secret for secret in SECRETS if secret in tasks + xcoms]
    assert [] == [name for name in names if name in tasks]

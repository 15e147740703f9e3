"""What is left behind: tasks that are gone for good, lost responses among many jobs, jobs that may not be read."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from partner_sync.errors import RejectedError
from tests import oracle
from tests.sync.stage import NEVER, ROWS, Stage, Task, Watch, die, finish, task, tasks

SUBMIT = {"system": "zendesk", "method": "PUT", "path": "*/update_many"}
FORBIDDEN = {
    "do": "status",
    "status": 403,
    "times": None,
    "body": '{"error": "Forbidden"}',
    "content_type": "application/json",
    "system": "zendesk",
    "method": "GET",
}


def changed(stage: Stage, owner: str) -> None:
    for account in stage.sandbox.cases()["update_owner"]:
        stage.sandbox.put_account(Id=account, Account_Owner_Calc__c=owner)


def status_calls(stage: Stage) -> int:
    return sum("job_statuses" in call["path"] for call in stage.sandbox.calls())


# -- tasks that are gone for good ----------------------------------------------------------------------------


def test_the_next_plan_reports_the_rows_of_a_batch_whose_task_is_gone_for_good(begin):
    stage = begin("update", job_seconds=NEVER)
    task(stage, stage.first).visit()
    (job,) = (entry.job_id for entry in stage.archive.open_jobs("global"))
    stage.end_jobs()
    assert [] == stage.verdicts(stage.first)
    changed(stage, "The Newest Owner")
    newer = stage.plan()
    stage.clock.sleep(11 * 60)
    finish(stage, *tasks(stage, newer))
    rows = stage.verdicts(stage.first)
    assert {("confirmed", True, job, 0)} == {(row.verdict, row.written, row.job_id, row.try_number) for row in rows}
    assert ROWS == len(rows)
    (path,) = stage.archive.root.glob("runs/*/*/*/verdicts/*settled*")
    assert stage.first.id == path.parts[-3]
    assert {"confirmed": ROWS} == Counter(row.verdict for row in stage.verdicts(newer))
    assert [] == oracle.untrue(stage.sandbox, stage.lines(stage.first))


def test_rows_that_were_sent_and_do_not_show_are_reported_as_unknown_and_rows_not_sent_are_not(begin):
    stage = begin("update", job_seconds=NEVER)
    stage.sandbox.fault("lost", applied=0, **SUBMIT)
    first = task(stage, stage.first)
    stage.sandbox.edit(first.batch.changes[0].organization_id, organization_fields={"account_owner": "A Person"})
    first.visit()
    stage.clock.sleep(11 * 60)
    finish(stage, *tasks(stage, stage.plan()))
    found = [(row.verdict, row.written) for row in stage.verdicts(stage.first)]
    assert [("superseded", False), ("unknown", True), ("unknown", True)] == found


def test_a_batch_that_resumes_after_it_was_settled_reports_last(begin):
    stage = begin("update", job_seconds=NEVER)
    late = task(stage, stage.first)
    late.visit()
    stage.end_jobs()
    stage.clock.sleep(11 * 60)
    changed(stage, "The Newest Owner")
    finish(stage, *tasks(stage, stage.plan()))
    assert {0} == {row.try_number for row in stage.verdicts(stage.first)}
    finish(stage, late)
    rows = stage.verdicts(stage.first)
    assert {("superseded", 1, True)} == {(row.verdict, row.try_number, row.written) for row in rows}
    assert [] == stage.archive.open_jobs("global")


def test_an_entry_whose_plan_is_gone_from_the_archive_is_settled_all_the_same(begin):
    stage = begin("update", job_seconds=NEVER)
    task(stage, stage.first).visit()
    stage.end_jobs()
    next(stage.archive.root.glob(f"runs/*/*/{stage.first.id}/plan.json")).unlink()
    stage.clock.sleep(11 * 60)
    changed(stage, "The Newest Owner")
    assert {"confirmed": ROWS} == Counter(row.verdict for row in stage.verdicts(stage.next_run()))


# -- clearing ------------------------------------------------------------------------------------------------


def test_rows_of_a_green_task_that_is_cleared_stay_written_by_the_job_that_wrote_them(begin):
    stage = begin("update")
    done = task(stage, stage.first)
    finish(stage, done)
    first = stage.verdicts(stage.first)
    stage.clock.sleep(3600)
    again = Task(stage, stage.first, done.batch, tried=done.tries)
    finish(stage, again)
    rows = stage.verdicts(stage.first)
    assert {2} == {row.try_number for row in rows}
    assert [(True, row.job_id, row.written_at) for row in first] == [
        (row.written, row.job_id, row.written_at) for row in rows
    ]
    assert all(row.job_id and row.written_at for row in rows)


def test_a_row_that_zendesk_refused_is_not_written_by_us_when_a_person_writes_it(begin):
    stage = begin("update")
    stage.sandbox.fault("fail_rows", rows=[0], **SUBMIT)
    refused = task(stage, stage.first)
    finish(stage, refused)
    assert "rejected" == stage.verdicts(stage.first)[0].verdict
    change = refused.batch.changes[0]
    desired = {field.field: field.after for field in change.fields}
    stage.sandbox.edit(change.organization_id, organization_fields=desired)
    finish(stage, Task(stage, stage.first, refused.batch, tried=refused.tries))
    assert [False, True, True] == [row.written for row in stage.verdicts(stage.first)]


# -- lost responses ------------------------------------------------------------------------------------------


def test_a_lost_submit_is_found_among_thousands_of_jobs_with_few_calls(begin):
    stage = begin("update", job_seconds=NEVER)
    stage.sandbox.add_jobs(count=1000, seconds=0.0)
    (foreign,) = stage.sandbox.add_jobs(count=1, seconds=NEVER)
    stage.sandbox.add_jobs(count=150, seconds=0.0)
    stage.sandbox.fault("reset_after", **SUBMIT)
    lost = task(stage, stage.first)
    lost.visit()
    stage.sandbox.add_jobs(count=150, seconds=0.0)
    for _ in range(4):
        stage.clock.time = max(stage.clock.time, lost.due)
        lost.visit()
        assert lost.done is None
    assert status_calls(stage) < 15
    for job in stage.sandbox.jobs():
        if job["id"] != foreign and job["status"] in ("queued", "working"):
            stage.sandbox.end_job(job["id"])
    finish(stage, lost, between=lambda _: None)
    assert {"confirmed": ROWS} == lost.done.counts
    assert ROWS == len(stage.writes())


def test_nothing_of_a_lost_submit_counts_as_ended_before_it_can_have_arrived(begin):
    stage = begin("update")
    stage.sandbox.fault("reset_before", **SUBMIT)
    lost = task(stage, stage.first)
    lost.visit()
    (entry,) = stage.archive.open_jobs("global")
    assert timedelta(seconds=10 + 30 + 30) == lost.due - entry.intended
    before = status_calls(stage)
    lost.visit()
    assert (None, before) == (lost.done, status_calls(stage))


# -- jobs that may not be read ---------------------------------------------------------------------------------


def test_an_instance_that_cannot_show_jobs_is_not_written(begin):
    stage = begin("update")
    stage.sandbox.fault(path="*/job_statuses*", **FORBIDDEN)
    with pytest.raises(RejectedError, match="403"):
        task(stage, stage.first).visit()
    assert [] == stage.sandbox.jobs()


def test_rows_whose_job_may_not_be_read_get_a_verdict_by_what_zendesk_shows(begin):
    stage = begin("update", job_seconds=NEVER)
    first = task(stage, stage.first)
    first.visit()
    stage.sandbox.fault(path="*/job_statuses*", **FORBIDDEN)
    stage.clock.time = first.due
    first.visit()
    assert first.done is None
    finish(stage, first)
    assert {"confirmed": ROWS} == first.done.counts
    assert [] == stage.archive.open_jobs("global")


def test_a_row_that_does_not_show_and_whose_job_may_not_be_read_is_unknown_in_the_end(begin):
    stage = begin("update")
    stage.sandbox.fault("fail_rows", rows=[0], **SUBMIT)
    stage.sandbox.fault(path="*/job_statuses/*", **FORBIDDEN)
    first = task(stage, stage.first)
    with pytest.raises(RejectedError, match="403"):
        finish(stage, first)
    assert ["unknown", "confirmed", "confirmed"] == [row.verdict for row in stage.verdicts(stage.first)]
    assert 1 == len(stage.archive.open_jobs("global"))


@pytest.mark.parametrize(("shows", "hours"), [(True, 1), (False, 25)])
def test_an_entry_whose_job_may_not_be_read_holds_up_later_plans_until_its_rows_show_or_for_a_day(begin, shows, hours):
    stage = begin("update")
    stage.sandbox.fault("lost", applied=ROWS if shows else 0, **SUBMIT)

    class AtItsJob(Watch):
        def before(self, name):
            if name == "job":
                die()

    gone = task(stage, stage.first)
    gone.watch = AtItsJob()
    gone.visit()
    stage.sandbox.fault(path="*/job_statuses/V3*", **FORBIDDEN)
    stage.clock.sleep(3600 * hours)
    changed(stage, "The Newest Owner")
    newer = stage.next_run()
    verdict = "confirmed" if shows else "unknown"
    assert {verdict: ROWS} == Counter(row.verdict for row in stage.verdicts(stage.first))
    assert stage.verdicts(newer)

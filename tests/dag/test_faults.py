"""The real DAG through faults: what is written, how often, how a run ends, what it says, what comes of the next one."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from partner_sync.errors import AuthenticationError, IncompleteReadError, JobPendingError, RejectedError, VerdictError
from tests.dag.stage import ALL
from tests.dag.truths import nothing_twice, verdicts_true

CREATE = {"system": "zendesk", "method": "POST", "path": "*/create_many"}
UPDATE = {"system": "zendesk", "method": "PUT", "path": "*/update_many", "query": ""}
MARK = {"system": "zendesk", "method": "PUT", "path": "*/update_many", "query": "ids=*"}
POLL = {"system": "zendesk", "path": "*/job_statuses/*"}
LISTING = {"system": "zendesk", "path": "*/organizations"}
COUNT = {"system": "zendesk", "path": "*/organizations/count"}
QUERY = {"system": "salesforce", "path": "*/query/"}
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def next_run_comes_right(stage):
    """The fault is over: the next run leaves nothing to do, nothing open, and nothing written twice."""
    stage.calm()
    run = stage.run()
    assert ("success", []) == (run.state, run.failures)
    assert set(run.counts()) <= {"confirmed"}
    stage.in_sync()
    nothing_twice(stage)
    assert [] == stage.open_jobs()
    return run


# -- what a run lives through -------------------------------------------------------------------------------


def all_kinds(**fault):
    return [{**fault, **CREATE}, {**fault, **UPDATE}, {**fault, **MARK}]


DENIED = {"do": "status", "status": 401, "content_type": "application/json"}
LIVED_THROUGH = {
    "submits that break before they arrive": all_kinds(do="reset_before"),
    "submits whose answers are lost": all_kinds(do="reset_after"),
    "submits that are answered 503, carried out or not, and 429": [
        {"do": "status", "status": 503, **CREATE},
        {"do": "status", "status": 503, "effect": True, **UPDATE},
        {"do": "status", "status": 429, **MARK},
    ],
    "submits that are asked to wait": all_kinds(do="status", status=429, headers={"Retry-After": "1"}),
    "too many jobs": all_kinds(do="too_many_jobs"),
    "polls that break, and job statuses that come late": [
        {"do": "status", **POLL},
        *all_kinds(do="first_polls_404"),
    ],
    "lost jobs, carried out or not or in half": [
        {"do": "lost", **UPDATE},
        {"do": "lost", "applied": False, **CREATE},
        {"do": "lost", "applied": 1, **MARK},
    ],
    "jobs with too few results": all_kinds(do="drop_results"),
    "pages that break and tokens that end": [
        {"do": "truncated", **LISTING},
        {"do": "truncated", **QUERY},
        {**DENIED, "body": "{}", **COUNT},
        {**DENIED, "body": json.dumps(EXPIRED), **QUERY},
        *all_kinds(**DENIED, body="{}"),
        {**DENIED, "body": "{}", **POLL},
    ],
}


@pytest.mark.parametrize("faults", LIVED_THROUGH.values(), ids=LIVED_THROUGH)
def test_a_run_lives_through_a_fault_without_another_try_or_another_write(small, faults):
    for fault in faults:
        small.sandbox.fault(**fault)
    run = small.run()
    assert ("success", []) == (run.state, run.failures)
    assert {"confirmed": ALL} == run.counts()
    assert ALL == len(small.writes())
    assert set(run.tries.values()) == {1}
    assert all(fault["hits"] for fault in small.sandbox.faults())
    verdicts_true(small, run)
    nothing_twice(small)
    small.in_sync()
    assert [] == small.open_jobs()
    assert "skipped" == next_run_comes_right(small).tasks["sync"]
    assert ALL == len(small.writes())


def test_short_reads_are_read_again_by_the_next_try(small):
    small.sandbox.fault("short_read", drop=11, times=2, **LISTING)  # a first listing is repeated within its try
    small.sandbox.fault("short_read", drop=1, **QUERY)
    run = small.run()
    assert "success" == run.state
    assert ["gather_accounts", "gather_organizations"] == sorted(name for name, _ in run.failures)
    assert {IncompleteReadError} == {type(error) for _, error in run.failures}
    assert all("The read was discarded" in str(error) for _, error in run.failures)
    assert ({"confirmed": ALL}, ALL) == (run.counts(), len(small.writes()))
    assert "skipped" == next_run_comes_right(small).tasks["sync"]


def test_rows_whose_job_may_not_be_read_are_confirmed_by_what_zendesk_shows(small):
    small.sandbox.fault("status", status=403, times=None, **POLL)
    run = small.run()
    assert ("success", {"confirmed": ALL}) == (run.state, run.counts())
    assert (ALL, []) == (len(small.writes()), small.open_jobs())
    verdicts_true(small, run)
    small.in_sync()


def test_a_row_that_does_not_show_and_whose_job_may_not_be_read_is_unknown_until_it_may(small):
    small.sandbox.fault("fail_rows", rows=[0], **UPDATE)
    small.sandbox.fault("status", status=403, times=None, **POLL)
    run = small.run()
    assert ("failed", {"confirmed": ALL - 1, "unknown": 1}) == (run.state, run.counts())
    *waited, last = (type(error) for error in run.errors("sync"))  # the time may run out between two looks
    assert RejectedError is last
    assert set(waited) <= {JobPendingError}
    verdicts_true(small, run)
    small.calm()
    cleared = small.clear(run, "sync")
    assert {"confirmed": ALL - 1, "rejected": 1} == cleared.counts()
    assert [] == small.open_jobs()


# -- what ends red, and the rest is written -----------------------------------------------------------------

RED = {
    "jobs that fail": (
        [{"do": "failed", "status": "killed", **CREATE}, {"do": "failed", "applied": 1, **UPDATE}],
        {"create 1-2": {"rejected": 2}, "update 1-2": {"rejected": 1}},
    ),
    "rows that fail, and a field that is dropped in silence": (
        [
            {"do": "fail_rows", "rows": [1], **CREATE},
            {"do": "drop_fields", "keys": ["account_owner"], **UPDATE},
            {"do": "fail_rows", **MARK},
        ],
        {"create 1-2": {"rejected": 1}, "update 1-2": {"rejected": 2}, "mark 1-2": {"rejected": 1}},
    ),
    "jobs that are lost every time": (
        [{"do": "lost", "applied": False, "times": None, **UPDATE}],
        {"update 1-2": {"unknown": 2}},
    ),
}


@pytest.mark.parametrize(("faults", "failing"), RED.values(), ids=RED)
def test_what_zendesk_does_not_do_ends_red_and_the_rest_is_written(small, faults, failing):
    for fault in faults:
        small.sandbox.fault(**fault)
    run = small.run()
    assert "failed" == run.state
    assert failing.keys() == {name for name, state in run.tasks.items() if state == "failed"}
    assert {1} == {run.tries[label] for label in failing}
    amiss = sum((Counter(counts) for counts in failing.values()), Counter())
    assert {**amiss, "confirmed": ALL - amiss.total()} == run.counts()
    assert ALL - amiss.total() == len([write for write in small.writes() if not write["no_op"]])
    for error in run.errors("sync"):
        assert VerdictError is type(error)
        assert failing[str(error).partition(":")[0]] == {name: count for name, count in error.counts.items() if count}
        assert "Fix the cause; the next run plans these rows again" in str(error)
        assert not any(row.name in str(error) for row in run.verdicts)
    verdicts_true(small, run)
    assert [] == small.open_jobs()
    small.calm()
    again = small.run()
    assert ("success", {"confirmed": amiss.total()}) == (again.state, again.counts())
    small.in_sync()
    assert ALL == len([write for write in small.writes() if not write["no_op"]])


def test_a_job_that_is_refused_as_a_whole_is_told_row_by_row(small):
    small.sandbox.fault("status", status=422, body='{"error": "x"}', content_type="application/json", **MARK)
    run = small.run()
    assert ("failed", 1) == (run.tasks["mark 1-2"], run.tries["mark 1-2"])
    (error,) = run.errors("sync")
    assert RejectedError is type(error)
    assert "refused PUT /api/v2/organizations/update_many with 422" in str(error)
    assert {"confirmed": 4, "rejected": 2} == run.counts()
    assert [('{"error": "x"}', False)] * 2 == [
        (row.vendor_words, row.written) for row in run.verdicts if row.verdict == "rejected"
    ]
    assert {"confirmed": 2} == next_run_comes_right(small).counts()


def test_the_vendors_words_on_a_row_are_in_the_archive_and_not_in_the_message(small):
    small.sandbox.fault("fail_rows", details="Name: secret words", **CREATE)
    run = small.run()
    assert ["OrganizationCreateFailed Name: secret words"] == [
        row.vendor_words for row in run.verdicts if row.vendor_words
    ]
    assert "secret words" not in str(run.errors("sync")[0])


def test_a_job_that_never_ends_is_waited_for_with_a_bound_and_not_overtaken(small):
    small.config(lambda text: text.replace("job_minutes = 0.1", "job_minutes = 0.01"))
    small.sandbox.fault("never_ends", **UPDATE)
    run = small.run()
    assert "failed" == run.state
    assert ("failed", 6) == (run.tasks["update 1-2"], run.tries["update 1-2"])
    assert {JobPendingError} == {type(error) for error in run.errors("sync")}
    assert "Check Zendesk's job statuses" in str(run.errors("sync")[0])
    assert {"confirmed": 4, "unknown": 2} == run.counts()
    (entry,) = small.open_jobs()
    submits = len(small.submits())
    following = small.run()
    assert "failed" == following.state
    assert {JobPendingError} == {type(error) for error in following.errors("sync")}
    assert "batches of older plans are open" in str(following.errors("sync")[0])
    assert "Check in Airflow that their sync tasks continue, or clear them" in str(following.errors("sync")[0])
    assert submits == len(small.submits())
    assert [entry] == small.open_jobs()
    assert {} == following.counts()
    small.sandbox.put_account(Id=of_kind(small, "create")[0], Account_Owner_Calc__c="A New Owner")
    assert {"confirmed": 1} == next_run_comes_right(small).counts()


def test_a_run_without_changes_reports_what_a_task_that_is_gone_for_good_had_sent(small):
    small.config(lambda text: text.replace("job_minutes = 0.1", "job_minutes = 0.01"))
    small.sandbox.fault("never_ends", applied=True, **UPDATE)
    gone = small.run()
    assert {"confirmed": 4, "unknown": 2} == gone.counts()
    small.calm()
    following = small.run()
    assert ("success", "skipped", {}) == (following.state, following.tasks["sync"], following.counts())
    verdicts = small.archive.verdicts(
        small.archive.run_folder(gone.dag_run.run_id, gone.dag_run.run_after), gone.plan.id
    )
    assert {("confirmed", True)} == {(row.verdict, row.written) for row in verdicts}
    assert [] == small.open_jobs()


def test_a_row_of_a_job_that_failed_as_a_whole_never_rests(small):
    small.sandbox.fault("failed", times=None, **UPDATE)
    for _ in range(4):
        run = small.run()
        assert {"rejected": 2} == {name: count for name, count in run.counts().items() if name != "confirmed"}
        assert {True} == {row.whole_job for row in run.verdicts if row.verdict == "rejected"}
    assert {"confirmed": 2} == next_run_comes_right(small).counts()


# -- reads that prove nothing -------------------------------------------------------------------------------


def test_reads_that_stay_short_fail_on_both_sides_and_nothing_is_written(small):
    small.sandbox.fault("short_read", drop=11, times=None, **LISTING)
    small.sandbox.fault("short_read", drop=1, times=None, **QUERY)
    run = small.run()
    assert "failed" == run.state
    for name in ("gather_accounts", "gather_organizations"):
        assert ("failed", 4) == (run.tasks[name], run.tries[name])
        assert [IncompleteReadError] * 4 == [type(error) for error in run.errors(name)]
        assert "The read was discarded" in str(run.errors(name)[0])
    assert ("upstream_failed", "upstream_failed") == (run.tasks["compare"], run.tasks["sync"])
    assert ([], None) == (small.submits(), run.record)
    assert {"confirmed": ALL} == next_run_comes_right(small).counts()


def test_a_salesforce_without_accounts_is_no_reason_to_mark_everything(small):
    for account in small.sandbox.accounts():
        small.sandbox.put_account(Id=account["Id"], Partners_Partner_Status__c="Former", Account_ID_18__c="gone")
    run = small.run()
    assert ("failed", "upstream_failed") == (run.tasks["gather_accounts"], run.tasks["sync"])
    assert {IncompleteReadError} == {type(error) for error in run.errors("gather_accounts")}
    assert "compare the filter in the config" in str(run.errors("gather_accounts")[0])
    assert [] == small.submits()


def test_wrong_credentials_fail_at_the_first_try_on_both_sides(small):
    small.connections["zendesk_default"]["extra"]["client_secret"] = "wrong-secret"
    small.connections["salesforce_default"]["extra"]["consumer_secret"] = "wrong-secret"
    run = small.run()
    assert "failed" == run.state
    for name, where in (("gather_accounts", "salesforce_default"), ("gather_organizations", "zendesk_default")):
        assert ("failed", 1) == (run.tasks[name], run.tries[name])
        (error,) = run.errors(name)
        assert AuthenticationError is type(error)
        assert where in str(error)
        assert "wrong-secret" not in str(error)
    assert [] == small.submits()


# -- what people do between plan and write ------------------------------------------------------------------


def of_kind(stage, kind):
    """What the world wants of a kind: ids of accounts, or of organizations for a mark."""
    return stage.sandbox.cases()[{"update": "update_owner"}.get(kind, kind)]


def organization_of(stage, account):
    return stage.sandbox.organizations(salesforce_id=account)[0]["id"]


def test_what_a_person_wrote_since_the_plan_stays(small):
    first, _ = of_kind(small, "update")
    organization = organization_of(small, first)
    edit = {"account_owner": "A Person", "technical_account_manager": "Another Person"}
    run = small.run(before={"sync": lambda: small.sandbox.edit(organization, organization_fields=edit)})
    assert ("success", {"confirmed": 5, "superseded": 1}) == (run.state, run.counts())
    assert edit.items() <= small.sandbox.organization(organization)["organization_fields"].items()
    assert organization not in {write["organization_id"] for write in small.writes()}
    verdicts_true(small, run)
    assert {"confirmed": 1} == next_run_comes_right(small).counts()


def test_what_a_person_wrote_as_desired_is_not_written_again(small):
    first, _ = of_kind(small, "update")
    organization, account = (
        organization_of(small, first),
        next(row for row in small.sandbox.accounts() if row["Id"] == first),
    )
    owner = {"account_owner": account["Account_Owner_Calc__c"]}
    run = small.run(before={"sync": lambda: small.sandbox.edit(organization, organization_fields=owner)})
    assert ("success", {"confirmed": ALL}) == (run.state, run.counts())
    assert [False] == [row.written for row in run.verdicts if row.organization_id == organization]
    assert ALL - 1 == len(small.writes())
    assert "skipped" == next_run_comes_right(small).tasks["sync"]


@pytest.mark.parametrize("kind", ["update", "mark"])
def test_an_organization_that_was_deleted_since_the_plan_is_superseded(small, kind):
    first = of_kind(small, kind)[0]
    organization = int(first) if kind == "mark" else organization_of(small, first)
    run = small.run(before={"sync": lambda: small.sandbox.delete_organization(organization)})
    assert ("success", {"confirmed": 5, "superseded": 1}) == (run.state, run.counts())
    verdicts_true(small, run)
    assert ({} if kind == "mark" else {"confirmed": 1}) == next_run_comes_right(small).counts()


def test_an_organization_that_was_made_since_the_plan_is_not_made_again(small):
    first, _ = of_kind(small, "create")
    name = next(row["Name"] for row in small.sandbox.accounts() if row["Id"] == first)
    made = {"name": name, "external_id": first, "notes": "made by a person"}
    run = small.run(before={"sync": lambda: small.sandbox.add_organizations([made])})
    assert ("success", {"confirmed": 5, "superseded": 1}) == (run.state, run.counts())
    verdicts_true(small, run)
    assert {"confirmed": 1} == next_run_comes_right(small).counts()
    (organization,) = small.sandbox.organizations(external_id=first)
    assert "made by a person" == organization["notes"]


def test_a_name_that_was_taken_since_the_plan_rejects_the_create_and_is_a_problem_of_the_next_run(small):
    first, _ = of_kind(small, "create")
    name = next(row["Name"] for row in small.sandbox.accounts() if row["Id"] == first)
    run = small.run(before={"sync": lambda: small.sandbox.add_organizations([{"name": name.upper()}])})
    assert ("failed", {"confirmed": 5, "rejected": 1}) == (run.state, run.counts())
    assert "has already been taken" in next(row.vendor_words for row in run.verdicts if row.vendor_words)
    verdicts_true(small, run)
    following = small.run()
    assert ("success", "skipped") == (following.state, following.tasks["sync"])
    assert ["name_taken"] == [problem.kind for problem in following.record.plan.problems]


# -- clearing -----------------------------------------------------------------------------------------------


def test_clearing_any_task_of_a_run_that_is_done_writes_nothing(small):
    run = small.run()
    for tasks in (["sync"], ["compare", "sync"], ["gather_accounts", "gather_organizations", "compare", "sync"]):
        run = small.clear(run, *tasks)
        assert ("success", []) == (run.state, run.failures)
        assert ALL == len(small.writes())
        assert [] == small.open_jobs()
    assert {"removed"} == {run.tasks[name] for name in ("create 1-2", "update 1-2", "mark 1-2")}, run.tasks


def test_compare_cleared_on_snapshots_that_are_older_than_another_run_writes_nothing(small):
    older = small.run(dry_run=False)
    (first, _), owner = of_kind(small, "update"), "The Newest Owner"
    small.sandbox.put_account(Id=first, Account_Owner_Calc__c=owner)
    assert {"confirmed": 1} == small.run().counts()
    writes = len(small.writes())
    again = small.clear(older, "compare", "sync")
    assert ("success", {"superseded": ALL}) == (again.state, again.counts())
    assert writes == len(small.writes())
    assert owner == small.sandbox.organization(organization_of(small, first))["organization_fields"]["account_owner"]
    assert "skipped" == next_run_comes_right(small).tasks["sync"]

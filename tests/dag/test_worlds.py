"""The real DAG through worlds, params and configs: what is written, what is held back, what stops a run before that."""

from __future__ import annotations

import os

import pytest

from partner_sync.archive.snapshot_store import saved_organizations
from partner_sync.errors import ConfigError, PermanentError, RejectedError, SchemaError, SnapshotError
from partner_sync.sandbox import Sandbox, large_world


def kinds(run):
    """How many changes of each kind a plan has."""
    changes = run.plan.changes if run.plan else ()
    return {kind: sum(change.kind == kind for change in changes) for kind in ("create", "update", "mark")}


def nothing_submitted(stage):
    return [] == stage.submits() and [] == stage.writes()


# -- params -------------------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_plan_and_writes_nothing(small):
    run = small.run(dry_run=True)
    assert ("success", "skipped") == (run.state, run.tasks["sync"])
    assert {"create": 2, "update": 2, "mark": 2} == kinds(run)
    assert run.record.plan.dry_run
    assert nothing_submitted(small)
    assert small.archive.latest("global") is None
    assert {"confirmed": 6} == small.run().counts()


def test_account_ids_narrow_what_is_written_marks_included_and_never_the_reads(small):
    planned = small.run(dry_run=True)
    create, mark = (next(one for one in planned.plan.changes if one.kind == kind) for kind in ("create", "mark"))
    run = small.run(account_ids=[create.account_id[:15], mark.account_id])
    assert ("success", {"confirmed": 2}) == (run.state, run.counts())
    assert {"create": 1, "update": 0, "mark": 1} == kinds(run)
    assert planned.record.plan.counts["organizations"] == run.record.plan.counts["organizations"]
    assert {"confirmed": 4} == small.run().counts()


def test_an_asked_account_that_nobody_has_is_a_problem_and_the_run_goes_on(small):
    run = small.run(account_ids=["0014M00001AbcdeQAB"])
    assert "success" == run.state
    assert "account_id_unknown" in [problem.kind for problem in run.record.plan.problems]
    assert nothing_submitted(small)


@pytest.mark.parametrize(
    ("conf", "named"),
    [({"account_ids": ["0014M00001AbcdeZZZ"]}, "Account ID 1")],
    ids=["a wrong checksum"],
)
def test_a_wrong_param_stops_the_run_before_anything_is_read(small, conf, named):
    run = small.run(**conf)
    assert ("failed", 1) == (run.state, run.tries["gather_accounts"])
    (error,) = run.errors("gather_accounts")
    assert ConfigError is type(error)
    assert named in str(error)
    assert [] == [call for call in small.sandbox.calls() if call["system"] == "salesforce"]
    assert nothing_submitted(small)


@pytest.mark.parametrize(
    "conf",
    [{"dry_run": "yes"}, {"account_ids": ["short"]}, {"approve": ["all of them"]}, {"approve": 3}],
)
def test_a_param_that_does_not_fit_its_schema_starts_no_task(small, conf):
    with pytest.raises(ValueError, match="Invalid input for param"):
        small.run(**conf)
    assert [] == small.sandbox.calls()


# -- config -------------------------------------------------------------------------------------------------


def test_problems_make_a_run_red_only_if_the_config_says_so_and_healthy_changes_are_written_all_the_same(stage):
    world = stage()
    world.config(lambda text: text.replace('problems = "report"', 'problems = "fail"'))
    run = world.run()
    assert ("failed", "failed", 1) == (run.state, run.tasks["problems"], run.tries["problems"])
    assert {"confirmed": len(run.plan.changes)} == run.counts()
    (error,) = run.errors("sync")
    assert PermanentError is type(error)
    assert f"{len(run.plan.problems)} problems" in str(error)


def test_adoption_is_a_problem_if_the_config_says_so(stage):
    world = stage()
    world.config(lambda text: text.replace('adoption = "update"', 'adoption = "problem"'))
    run = world.run(dry_run=True)
    assert "adoption" in [problem.kind for problem in run.plan.problems]
    assert 0 == run.plan.counts["adopted"]


def test_an_attribute_added_to_the_config_alone_is_selected_checked_compared_and_written(small):
    row = '\n[[attributes]]\nfield = "partner_region"\nfrom = "Region__c"\nrule = "text"\n\n[partners]'
    small.config(lambda text: text.replace("\n[partners]", row, 1))
    refused = small.run()
    assert "partner_region" in str(refused.errors("gather_organizations")[0])
    small.sandbox.put_account_fields(Region__c="string")
    small.sandbox.add_organization_field(key="partner_region", type="text")
    for account in small.sandbox.accounts():
        small.sandbox.put_account(Id=account["Id"], Region__c=" EMEA ")
    run = small.run()
    assert "success" == run.state
    alive = [one for one in small.sandbox.organizations() if not one["organization_fields"]["mark_for_deletion"]]
    partners = [one for one in alive if str(one["organization_fields"]["account_type"]).endswith("_partner")]
    assert {"EMEA"} == {one["organization_fields"]["partner_region"] for one in partners}
    assert "skipped" == small.run().tasks["sync"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda sandbox: sandbox.delete_organization_field("support_hold"), "support_hold"),
        (lambda sandbox: sandbox.change_organization_field("support_hold", active=False), "support_hold"),
        (lambda sandbox: sandbox.change_organization_field("account_type", options=["open_partner"]), "select_partner"),
    ],
    ids=["missing", "inactive", "an option less"],
)
def test_fields_that_are_not_what_the_mapping_needs_stop_the_run_before_any_write(small, change, named):
    change(small.sandbox)
    run = small.run()
    assert ("failed", 1) == (run.state, run.tries["gather_organizations"])
    (error,) = run.errors("gather_organizations")
    assert SchemaError is type(error)
    assert named in str(error)
    assert nothing_submitted(small)


def test_all_errors_of_the_config_are_named_at_once_before_anything_is_read(small):
    small.config(lambda text: text.replace('rule = "id_18"', 'rule = "id18"').replace("floor = 10", "flor = 10"))
    run = small.run()
    assert ("failed", 1) == (run.state, run.tries["gather_accounts"])
    (error,) = run.errors("gather_accounts")
    assert ConfigError is type(error)
    assert 'attribute "salesforce_id", rule is' in str(error)
    assert "limits.mark.flor" in str(error)
    assert [] == small.sandbox.calls()


@pytest.mark.parametrize("text", ["", "problems = ", None], ids=["empty", "broken", "missing"])
def test_a_config_that_cannot_be_read_is_named_before_anything_is_read(small, text):
    small.config(lambda shipped: text or "")
    if text is None:
        (small.folder / "partner_sync.toml").unlink()
    run = small.run()
    assert ("failed", 1) == (run.state, run.tries["gather_organizations"])
    assert {ConfigError} == {type(error) for _, error in run.failures}
    assert all("partner_sync.toml" in str(error) for _, error in run.failures)
    assert [] == small.sandbox.calls()


# -- instances and sizes ------------------------------------------------------------------------------------


def test_an_instance_that_may_not_be_written_is_read_and_reported_and_gets_not_a_single_write(small):
    second = (
        '[[instances]]\nname = "us_government"\nconnection = "zendesk_us_government"\nwrite = false\n\n[[attributes]]'
    )
    small.config(lambda text: text.replace("[[attributes]]", second, 1))
    with Sandbox(world=large_world(accounts=6, organizations=12, creates=1, updates=3)) as other:
        small.connections["zendesk_us_government"] = other.connections()["zendesk"]
        run = small.run()
        assert ("success", {"confirmed": 6}) == (run.state, run.counts())
        assert 12 == run.record.plan.counts["us_government.organizations"]
        assert 3 <= run.record.plan.counts["us_government.would_update"]
        assert {"GET"} == {call["method"] for call in other.calls() if not call["path"].startswith("/oauth")}
        assert [] == other.writes()


def test_two_instances_are_written_each_by_jobs_of_its_own(small):
    second = (
        '[[instances]]\nname = "us_government"\nconnection = "zendesk_us_government"\nwrite = true\n\n[[attributes]]'
    )
    small.config(lambda text: text.replace("[[attributes]]", second, 1))
    world = large_world(accounts=6, organizations=12, creates=2, updates=2, marks=2)
    with Sandbox(world=world, job_seconds=0.05) as other:
        small.connections["zendesk_us_government"] = other.connections()["zendesk"]
        run = small.run()
        assert ("success", {"confirmed": 12}) == (run.state, run.counts())
        assert {"global create 1-2", "us_government mark 1-2"} <= run.tasks.keys()
        for name, sandbox in (("global", small.sandbox), ("us_government", other)):
            assert 6 == len(sandbox.writes())
            assert {job["id"] for job in sandbox.jobs()} == {row.job_id for row in run.verdicts if row.instance == name}
            assert [] == small.archive.open_jobs(name)
        assert "skipped" == small.run().tasks["sync"]


def test_two_instances_on_one_host_are_refused_before_an_organization_is_read(small):
    second = '[[instances]]\nname = "emea"\nconnection = "zendesk_emea"\nwrite = true\n\n[[attributes]]'
    small.config(lambda text: text.replace("[[attributes]]", second, 1))
    small.connections["zendesk_emea"] = small.connections["zendesk_default"]
    run = small.run()
    (error,) = run.errors("gather_organizations")
    assert (1, ConfigError) == (run.tries["gather_organizations"], type(error))
    assert "leads to the same Zendesk host as 'zendesk_default' of global" in str(error)
    assert {call["system"] for call in small.sandbox.calls()} <= {"salesforce"}


def test_an_instance_that_does_not_show_its_jobs_is_not_written_and_says_what_to_grant(small):
    small.sandbox.fault("forbidden", path="*/job_statuses*", times=None)
    run = small.run()
    (error,) = run.errors("gather_organizations")
    assert (1, RejectedError, 403) == (run.tries["gather_organizations"], type(error), error.status)
    assert "a role that may see job statuses" in str(error)
    assert nothing_submitted(small)
    assert [] == small.open_jobs()
    small.sandbox.remove_faults()
    assert ("success", {"confirmed": 6}) == ((after := small.run()).state, after.counts())


def test_both_snapshots_are_archived_whatever_the_run_writes(small):
    small.run(dry_run=True)
    before = {path.name for path in (small.archive.root / "snapshots").iterdir()}
    small.run(dry_run=True)
    assert before == {path.name for path in (small.archive.root / "snapshots").iterdir()}
    assert 2 == len(before)
    listed = {row["id"] for row in small.sandbox.organizations()}
    kept = [path.name.removesuffix(".json.gz") for path in (small.archive.root / "snapshots").iterdir()]
    found = [ids for digest in kept if (ids := organization_ids(small, digest))]
    assert [listed] == found


def organization_ids(stage, digest):
    """The ids in a snapshot; none for one of accounts."""
    try:
        return {one.id for one in saved_organizations(stage.archive.root, digest)}
    except SnapshotError:
        return set()


def test_more_than_100_changes_of_a_kind_are_written_in_batches_of_100(stage):
    many = stage(large_world(accounts=260, organizations=400, creates=30, updates=205))
    run = many.run()
    assert "success" == run.state
    assert {"create 1-30", "update 1-100", "update 101-200", "update 201-205"} == {
        name for name in run.tasks if name.startswith(("create", "update"))
    }
    assert ({"confirmed": 235}, 235, 4) == (run.counts(), len(many.writes()), len(many.submits()))
    calls = [call for call in many.sandbox.calls() if call["system"] == "zendesk" and "/api/" in call["path"]]
    listing = sum(call["path"].endswith(("/organizations", "/count", "/organization_fields")) for call in calls)
    assert listing <= 400 / 100 + 4
    many.in_sync()


def test_a_plan_with_more_batches_than_airflow_maps_fails_with_what_to_set(small, restored):
    restored["AIRFLOW__CORE__MAX_MAP_LENGTH"] = "2"
    run = small.run()
    assert ("failed", 1) == (run.state, run.tries["compare"])
    (error,) = run.errors("compare")
    assert ConfigError is type(error)
    assert "AIRFLOW__CORE__MAX_MAP_LENGTH to 3 or more" in str(error)
    assert nothing_submitted(small)
    assert small.archive.latest("global") is None


@pytest.fixture
def restored():
    """The environment, as it was before, afterwards."""
    before = dict(os.environ)
    yield os.environ
    os.environ.clear()
    os.environ.update(before)

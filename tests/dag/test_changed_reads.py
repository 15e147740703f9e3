"""The real DAG over several runs that read what changed: few calls, nothing missed, nothing overwritten."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.sandbox import large_world
from tests.dag.truths import nothing_twice, partners

EXPORT = {"system": "zendesk", "path": "/api/v2/incremental/organizations"}
CALLS = 10
"""The most calls to both systems of a run that finds nothing to do, without tokens."""


@pytest.fixture
def minutes(stage):
    """Partners with two creates and two updates to do, in a Zendesk whose export omits the last minute."""
    world = large_world(accounts=12, organizations=320, creates=2, updates=2)
    return stage(world, zendesk_export_delay_seconds=60)


@pytest.fixture
def hours(stage):
    """The same, with hours between the runs."""
    return stage(large_world(accounts=12, organizations=320, creates=2, updates=2))


def proof(run):
    return run.record.plan.reads[1]


def calls(stage, since):
    return [call for call in stage.sandbox.calls()[since:] if "oauth" not in call["path"]]


def age(stage, **older):
    """The last read, as if it had been so long ago."""
    memory = InstanceMemory(stage.archive.root, "global")
    record = memory.last_read()
    memory.keep_read(replace(record, **{name: getattr(record, name) - by for name, by in older.items()}))


def test_the_third_run_reads_what_changed_in_at_most_10_calls_and_writes_nothing(minutes):
    first, second = minutes.run(), minutes.run()
    before = len(minutes.sandbox.calls())
    third = minutes.run()
    assert [("full", "first"), ("changed", None), ("changed", None)] == [
        (proof(run).kind, proof(run).cause) for run in (first, second, third)
    ]
    assert ({"confirmed": 4}, "skipped", "skipped") == (first.counts(), second.tasks["sync"], third.tasks["sync"])
    made = calls(minutes, before)
    assert len(made) <= CALLS
    assert sum(call["system"] == "zendesk" for call in made) == proof(third).calls <= 7
    assert 4 == len(minutes.writes())


def test_what_the_run_before_wrote_within_the_omitted_minute_is_seen(minutes):
    minutes.run()
    run = minutes.run()
    assert ("changed", "skipped", 322) == (proof(run).kind, run.tasks["sync"], proof(run).read)
    nothing_twice(minutes)


def test_an_edit_within_the_omitted_minute_is_not_overwritten_and_found_later(minutes):
    minutes.run()
    account = partners(minutes)[0]
    number = minutes.sandbox.organizations(salesforce_id=account)[0]["id"]
    minutes.sandbox.put_account(Id=account, Account_Owner_Calc__c="The New Owner")
    minutes.sandbox.edit(number, organization_fields={"account_owner": "A Person"})
    run = minutes.run()
    assert ("changed", {"superseded": 1}) == (proof(run).kind, run.counts())
    owner = minutes.sandbox.organization(number)["organization_fields"]["account_owner"]
    assert "A Person" == owner
    minutes.sandbox.settings(zendesk_export_delay_seconds=0)  # a minute passes
    after = minutes.run()
    (change,) = after.plan.changes
    assert ("changed", {"confirmed": 1}) == (proof(after).kind, after.counts())
    assert [("account_owner", "A Person", "The New Owner")] == [
        (one.field, one.before, one.after) for one in change.fields
    ]


def test_an_organization_that_was_deleted_or_created_by_a_person_is_known_in_the_next_run(hours):
    hours.run()
    gone = next(row for row in hours.sandbox.organizations() if not row["organization_fields"]["salesforce_id"])
    hours.sandbox.delete_organization(gone["id"])
    hours.sandbox.add_organizations([{"name": "Somebody New"}, {"name": "Somebody Else"}])
    run = hours.run()
    assert ("changed", 323, 1) == (proof(run).kind, proof(run).read, proof(run).gone)


# -- when it is a full listing ------------------------------------------------------------------------------


def test_a_day_after_the_last_full_listing_there_is_another(hours):
    hours.run()
    hours.run()
    age(hours, full=timedelta(hours=24), begun=timedelta(hours=1))
    run = hours.run()
    assert ("full", "due", ()) == (proof(run).kind, proof(run).cause, proof(run).differed)
    assert proof(hours.run()).kind == "changed"


def test_a_person_can_ask_for_a_full_listing(hours):
    hours.run()
    run = hours.run(full_read=True)
    assert ("full", "asked") == (proof(run).kind, proof(run).cause)
    assert hours.run(full_read=None).record.plan.reads[1].kind == "changed"


def test_a_changed_definition_of_a_field_and_a_changed_config_need_a_full_listing(hours):
    hours.run()
    hours.sandbox.change_organization_field("support_level", options=["bronze", "gold"])
    assert "rules" == proof(hours.run()).cause
    assert "changed" == proof(hours.run()).kind
    older = 'only_if_older = { field = "expiration_date", years = 3 }'
    hours.config(lambda text: text.replace(f"# {older}", older))
    assert "rules" == proof(hours.run()).cause


@pytest.mark.parametrize("name", ["damaged", "missing"])
def test_without_the_last_snapshot_everything_is_listed_and_the_run_is_green(hours, name):
    digest = proof(hours.run()).snapshot
    path = hours.archive.root / "snapshots" / f"{digest}.json.gz"
    path.unlink() if name == "missing" else path.write_bytes(path.read_bytes()[:-20])
    run = hours.run()
    assert ("success", "full", "snapshot") == (run.state, proof(run).kind, proof(run).cause)
    assert proof(hours.run()).kind == "changed"


def test_a_damaged_record_of_the_last_read_is_replaced_by_the_next(hours):
    hours.run()
    (hours.archive.root / "instances" / "global" / "read.json").write_text("{")
    run = hours.run()
    assert ("success", "first") == (run.state, proof(run).cause)
    assert proof(hours.run()).kind == "changed"


def test_a_refusal_of_the_export_is_remembered_for_a_day(hours):
    hours.run()
    hours.sandbox.fault("forbidden", times=None, **EXPORT)
    runs = [hours.run(), hours.run()]
    asked = sum(call["path"] == EXPORT["path"] for call in hours.sandbox.calls())
    assert [("success", "refused")] * 2 == [(run.state, proof(run).cause) for run in runs]
    assert 1 == asked
    hours.sandbox.remove_faults()
    age(hours, refused=timedelta(hours=24))
    assert proof(hours.run()).kind == "changed"


# -- an export that lies ------------------------------------------------------------------------------------


def test_changes_that_the_export_drops_are_found_by_the_next_full_listing_which_says_so(hours):
    hours.run()
    writes, account = len(hours.writes()), partners(hours)[0]
    number = hours.sandbox.organizations(salesforce_id=account)[0]["id"]
    hours.sandbox.edit(number, organization_fields={"account_owner": "A Person"})
    hour_ago = datetime.now(timezone.utc) - timedelta(hours=1)
    age(hours, begun=timedelta(hours=2))
    new = hours.sandbox.add_organizations([{"name": "Imported", "updated_at": f"{hour_ago:%Y-%m-%dT%H:%M:%SZ}"}])
    hours.sandbox.fault("short_read", drop=1_000, times=None, **EXPORT)
    lying = hours.run()
    assert ("changed", 322, "skipped") == (proof(lying).kind, proof(lying).read, lying.tasks["sync"])
    age(hours, full=timedelta(hours=24))
    day = hours.run()
    assert ("full", "due", tuple(new)) == (proof(day).kind, proof(day).cause, proof(day).differed)
    assert ({"confirmed": 1}, writes + 1) == (day.counts(), len(hours.writes()))


@pytest.mark.parametrize("moving", [True, False])
def test_an_export_that_never_ends_leads_to_a_full_listing(hours, moving):
    hours.run()
    hours.sandbox.fault("endless", moving=moving, times=None)
    run = hours.run()
    assert ("success", "full", "stuck") == (run.state, proof(run).kind, proof(run).cause)


def test_deletes_that_the_export_takes_back_are_found_by_the_count_or_the_full_listing(hours):
    hours.run()
    customers = [row for row in hours.sandbox.organizations() if not row["organization_fields"]["salesforce_id"]]
    hours.sandbox.fault("revived", times=None)
    for row in customers[:3]:
        hours.sandbox.delete_organization(row["id"])
    run = hours.run()
    assert ("changed", 322, "skipped") == (proof(run).kind, proof(run).read, run.tasks["sync"])
    day = hours.run(full_read=True)
    assert (319, 3) == (proof(day).read, proof(day).gone)
    assert tuple(row["id"] for row in customers[:3]) == proof(day).differed
    for row in customers[3:15]:
        hours.sandbox.delete_organization(row["id"])
    assert "count" == proof(hours.run()).cause


# -- what is kept -------------------------------------------------------------------------------------------


def test_the_record_of_the_run_names_its_snapshots_and_reads(hours):
    hours.run()
    plan = hours.run().record.plan
    accounts, organizations = plan.reads
    stored = {path.name.removesuffix(".json.gz") for path in (hours.archive.root / "snapshots").iterdir()}
    assert {accounts.snapshot, organizations.snapshot} <= stored
    assert (None, "full", "global", "changed") == (
        accounts.instance,
        accounts.kind,
        organizations.instance,
        organizations.kind,
    )
    assert abs(accounts.begun - organizations.begun) < timedelta(minutes=1)


def test_a_dry_run_and_a_run_of_some_accounts_read_what_changed_as_well(hours):
    hours.run()
    assert ["changed"] * 2 == [
        proof(run).kind for run in (hours.run(dry_run=True), hours.run(account_ids=[partners(hours)[0]]))
    ]

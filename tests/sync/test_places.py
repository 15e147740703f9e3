"""Slots for jobs in flight: which batch takes a slot, and that an ended job frees it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from partner_sync.archive.archive import Archive
from partner_sync.archive.records import OpenJob
from partner_sync.compare.organization_schema import organization_schema
from partner_sync.config.load import load
from partner_sync.config.settings import Calls
from partner_sync.errors import UnavailableError
from partner_sync.model import Batch, FieldChange, PlanOrder, Update
from partner_sync.sandbox import Sandbox, an_empty_world
from partner_sync.sync.batch import BatchAttempt, Done
from partner_sync.sync.verdicts import OrganizationReader
from partner_sync.sync.waiting import Reschedule
from partner_sync.vendors.transport import Session
from partner_sync.vendors.zendesk_auth import ClientCredentials
from partner_sync.vendors.zendesk_client import Zendesk

CONFIG = load((Path(__file__).parents[2] / "dags" / "partner_sync.toml").read_text(), "partner_sync.toml")
PLACES = 2
ACCOUNT = "0014M00001sDiGEQA0"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(an_empty_world(), job_seconds=0.3) as running:
        running.add_organizations(
            {"name": f"n{number}", "organization_fields": {"salesforce_id": ACCOUNT}} for number in range(PLACES + 1)
        )
        yield running


class Stage:
    """Three batches of one row, places for two jobs, real waits of fractions of a second."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.archive = sandbox, Archive(folder)
        made = datetime.now(timezone.utc)
        self.order = PlanOrder(made, made, "p1")
        self.settings = replace(
            CONFIG.sync, jobs_in_flight=PLACES, poll_seconds=0.05, polling_seconds=0.03, reschedule_seconds=10
        )
        self.calls = Calls()
        self.organizations = sandbox.organizations()
        self.archive.name_latest("global", self.order)

    def batch(self, number: int) -> Batch:
        organization = self.organizations[number]
        field = FieldChange("account_owner", None, "New")
        change = Update("global", ACCOUNT, organization["id"], organization["name"], (field,), "differs")
        name = f"update {number + 1}"
        return Batch(self.order, "r1", "global", "update", name, number, 3, "d", (change,))

    def visit(self, number: int) -> Done | Reschedule:
        extra = self.sandbox.connections()["zendesk"]["extra"]
        with Session("Zendesk", "acme.zendesk.com", Calls(), endpoint_url=extra["endpoint_url"]) as session:
            base = "https://acme.zendesk.com"
            credential = ClientCredentials(session, base, extra["client_id"], extra["client_secret"])
            return BatchAttempt(
                batch=self.batch(number),
                zendesk=Zendesk(session, base, "global", credential),
                archive=self.archive,
                settings=self.settings,
                calls=self.calls,
                reader=OrganizationReader(organization_schema(CONFIG)),
                now=lambda: datetime.now(timezone.utc),
                sleep=time.sleep,
                run_after=self.order.made,
                try_number=1,
                waiting_since=self.order.made,
                owner_gone_after=timedelta(minutes=10),
            ).write()

    def paths(self) -> list[str]:
        return [call["path"].removeprefix("/api/v2/") for call in self.sandbox.calls() if "oauth" not in call["path"]]


@pytest.fixture
def stage(sandbox: Sandbox, tmp_path: Path) -> Stage:
    return Stage(sandbox, tmp_path)


def test_a_visit_without_time_to_wait_submits_and_goes_without_looking(stage):
    assert isinstance(stage.visit(0), Reschedule)
    assert ["organizations/show_many", "job_statuses", "organizations/update_many"] == stage.paths()


def test_only_a_batch_that_finds_no_job_in_the_register_looks_for_the_newest_job_before_its_submit(stage):
    (foreign,) = stage.sandbox.add_jobs(seconds=0)
    stage.visit(0), stage.visit(1)
    assert 1 == stage.paths().count("job_statuses")
    known = {entry.batch: entry.known_job for entry in stage.archive.open_jobs("global")}
    first = next(entry.job_id for entry in stage.archive.open_jobs("global") if entry.batch == "update 1")
    assert {"update 1": foreign, "update 2": first} == known


def test_a_batch_finds_no_place_while_all_jobs_run_and_leaves_no_entry(stage):
    stage.sandbox.settings(job_seconds=60)
    stage.visit(0), stage.visit(1)
    blocked = stage.visit(2)
    assert isinstance(blocked, Reschedule)
    assert "the limit is 2" in blocked.why
    assert {"update 1", "update 2"} == {entry.batch for entry in stage.archive.open_jobs("global")}


def test_a_job_that_has_ended_holds_no_place_although_its_task_has_not_come_back(stage):
    stage.visit(0), stage.visit(1)
    stage.sandbox.end_job(stage.sandbox.jobs()[0]["id"])
    assert "is open" in stage.visit(2).why
    assert "job_statuses/show_many" in stage.paths()
    assert 2 == stage.sandbox.overview()["counts"]["most_jobs_in_flight"]
    time.sleep(0.35)
    assert {"confirmed": 1} == stage.visit(0).counts == stage.visit(1).counts == stage.visit(2).counts


def test_a_job_that_zendesk_does_not_name_and_a_submit_without_answer_hold_their_places(stage):
    now = datetime.now(timezone.utc)
    lost = OpenJob(stage.order, "update 8", "t", "d", "r1", now, now, intended=now)
    stage.archive.write_open_job("global", lost)
    stage.archive.write_open_job("global", replace(lost, batch="update 9", job_id="V3-unknown"))
    assert "the limit is 2" in stage.visit(0).why


def test_a_submit_that_is_asked_to_wait_comes_back_then_and_reads_again_first(stage):
    submit = {"system": "zendesk", "method": "PUT", "path": "*/update_many"}
    stage.sandbox.fault("status", status=429, headers={"Retry-After": "45"}, **submit)
    asked = stage.visit(0)
    assert isinstance(asked, Reschedule)
    assert "answered 429 at PUT /api/v2/organizations/update_many" in asked.why
    assert asked.why.endswith("It asks to wait 45 s")
    assert asked.at - datetime.now(timezone.utc) > timedelta(seconds=30)
    assert [] == stage.archive.open_jobs("global")
    stage.sandbox.edit(stage.organizations[0]["id"], organization_fields={"account_owner": "An agent's"})
    assert {"superseded": 1} == stage.visit(0).counts
    assert [] == stage.sandbox.jobs()


def test_a_lost_answer_is_settled_although_others_always_keep_a_job_running(stage):
    stage.settings = replace(stage.settings, submit_seconds=0.2)
    stage.calls = replace(stage.calls, connect_seconds=0.05, read_seconds=0.05)
    stage.sandbox.fault("reset_after", system="zendesk", method="PUT", path="*/update_many")
    (foreign,) = stage.sandbox.add_jobs(seconds=60)
    assert "the response to the submit was lost" in stage.visit(0).why
    time.sleep(0.35)
    assert "(response lost) is open" in stage.visit(0).why
    stage.sandbox.add_jobs(seconds=60)
    assert "(response lost) is open" in stage.visit(0).why
    stage.sandbox.end_job(foreign)
    assert {"confirmed": 1} == stage.visit(0).counts
    assert 1 == len([write for write in stage.sandbox.writes() if write["by"] == "job"])
    assert ["latest"] == [path.parent.name for path in stage.archive.root.glob("instances/*/*/*") if path.is_file()]


def test_a_true_verdict_stays_when_only_the_end_of_its_entry_failed(stage):
    stage.visit(0)
    (entry,) = stage.archive.open_jobs("global")
    time.sleep(0.35)
    assert {"confirmed": 1} == stage.visit(0).counts
    stage.archive.write_open_job("global", entry)
    stage.sandbox.fault("status", status=500, path="*/job_statuses/*", times=None)
    with pytest.raises(UnavailableError):
        stage.visit(0)
    (row,) = stage.archive.verdicts(stage.archive.run_folder("r1", stage.order.made), "p1")
    assert "confirmed" == row.verdict


def test_batches_without_a_place_come_back_in_waves(stage):
    stage.sandbox.settings(job_seconds=60)
    stage.visit(0), stage.visit(1)
    made = stage.order.made
    later = replace(stage.batch(2), index=7)
    stage.batch = lambda number: later
    assert made + timedelta(seconds=30) == stage.visit(2).at

"""The stack by itself, and the ways to begin a run: by the schedule, by hand, with each param, by a backfill, again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from html import escape
from typing import Any

import pytest
import requests

from partner_sync.archive.records import RowVerdict
from partner_sync.model import Plan
from tests.production import verdicts, world
from tests.production.airflow_api import now, wait_until
from tests.production.stack import Stack
from tests.production.trial import BATCHES, Outcome
from tests.webhook import Webhook, serving

pytestmark = pytest.mark.production

HOUR = timedelta(hours=1)
UPDATES = "*organizations/update_many"


@dataclass(frozen=True)
class Run:
    """What came of one run, and how many organizations it wrote, by action."""

    id: str
    state: str
    tasks: list[dict[str, Any]]
    plan: Plan | None
    verdicts: list[RowVerdict]
    writes: list[dict[str, Any]]

    def failed(self) -> list[str]:
        return [task["rendered_map_index"] for task in self.tasks if task["state"] == "failed"]

    def verdict_counts(self) -> dict[tuple[str, str], int]:
        return dict(Counter((row.kind, row.verdict) for row in self.verdicts))


def finished(stack: Stack, run_id: str, writes: int) -> Run:
    state = stack.api.wait(run_id)
    plan, rows = verdicts.newest(stack, run_id)
    return Run(run_id, state, stack.api.tasks(run_id), plan, rows, stack.control.writes(writes))


def run(stack: Stack, logical_date: datetime | None = None, **conf: Any) -> Run:
    writes = len(stack.control.writes())
    return finished(stack, stack.api.trigger(logical_date, **conf), writes)


def withheld_task(one: Run) -> dict[str, Any]:
    return next(task for task in one.tasks if task["rendered_map_index"] == "withheld")


@pytest.fixture(scope="module")
def small(stack: Stack, undisturbed: Outcome) -> Stack:
    """A world of 3 creates, 4 updates, and 20 marks, which are more than their limit allows."""
    numbers = {"accounts": 60, "organizations": 200, "creates": 3, "updates": 4, "marks": 20}
    stack.new_world(world="large", seed=50, **numbers)
    stack.control.settings(job_seconds=0.2)
    return stack


@pytest.fixture(scope="module")
def dry(small: Stack) -> Run:
    return run(small, now().replace(microsecond=0), dry_run=True)


@pytest.fixture(scope="module")
def of_two_accounts(small: Stack, dry: Run) -> Run:
    """A run without a logical date."""
    return run(small, account_ids=small.control.cases()["update_owner"][:2])


@pytest.fixture(scope="module")
def team(small: Stack) -> Iterator[Webhook]:
    """Where the team reads, by a Connection that is made in Airflow."""
    with serving(Webhook()) as webhook:
        made = json.loads(webhook.connection)
        small.api.connect("partner_sync_apprise", made["conn_type"], made["extra"])
        yield webhook
        small.api.disconnect("partner_sync_apprise")


@pytest.fixture(scope="module")
def over_limit(small: Stack, of_two_accounts: Run, team: Webhook) -> Run:
    """A run with marks over the limit, of which Zendesk refuses one update as well."""
    small.control.fault("fail_rows", path=UPDATES, rows=[1], error="RecordInvalid", details="Held by somebody")
    return run(small)


@pytest.fixture(scope="module")
def tried_again(small: Stack, over_limit: Run) -> Run:
    """The same run, of which the failed mapped task of updates was cleared."""
    writes = len(small.control.writes())
    index = next(task["map_index"] for task in over_limit.tasks if task["rendered_map_index"] == "update 1-2")
    small.api.clear(over_limit.id, ["sync", index])
    return finished(small, over_limit.id, writes)


@pytest.fixture(scope="module")
def approved(small: Stack, over_limit: Run, tried_again: Run) -> Run:
    """The run in which somebody approves what the earlier one had on hold."""
    (hold,) = over_limit.plan.holds
    return run(small, approve=[hold.id])


@pytest.fixture(scope="module")
def backfilled(small: Stack, approved: Run) -> list[Run]:
    """Three intervals, two at once, and a run by hand beside them, over five new owners."""
    rows = small.control.accounts()[:5]
    small.control.put_accounts({"Id": row["Id"], "Account_Owner_Calc__c": "Somebody New"} for row in rows)
    writes, first = len(small.control.writes()), datetime(2026, 1, 5, tzinfo=timezone.utc)
    small.api.backfill(first, first + 2 * HOUR, runs_at_once=2)
    beside = small.api.trigger()
    backfill = wait_until(lambda: small.api.backfilled(first, first + 2 * HOUR), 60, "the backfill has runs")
    return [finished(small, each, writes) for each in [*backfill, beside]]


def test_every_health_check_of_the_file_passes(stack):
    assert [] == [name for name in stack.processes if not stack.healthy(name)]


def test_a_scheduled_run_brings_everything_in_sync_on_both_workers(stack, undisturbed):
    assert (("success",), [], []) == (undisturbed.states, undisturbed.wrong, undisturbed.untrue)
    (run_id,) = stack.api.scheduled()
    tasks = stack.api.tasks(run_id)
    assert {"success": BATCHES + 3} == Counter(task["state"] for task in tasks)


def test_both_workers_execute_tasks(stack, undisturbed):
    logs = [(stack.folder / "logs" / f"worker-{number}.log").read_text() for number in (1, 2)]
    assert all("execute_workload" in log for log in logs)


def test_a_dry_run_with_a_logical_date_writes_nothing_and_archives_the_plan(dry):
    assert ("success", []) == (dry.state, dry.writes)
    assert (True, {"create": 3, "update": 4}) == (dry.plan.dry_run, Counter(change.kind for change in dry.plan.changes))


def test_a_run_of_some_accounts_without_a_logical_date_writes_only_these(small, of_two_accounts):
    assert "success" == of_two_accounts.state
    wanted = set(small.control.cases()["update_owner"][:2])
    assert wanted == {row.account_id for row in of_two_accounts.verdicts}
    assert 2 == len(of_two_accounts.writes)


def test_withheld_and_rejected_changes_make_the_run_red_and_say_why(small, over_limit):
    assert ("failed", {"withheld", "update 1-2"}) == (over_limit.state, set(over_limit.failed()))
    task = withheld_task(over_limit)
    said = small.api.log(over_limit.id, "sync", task["try_number"], task["map_index"])
    (hold,) = over_limit.plan.holds
    assert "20 marks in global" in said
    assert hold.id in said
    assert {("create", "confirmed"): 3, ("update", "confirmed"): 1, ("update", "rejected"): 1} == (
        over_limit.verdict_counts()
    )


def test_a_retry_of_one_mapped_task_writes_only_the_remaining_rows(tried_again):
    assert ["withheld"] == tried_again.failed()
    assert {("create", "confirmed"): 3, ("update", "confirmed"): 2} == tried_again.verdict_counts()
    assert 1 == len(tried_again.writes)


def test_a_run_that_approves_a_hold_writes_its_rows(small, approved):
    assert ("success", {("mark", "confirmed"): 20}) == (approved.state, approved.verdict_counts())
    assert (20, []) == (len(approved.writes), world.wrong(small.control))


def test_the_team_is_notified_once_of_each_cause_and_once_of_its_end(approved, team):
    wait_until(lambda: len(team.titles) > 2, 60, "the team is notified that everything is over")
    assert [
        "Partner Sync: changes are held for review; rows are rejected or unknown",
        "Partner Sync: recovered in part, still open: changes are held for review",
        "Partner Sync: recovered",
    ] == team.titles
    assert "Verdicts: 4 confirmed, 1 rejected" in team.got[0]["message"]


def test_a_backfill_of_three_intervals_beside_another_run_writes_current_data_once(small, backfilled):
    assert ["success"] * 4 == [one.state for one in backfilled]
    assert (5, 0, []) == (len(backfilled[-1].writes), world.written_twice(small.control), world.wrong(small.control))
    assert [] == verdicts.untrue(small, *[one.id for one in backfilled], all_reported=False)


def test_the_page_shows_the_run_from_the_archive_in_s3(stack, undisturbed):
    (run_id,) = stack.api.scheduled()
    names = [escape(change.name) for change in verdicts.newest(stack, run_id)[0].changes]

    def shown() -> bool:
        try:
            page = stack.api.request("GET", "/partner-sync/run", dag="partner_sync", run=run_id)
        except requests.HTTPError:
            return False  # it is reading the archive
        return any(name in page for name in names)

    wait_until(shown, 120, "the page shows changes of the run")


def test_metrics_arrive_by_statsd(stack, undisturbed):
    ours = {name.removeprefix("airflow.partner_sync.") for name in stack.metrics.names if ".partner_sync." in name}
    assert {"planned", "confirmed", "calls", "seconds"} <= {name.split(".")[0] for name in ours}

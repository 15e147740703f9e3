"""What tasks hand on to each other when it no longer fits: reads from days ago, a config that was edited in between."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from partner_sync.errors import CLEAR_BOTH, SnapshotError
from tests.dag.stage import ALL

OWNER = """[[attributes]]
field = "account_owner"
from = "Account_Owner_Calc__c"
rule = "text"
"""


def objects(task_id: str) -> list[Path]:
    """Files of the XCom objects that a task has left in the newest run."""
    folder = Path(os.environ["AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH"].removeprefix("file://"))
    paths = [path for path in folder.rglob("*") if path.is_file() and task_id in path.parts]
    newest = max(path.parts[len(folder.parts) + 1] for path in paths)
    return [path for path in paths if newest in path.parts]


def aged(task_id: str, hours: float) -> None:
    """The snapshot of a task as if it had been begun so long ago."""
    (path,) = objects(task_id)
    text = path.read_text()
    outer = json.loads(text)
    inner = json.loads(outer["json"])
    inner["begun"] = (datetime.fromisoformat(inner["begun"]) - timedelta(hours=hours)).isoformat()
    path.write_text(json.dumps({**outer, "json": json.dumps(inner)}))


@pytest.mark.parametrize("gathered", ["gather_accounts", "gather_organizations"])
def test_a_read_that_is_older_than_a_plan_may_be_is_not_compared_and_clearing_both_mends_the_run(small, gathered):
    run = small.run(before={"compare": lambda: aged(gathered, 6.2)})
    assert ("failed", 1) == (run.state, run.tries["compare"])
    (error,) = run.errors("compare")
    assert SnapshotError is type(error)
    assert f"The snapshot of {gathered} is 6.2 h old" in str(error)
    assert CLEAR_BOTH in str(error)
    assert ([], None) == (small.submits(), run.record)
    mended = small.clear(run, "gather_accounts", "gather_organizations", "compare", "sync")
    assert ("success", {"confirmed": ALL}) == (mended.state, mended.counts())


@pytest.mark.parametrize("gathered", ["gather_accounts", "gather_organizations"])
def test_reads_of_two_times_are_not_compared_and_a_read_begun_in_time_mends_the_run(small, gathered):
    run = small.run(before={"compare": lambda: aged(gathered, 0.6)})
    assert ("failed", 1) == (run.state, run.tries["compare"])
    (error,) = run.errors("compare")
    assert SnapshotError is type(error)
    assert f"{gathered} was begun 36 minutes before the other one; the limit is 30 minutes. {CLEAR_BOTH}" in str(error)
    assert ([], None) == (small.submits(), run.record)
    mended = small.clear(run, gathered, "compare", "sync")
    assert ("success", {"confirmed": ALL}) == (mended.state, mended.counts())


def test_organizations_that_are_read_again_alone_hours_later_are_not_compared_with_the_old_accounts(small):
    run = small.run()
    sent = len(small.submits())
    aged("gather_accounts", 5)
    cleared = small.clear(run, "gather_organizations", "compare", "sync")
    assert ("failed", "success") == (cleared.state, cleared.tasks["gather_organizations"])
    (error,) = cleared.errors("compare")
    assert SnapshotError is type(error)
    assert "gather_accounts was begun 30" in str(error)  # and a minute more, on a slow machine
    assert CLEAR_BOTH in str(error)
    assert sent == len(small.submits())


def test_a_change_of_a_field_that_left_the_config_after_compare_is_not_written_and_says_which_task_to_clear(small):
    def leave_the_owner_alone() -> None:
        small.config(lambda text: text.replace(OWNER, ""))

    run = small.run(before={"sync": leave_the_owner_alone})
    assert ("failed", {"confirmed": 2}) == (run.state, run.counts())
    errors = run.errors("sync")
    assert [SnapshotError, SnapshotError] == [type(error) for error in errors]
    assert all("no longer in the config: account_owner. Clear compare with downstream" in str(e) for e in errors)
    assert (1, []) == (len(small.submits()), small.open_jobs())

"""`python -m partner_sync.decisions`: what is in force, by whom, until when, and how to withdraw it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.archive.archive import Archive
from partner_sync.archive.decision_store import Decisions
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.memory_records import Decision, HoldRow, Memory, Streak, Taken, Withdrawal
from partner_sync.archive.records import RunRecord, Trigger
from partner_sync.cli.show_decisions import main
from partner_sync.model import Plan, PlanOrder, Problem

NOW = datetime.now(timezone.utc).replace(microsecond=0)
AT = NOW - timedelta(hours=2)
ROWS = tuple(HoldRow(f"0014M00001Abc0{number}AAA", 100 + number, (f"k{number}",)) for number in (1, 2))
ALLOW = Decision(
    id="a11000000001",
    does="allow",
    instance="global",
    rows=ROWS,
    by="ada",
    run_id="run 1",
    note="<b>seen</b> [red]",
    at=AT,
    until=NOW + timedelta(hours=22),
    hold="3f2a91c0de12",
    kind="mark",
    reason="limit",
)
LEAVE = replace(ALLOW, id="1ea000000001", does="leave", at=AT + timedelta(minutes=1), until=None, note="")
PROBLEM = replace(LEAVE, id="1ea000000002", rows=(), hold=None, problem="c0ffee000001", at=AT + timedelta(minutes=2))
UNDO = replace(
    ALLOW, id="0d0000000001", does="restore", hold=None, undoes="manual__1", at=AT + timedelta(minutes=3), note=""
)
ROW = "4e5700000001"


@pytest.fixture
def archive(tmp_path):
    """One decision of each kind, two that are over, and a row that rests."""
    found = Archive(tmp_path / "archive")
    decisions = Decisions(found.root, "global")
    for one in (ALLOW, LEAVE, PROBLEM, UNDO):
        decisions.record(one)
    decisions.take([Taken(ALLOW.id, "plan", "mark 1-2", "t1", ("k1",))])
    decisions.record(replace(ALLOW, id="e0d000000001", until=AT))
    decisions.record(replace(LEAVE, id="e0d000000002"))
    decisions.withdraw("e0d000000002", Withdrawal("bob", AT, "run 2"))
    order = PlanOrder(AT, AT, "plan")
    streak = Streak("k9", 3, AT - timedelta(hours=9), AT, ROW, "0014M00001Abc09AAA", 109, "account_owner", "A", "B")
    InstanceMemory(found.root, "global").remember(Memory(order, "global", "run 3", AT, streaks=(streak,)))
    problem = Problem("resting", "global", (streak.account_id,), (109,), "does not keep it", "advice", ROW)
    plan = Plan(order, "run 3", False, "", (), {}, (), (), (problem,))
    found.write_run(RunRecord(Trigger("partner_sync", "run 3", "scheduled", None, None, AT, {}), {}, plan))
    return found


def show(archive, *arguments):
    out, err = io.StringIO(), io.StringIO()
    code = main(["--archive", str(archive.root), *arguments], {"COLUMNS": "120"}, out, err)
    return code, out.getvalue(), err.getvalue()


def test_everything_in_force_is_listed_with_by_whom_until_when_and_the_note(archive):
    code, said, _ = show(archive)
    assert code == 0
    assert f"{ALLOW.id}  1 row of 2 approved in global, hold 3f2a91c0de12\n" in said
    assert f"by ada, {AT:%Y-%m-%d %H:%M} UTC (2 hours ago), until {ALLOW.until:%Y-%m-%d %H:%M} UTC\n" in said
    assert "<b>seen</b> [red]\n" in said
    assert f"{LEAVE.id}  2 rows left as they are in global" in said
    assert "until nothing wants it any more\n" in said
    assert f"{PROBLEM.id}  1 row left as they are in global, hold or problem c0ffee000001\n" in said
    assert f"{UNDO.id}  2 rows undone in global, run manual__1\n" in said
    assert f"{ROW}  1 row rests in global, field account_owner\n" in said
    assert f"""To withdraw one: CONF='{{"withdraw": ["{ALLOW.id}"]}}' make run""" in said
    assert "e0d0" not in said


def test_programs_get_the_same_as_json(archive):
    _, said, _ = show(archive, "--json")
    assert [(one["id"], one["does"], one["rows"], one["of"]) for one in json.loads(said)] == [
        (ALLOW.id, "allow", 1, 2),
        (LEAVE.id, "leave", 2, 2),
        (PROBLEM.id, "leave", 1, 1),
        (UNDO.id, "restore", 2, 2),
        (ROW, "rest", 1, 1),
    ]


def test_a_row_that_was_released_since_is_not_listed(archive):
    Decisions(archive.root, "global").withdraw(ROW, Withdrawal("bob", NOW, "run 4"))
    assert ROW not in show(archive)[1]


def test_without_anything_in_force_it_says_so(tmp_path):
    code, said, _ = show(Archive(tmp_path))
    assert (code, said) == (0, "Nothing is in force: no approval, nothing left or undone, and nothing rests.\n")


def test_a_damaged_decision_is_named(archive):
    (archive.root / "instances" / "global" / "decisions" / f"{ALLOW.id}.json").write_text("{")
    code, said, wrong = show(archive)
    assert (code, said) == (2, "")
    assert f"{ALLOW.id}.json is not a Decision" in " ".join(wrong.split())


def test_the_command_runs(archive):
    command = [sys.executable, "-m", "partner_sync.decisions", "--archive", str(archive.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ALLOW.id in done.stdout

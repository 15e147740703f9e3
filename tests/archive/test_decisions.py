"""The decisions of an instance in the archive, and which of them are in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.archive.decisions import Decisions
from partner_sync.archive.memory_records import Decision, HoldRow, Taken, Withdrawal
from partner_sync.errors import SnapshotError

AT = datetime(2026, 11, 24, 3, tzinfo=timezone.utc)
LATER = AT + timedelta(minutes=5)
ALLOW = Decision(
    id="d1",
    does="allow",
    instance="global",
    rows=(HoldRow("0014M00001Abc01AAA", 101, ("k1",)), HoldRow("0014M00001Abc02AAA", 102, ("k2",))),
    by="ada",
    run_id="run 1",
    note="",
    at=AT,
    until=AT + timedelta(hours=24),
    hold="h1",
    kind="mark",
    reason="limit",
)
TAKEN = Taken("d1", "plan", "mark 1-2", "t1", ("k1",))


@pytest.fixture
def decisions(tmp_path):
    return Decisions(tmp_path, "global")


def approvals(decisions, *keys, now=LATER, people=1, **more):
    return set(decisions.read().approvals(keys, now, people=people, **more))


def test_an_approval_covers_the_rows_that_it_names_and_no_other(decisions):
    decisions.record(ALLOW)
    assert approvals(decisions, "k1") == {"d1"}
    assert approvals(decisions, "k3") == set()


def test_a_row_with_a_field_that_was_not_approved_is_not_covered(decisions):
    decisions.record(ALLOW)
    assert approvals(decisions, "k1", "k3") == set()


def test_an_approval_ends_by_itself(decisions):
    decisions.record(ALLOW)
    assert approvals(decisions, "k1", now=ALLOW.until) == {"d1"}
    assert approvals(decisions, "k1", now=ALLOW.until + timedelta(seconds=1)) == set()


def test_a_withdrawn_approval_is_not_in_force(decisions):
    decisions.record(ALLOW)
    decisions.withdraw("d1", Withdrawal("bob", LATER, "run 2"))
    assert approvals(decisions, "k1") == set()


def test_recording_a_decision_again_does_not_revive_it(decisions):
    decisions.record(ALLOW)
    decisions.withdraw("d1", Withdrawal("bob", LATER, "run 2"))
    decisions.take([replace(TAKEN, keys=("k2",))])
    decisions.record(ALLOW)
    assert approvals(decisions, "k1") == approvals(decisions, "k2") == set()


def test_a_submit_spends_an_approval_of_its_rows_for_every_other_claim(decisions):
    decisions.record(ALLOW)
    decisions.take([TAKEN])
    assert approvals(decisions, "k1") == approvals(decisions, "k1", token="t2") == set()
    assert approvals(decisions, "k1", token="t1") == {"d1"}
    assert approvals(decisions, "k2") == {"d1"}


def test_a_claim_that_sent_nothing_gives_its_approval_back(decisions):
    decisions.record(ALLOW)
    other = replace(TAKEN, token="t2", keys=("k2",))
    decisions.take([TAKEN, other])
    decisions.give_back([TAKEN])
    assert approvals(decisions, "k1") == {"d1"}
    assert approvals(decisions, "k2") == set()


def test_an_approval_lifts_every_count_and_the_reason_of_its_own_hold_only(decisions):
    decisions.record(ALLOW)
    decisions.record(replace(ALLOW, id="d2", reason="no_trace", rows=(HoldRow("0014M00001Abc09AAA", 109, ("k9",)),)))
    assert approvals(decisions, "k1", lifts="budget") == {"d1"}
    assert approvals(decisions, "k1", lifts="no_trace") == set()
    assert approvals(decisions, "k9", lifts="no_trace") == approvals(decisions, "k9", lifts="limit") == {"d2"}
    assert approvals(decisions, "k9", lifts="open_tickets") == set()


def test_two_people_must_approve_where_the_config_asks_for_two(decisions):
    decisions.record(ALLOW)
    decisions.record(replace(ALLOW, id="d2"))
    assert approvals(decisions, "k1", people=2) == set()
    decisions.record(replace(ALLOW, id="d3", by="bob"))
    assert approvals(decisions, "k1", people=2) == {"d1", "d2", "d3"}


def test_a_damaged_decision_is_an_error_that_names_it(decisions, tmp_path):
    decisions.record(ALLOW)
    path = tmp_path / "instances" / "global" / "decisions" / "d1.json"
    path.write_text("{")
    with pytest.raises(SnapshotError, match=r"d1\.json"):
        decisions.read()

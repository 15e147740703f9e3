"""The decisions of an instance in the archive, and which of them are in force."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.archive import codec
from partner_sync.archive.decision_store import Decisions
from partner_sync.archive.memory_records import Decision, EndedKeys, HoldRow, Streak, Taken, Withdrawal, WrittenField
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


# -- leaves, restores, and what ends -------------------------------------------------------------------------

LEAVE = replace(ALLOW, id="l1", does="leave", at=LATER, until=None)
WRITTEN = WrittenField("0014M00001Abc01AAA", 101, "owner", "A", "B", "k5")
RESTORE = replace(
    ALLOW,
    id="r1",
    does="restore",
    until=AT + timedelta(days=30),
    hold=None,
    undoes="run 0",
    fields=(WRITTEN, replace(WRITTEN, field="tier", key="k6")),
    rows=(HoldRow("0014M00001Abc01AAA", 101, ("k5", "k6")),),
)
EVEN_LATER = LATER + timedelta(minutes=5)


def over(decisions, now=EVEN_LATER, claims=()):
    return {one.id for one in decisions.read().over(now, claims)}


def test_a_leave_ends_older_approvals_for_good(decisions):
    decisions.record(ALLOW)
    decisions.record(replace(LEAVE, rows=LEAVE.rows[:1]))
    assert approvals(decisions, "k1", now=EVEN_LATER) == set()
    assert approvals(decisions, "k2", now=EVEN_LATER) == {"d1"}
    decisions.withdraw("l1", Withdrawal("bob", EVEN_LATER, "run 3"))
    assert approvals(decisions, "k1", now=EVEN_LATER) == set()


def test_a_newer_approval_ends_a_leave_and_one_of_the_same_moment_does_not(decisions):
    decisions.record(LEAVE)
    newer = replace(ALLOW, id="d2", at=EVEN_LATER)
    decisions.record(replace(newer, at=LATER))
    assert approvals(decisions, "k1", now=EVEN_LATER) == set()
    assert decisions.read().leave_of("k1", EVEN_LATER).id == "l1"
    decisions.record(replace(newer, id="d3"))
    assert approvals(decisions, "k1", now=EVEN_LATER) == {"d3"}
    assert decisions.read().leave_of("k1", EVEN_LATER) is None


def test_a_newer_decision_that_is_withdrawn_ends_no_leave(decisions):
    decisions.record(LEAVE)
    decisions.record(replace(ALLOW, id="d2", at=EVEN_LATER))
    decisions.withdraw("d2", Withdrawal("bob", EVEN_LATER, "run 3"))
    found = decisions.read()
    assert found.leave_of("k1", EVEN_LATER).id == "l1"
    assert not found.approved_since(found.leaves[0], "k1")


def test_an_approval_that_names_no_rows_is_over(decisions, tmp_path):
    text = json.dumps(
        {
            "schema": "Decision/1",
            "id": "d1",
            "does": "allow",
            "instance": "global",
            "hold": "h1",
            "reason": "limit",
            "keys": ["k1"],
            "by": "ada",
            "run_id": "run 1",
            "note": "",
            "at": AT.isoformat(),
            "until": ALLOW.until.isoformat(),
        }
    )
    path = tmp_path / "instances" / "global" / "decisions" / "d1.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    found = decisions.read()
    assert (approvals(decisions, "k1"), list(found.over(LATER, ()))) == (set(), list(found.decisions))


@pytest.mark.parametrize("end", ["withdrawn", "its key ended"])
def test_a_leave_that_is_over_leaves_nothing(decisions, end):
    decisions.record(LEAVE)
    assert decisions.read().leave_of("k1", LATER).id == "l1"
    if end == "withdrawn":
        decisions.withdraw("l1", Withdrawal("bob", LATER, "run 3"))
    else:
        decisions.end([EndedKeys("l1", "plan", LATER, ("k1",))])
        assert decisions.read().leave_of("k2", LATER).id == "l1"
    assert decisions.read().leave_of("k1", LATER) is None


def test_a_restore_is_in_force_for_the_fields_that_have_not_ended(decisions):
    decisions.record(RESTORE)
    decisions.end([EndedKeys("r1", "plan", LATER, ("k5",))])
    assert list(decisions.read().restores(LATER)) == [(101, "tier")]
    assert list(decisions.read().restores(AT + timedelta(days=31))) == []
    decisions.withdraw("r1", Withdrawal("bob", LATER, "run 3"))
    assert list(decisions.read().restores(LATER)) == []


def test_the_newest_restore_of_a_field_comes_first(decisions):
    decisions.record(RESTORE)
    decisions.record(replace(RESTORE, id="r2", at=LATER))
    assert [one.id for one, _ in decisions.read().restores(LATER)[101, "owner"]] == ["r2", "r1"]


def test_what_is_withdrawn_expired_used_or_ended_by_itself_is_over(decisions):
    for number, one in enumerate((ALLOW, LEAVE, RESTORE)):
        decisions.record(replace(one, id=f"stays{number}"))
        decisions.record(replace(one, id=f"withdrawn{number}"))
        decisions.withdraw(f"withdrawn{number}", Withdrawal("bob", LATER, "run 3"))
    decisions.record(replace(ALLOW, id="expired", until=LATER))
    decisions.record(replace(ALLOW, id="used"))
    decisions.take([replace(TAKEN, decision="used"), replace(TAKEN, decision="used", token="t2", keys=("k2",))])
    decisions.record(replace(RESTORE, id="ended"))
    decisions.end([EndedKeys("ended", "p1", LATER, ("k5",)), EndedKeys("ended", "p2", LATER, ("k6",))])
    assert over(decisions) == {"withdrawn0", "withdrawn2", "expired", "used", "ended"}


def test_an_approval_is_not_over_while_the_claim_that_took_it_may_give_it_back(decisions):
    decisions.record(ALLOW)
    decisions.take([replace(TAKEN, keys=("k1", "k2"))])
    assert over(decisions, claims={"t1"}) == set()
    assert over(decisions) == {"d1"}


def test_a_leave_stays_as_long_as_an_approval_that_it_ends(decisions):
    decisions.record(ALLOW)
    decisions.record(replace(LEAVE, rows=LEAVE.rows[:1]))
    decisions.withdraw("l1", Withdrawal("bob", LATER, "run 3"))
    assert over(decisions) == set()
    decisions.withdraw("d1", Withdrawal("bob", LATER, "run 3"))
    assert over(decisions) == {"d1", "l1"}


def test_a_decision_that_has_moved_is_not_in_force_and_a_cleared_run_does_not_revive_it(decisions):
    decisions.record(ALLOW)
    decisions.take([replace(TAKEN, keys=("k1", "k2"))])
    decisions.move_ended(decisions.read().over(LATER, ()))
    decisions.record(ALLOW)
    assert decisions.read().decisions == ()
    assert decisions.find("d1") == ALLOW


def test_a_decision_that_comes_back_while_it_moves_is_still_used_and_withdrawn(decisions, tmp_path):
    """A cleared run may look for it just before it moves, and record it just after."""
    folder = tmp_path / "instances" / "global" / "decisions"
    for id in ("d1", "d2"):
        decisions.record(replace(ALLOW, id=id))
    decisions.take([replace(TAKEN, keys=("k1", "k2"))])
    decisions.withdraw("d2", Withdrawal("bob", LATER, "run 3"))
    texts = {path: path.read_text() for path in folder.glob("d?.json")}
    decisions.move_ended(decisions.read().over(LATER, ()))
    assert len(texts) == 2
    for path, text in texts.items():
        path.write_text(text)
    assert approvals(decisions, "k1") == approvals(decisions, "k2") == set()


def test_the_first_note_of_a_decision_stays(decisions):
    decisions.record(ALLOW)
    decisions.record(replace(ALLOW, note="written later"))
    assert decisions.find("d1").note == ""


def test_the_newest_withdrawal_counts_and_a_cleared_run_does_not_replace_it(decisions):
    newer = Withdrawal("bob", EVEN_LATER, "run 4")
    decisions.withdraw("row", newer)
    decisions.withdraw("row", Withdrawal("ada", LATER, "run 3"))
    assert decisions.withdrawal("row") == newer


def test_what_is_said_of_a_decision_that_has_moved_is_not_read(decisions, tmp_path):
    decisions.record(ALLOW)
    decisions.take([replace(TAKEN, keys=("k1", "k2"))])
    decisions.move_ended(decisions.read().over(LATER, ()))
    for path in (tmp_path / "instances" / "global" / "decisions").glob("d1.taken.*"):
        path.write_text("{")
    assert decisions.read().taken == ()


def test_only_approvals_of_the_plan_count_where_they_are_named(decisions):
    decisions.record(ALLOW)
    decisions.record(replace(ALLOW, id="d2", by="bob"))
    assert approvals(decisions, "k1", people=2, among=("d1",)) == set()
    assert approvals(decisions, "k1", people=2, among=("d1", "d2")) == {"d1", "d2"}


def test_a_streak_of_an_older_release_can_be_read_and_belongs_to_no_row():
    text = json.loads(codec.to_json(Streak("k1", 3, AT, LATER)))
    old = {name: text[name] for name in ("key", "results", "since", "last")}
    assert codec.from_json(Streak, json.dumps(old), source="memory", next_step="") == Streak("k1", 3, AT, LATER)

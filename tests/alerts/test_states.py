"""When the team gets a message, and what it says: every state of the alarms with every event."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.alerts.states import REMINDER, STALE, AlarmState, due
from partner_sync.archive.records import ALARM_CAUSES, AlarmNote

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
JUST, LONG, DAY_AGO = NOW - timedelta(minutes=1), NOW - STALE * 2, NOW - REMINDER - timedelta(minutes=1)
NONE: frozenset = frozenset()


def state(at: datetime, opened: tuple = (), new: tuple = (), recovered: tuple = (), *, arrived: bool) -> AlarmState:
    return AlarmState(7, AlarmNote("before", at, dict.fromkeys(opened, DAY_AGO), new, recovered), arrived)


def news(now_state: AlarmState, shown=NONE, over=NONE) -> tuple | None:
    """The new, the open and the recovered causes of the message that is due."""
    note = due(now_state, "now", set(shown), set(over), NOW)
    return note and (note.new, tuple(note.open), note.recovered)


FAILED = ("failed",)
OPEN = state(LONG, FAILED, FAILED, arrived=True)
SENDING = state(JUST, FAILED, FAILED, arrived=False)
LOST = state(LONG, FAILED, FAILED, arrived=False)
OVER = state(LONG, (), (), FAILED, arrived=True)
OVER_LOST = state(LONG, (), (), FAILED, arrived=False)
OVER_SENDING = state(JUST, (), (), FAILED, arrived=False)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (AlarmState(), (FAILED, FAILED, ())),
        (OPEN, None),
        (SENDING, None),
        (LOST, (FAILED, FAILED, ())),
        (OVER, (FAILED, FAILED, ())),
        (OVER_SENDING, (FAILED, FAILED, ())),
        (OVER_LOST, (FAILED, FAILED, ())),
    ],
    ids=["first", "known", "being sent", "lost", "after it was over", "over is being sent", "over was lost"],
)
def test_a_cause_is_reported_once_until_it_is_over(known, message):
    assert message == news(known, shown=FAILED)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (AlarmState(), None),
        (OPEN, ((), (), FAILED)),
        (OVER, None),
        (OVER_SENDING, None),
        (OVER_LOST, ((), (), FAILED)),
        (LOST, ((), (), FAILED)),
    ],
    ids=["nothing was wrong", "open", "known", "being sent", "lost", "the alarm may have arrived"],
)
def test_a_recovery_is_reported_once_and_only_after_an_alarm(known, message):
    assert message == news(known, over=ALARM_CAUSES)


@pytest.mark.parametrize("other", [cause for cause in ALARM_CAUSES if cause != "failed"])
@pytest.mark.parametrize("known", [OPEN, SENDING, LOST], ids=["open", "being sent", "lost"])
def test_an_open_alarm_of_one_cause_silences_no_other(known, other):
    new, opened, recovered = news(known, shown={other})
    assert other in new
    assert {"failed", other} == set(opened)
    assert () == recovered
    assert ("failed" in new) == (known is not OPEN)  # what is being sent may be lost


@pytest.mark.parametrize("cause", ALARM_CAUSES)
def test_each_cause_recovers_by_itself(cause):
    rest = tuple(other for other in ALARM_CAUSES if other != cause)
    assert ((), rest, (cause,)) == news(state(LONG, ALARM_CAUSES, arrived=True), shown=rest, over={cause})


def test_a_run_that_proves_nothing_changes_nothing():
    assert news(OPEN) is None


def test_a_cause_is_open_since_it_was_first_shown():
    note = due(OPEN, "now", {"failed", "hung"}, NONE, NOW)
    assert {"failed": DAY_AGO, "hung": NOW} == note.open


@pytest.mark.parametrize("shown", [NONE, FAILED], ids=["any run", "the same cause again"])
def test_a_day_after_the_last_message_one_reminder_lists_all_that_are_open(shown):
    both = ("failed", "withheld")
    assert ((), both, ()) == news(state(DAY_AGO, both, arrived=True), shown=shown)
    assert news(state(NOW - REMINDER, both, arrived=True), shown=shown) is None


def test_nothing_is_repeated_while_nothing_is_open():
    assert news(state(DAY_AGO, (), (), FAILED, arrived=True)) is None


def test_a_lost_message_that_said_several_causes_is_repeated_whole():
    lost = state(LONG, ("failed", "withheld"), FAILED, ("hung",), arrived=False)
    assert (FAILED, ("failed", "withheld"), ("hung",)) == news(lost)

"""The alarm log only adds objects, so two runs may end at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from upath import UPath

from partner_sync.alerts.log import AlarmLog
from partner_sync.alerts.states import AlarmState, due
from partner_sync.archive.object_store import put
from partner_sync.archive.records import ALARM_CAUSES, AlarmNote

AT = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
NOTE = AlarmNote("scheduled__1", AT, {"failed": AT, "rejected": AT - timedelta(hours=1)}, ("failed",), ("hung",))


@pytest.fixture(params=["folder", "object store"])
def alarm_log(request, tmp_path) -> AlarmLog:
    return AlarmLog(tmp_path if request.param == "folder" else UPath(f"memory://{tmp_path}"))


def test_a_new_log_has_no_message_and_no_success(alarm_log):
    assert AlarmState() == alarm_log.state()
    assert alarm_log.last_success() is None


def test_a_foreign_object_in_the_folder_is_ignored(alarm_log):
    put(alarm_log.folder / "notes.from.somebody.txt", "")
    put(alarm_log.folder / "000007.open.1.json", "")
    assert AlarmState() == alarm_log.state()


def test_a_message_is_announced_before_it_arrives(alarm_log):
    assert (1, NOTE) == alarm_log.announce(lambda state: NOTE)
    assert AlarmState(1, NOTE, arrived=False) == alarm_log.state()
    alarm_log.arrived(1, NOTE)
    assert AlarmState(1, NOTE, arrived=True) == alarm_log.state()


def test_the_newest_message_is_the_state_and_the_last_success_is_known(alarm_log):
    for number in range(1, 12):
        assert (number, NOTE) == alarm_log.announce(lambda state: NOTE)
    alarm_log.arrived(10, NOTE)
    alarm_log.write_success(NOTE)
    assert AlarmState(11, NOTE, arrived=False) == alarm_log.state()
    assert AT == alarm_log.last_success()


def test_no_message_is_announced_if_none_is_due(alarm_log):
    assert alarm_log.announce(lambda state: None) is None
    assert AlarmState() == alarm_log.state()


def test_of_many_runs_that_show_the_same_cause_at_once_exactly_one_sends(tmp_path):
    alarm_log = AlarmLog(tmp_path)

    def ends(number: int) -> bool:
        found = alarm_log.announce(lambda state: due(state, f"run-{number}", {"failed"}, frozenset(), AT))
        return found is not None

    with ThreadPoolExecutor(16) as pool:
        assert 1 == list(pool.map(ends, range(64))).count(True)


def test_of_runs_that_show_different_causes_at_once_each_cause_is_sent_and_open(tmp_path):
    alarm_log = AlarmLog(tmp_path)

    def ends(cause) -> AlarmNote:
        _, note = alarm_log.announce(lambda state: due(state, cause, {cause}, frozenset(), AT))
        return note

    with ThreadPoolExecutor(len(ALARM_CAUSES)) as pool:
        notes = list(pool.map(ends, ALARM_CAUSES))
    assert all(cause in note.new for cause, note in zip(ALARM_CAUSES, notes, strict=True))
    assert len(ALARM_CAUSES) == alarm_log.state().number
    assert set(ALARM_CAUSES) == set(alarm_log.state().last.open)

"""The alarm log only adds objects, so two runs may end at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from upath import UPath

from partner_sync.alerts.log import AlarmLog
from partner_sync.alerts.states import AlarmState, Delivery, Notice
from partner_sync.archive.object_store import put
from partner_sync.archive.records import AlarmNote

AT = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
NOTE = AlarmNote("failed", "scheduled__1", AT)


@pytest.fixture(params=["folder", "object store"])
def alarm_log(request, tmp_path) -> AlarmLog:
    return AlarmLog(tmp_path if request.param == "folder" else UPath(f"memory://{tmp_path}"))


def test_a_new_log_has_no_alarm(alarm_log):
    assert AlarmState() == alarm_log.state()


def test_a_foreign_object_in_the_folder_is_ignored(alarm_log):
    put(alarm_log.folder / "notes.from.somebody.txt", "")
    assert AlarmState() == alarm_log.state()


def test_an_alarm_is_followed_from_its_first_attempt_to_its_end(alarm_log):
    assert alarm_log.announce(Notice("failed", 1, "open", 1), NOTE)
    assert AlarmState(1, Delivery(1, AT)) == alarm_log.state()
    later = AlarmNote("failed", "scheduled__2", AT + timedelta(hours=1))
    assert alarm_log.announce(Notice("failed", 1, "open", 2), later)
    alarm_log.arrived(Notice("failed", 1, "open", 2), later)
    opened = Delivery(2, later.at, arrived=True)
    assert AlarmState(1, opened) == alarm_log.state()
    assert alarm_log.announce(Notice("recovered", 1, "over", 1), NOTE)
    assert AlarmState(1, opened, Delivery(1, AT)) == alarm_log.state()
    assert not alarm_log.state().is_open


def test_the_newest_alarm_counts_and_the_last_success_is_known(alarm_log):
    for number in (1, 2, 10):
        alarm_log.announce(Notice("failed", number, "open", 1), NOTE)
    alarm_log.succeeded(NOTE)
    assert AlarmState(10, Delivery(1, AT), Delivery(), AT) == alarm_log.state()


@pytest.mark.parametrize("root", [Path, lambda folder: UPath(f"file://{folder}")], ids=["folder", "object store"])
def test_of_many_runs_that_announce_at_once_exactly_one_sends(root, tmp_path):
    (tmp_path / "alarms").mkdir()  # an object store has no folders to be made; this one is made of files
    alarm_log = AlarmLog(root(tmp_path))
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda _: alarm_log.announce(Notice("failed", 1, "open", 1), NOTE), range(64)))
    assert 1 == won.count(True)

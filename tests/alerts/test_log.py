"""What the team was told is remembered by objects that are only added, so two runs may end at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from upath import UPath

from partner_sync.alerts.log import AlarmLog
from partner_sync.alerts.states import News, Sending, Standing
from partner_sync.archive.object_store import put
from partner_sync.archive.records import AlarmNote

AT = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
NOTE = AlarmNote("failed", "scheduled__1", AT)


@pytest.fixture(params=["folder", "object store"])
def alarm_log(request, tmp_path) -> AlarmLog:
    return AlarmLog(tmp_path if request.param == "folder" else UPath(f"memory://{tmp_path}"))


def test_nothing_was_told_at_first(alarm_log):
    assert Standing() == alarm_log.standing()


def test_a_foreign_object_beside_the_log_is_nothing_that_was_told(alarm_log):
    put(alarm_log.folder / "notes.from.somebody.txt", "")
    assert Standing() == alarm_log.standing()


def test_an_alarm_is_followed_from_its_first_attempt_to_its_end(alarm_log):
    assert alarm_log.announce(News("failed", 1, "open", 1), NOTE)
    assert Standing(1, Sending(1, AT)) == alarm_log.standing()
    later = AlarmNote("failed", "scheduled__2", AT + timedelta(hours=1))
    assert alarm_log.announce(News("failed", 1, "open", 2), later)
    alarm_log.arrived(News("failed", 1, "open", 2), later)
    opened = Sending(2, later.at, arrived=True)
    assert Standing(1, opened) == alarm_log.standing()
    assert alarm_log.announce(News("recovered", 1, "over", 1), NOTE)
    assert Standing(1, opened, Sending(1, AT)) == alarm_log.standing()
    assert not alarm_log.standing().is_open


def test_the_newest_alarm_counts_and_the_last_success_is_known(alarm_log):
    for number in (1, 2, 10):
        alarm_log.announce(News("failed", number, "open", 1), NOTE)
    alarm_log.succeeded(NOTE)
    assert Standing(10, Sending(1, AT), Sending(), AT) == alarm_log.standing()


@pytest.mark.parametrize("root", [Path, lambda folder: UPath(f"file://{folder}")], ids=["folder", "object store"])
def test_of_many_that_announce_at_once_exactly_one_is_to_tell(root, tmp_path):
    (tmp_path / "alarms").mkdir()  # an object store has no folders to be made; this one is made of files
    alarm_log = AlarmLog(root(tmp_path))
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda _: alarm_log.announce(News("failed", 1, "open", 1), NOTE), range(64)))
    assert 1 == won.count(True)

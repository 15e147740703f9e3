"""Events of a DAG run arrive as they were sent."""

from __future__ import annotations

import io
from datetime import datetime, timezone

from partner_sync.local import events


def test_all_kinds_come_out_as_they_went_in():
    sent = [
        events.Phase("starting"),
        events.LogLine("INFO", "accounts: 60 of 60 read"),
        events.TaskChanged("sync", "create 1-4", "failed", "line one\nline two"),
        events.RunRefused("no"),
        events.RunEnded("success", "manual__1", "2026-11-24T03:00:00+00:00", (("sync", "mark 1-2", "success"),)),
    ]
    stream = io.StringIO()
    for event in sent:
        events.write_event(stream, event)
    stream.seek(0)
    assert sent == list(events.read_events(stream))


def test_the_end_knows_when_the_run_was():
    ended = events.RunEnded("success", "manual__1", "2026-11-24T03:00:00+00:00", ())
    assert ended.when == datetime(2026, 11, 24, 3, tzinfo=timezone.utc)


def test_a_line_that_was_cut_off_is_no_event():
    assert list(events.read_events(io.StringIO('{"event": "Phase", "text": "whole"}\n{"event": "Pha'))) == [
        events.Phase("whole")
    ]

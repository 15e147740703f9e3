"""A task that fails leaves a record, so that a run without a plan is more than a gap."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from partner_sync.archive.archive import Archive
from partner_sync.archive.records import Failure, Trigger
from partner_sync.errors import SnapshotError

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
RUN = "scheduled__2026-11-24T12:00:00+00:00"
TRIGGER = Trigger("partner_sync", RUN, "scheduled", None, NOON, NOON, {})
FAILURE = Failure(TRIGGER, "gather_accounts", None, 1, NOON, "UnavailableError", "did not answer", "words", True)


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path)


def test_a_failure_is_found_as_it_was_written_although_its_run_has_no_record(archive):
    archive.write_failure(FAILURE)
    folder = archive.run_folder(RUN, NOON)
    assert [FAILURE] == archive.failures(folder)
    assert archive.run(folder) is None
    assert ["gather_accounts.1.json"] == [path.name for path in (folder / "failures").iterdir()]


def test_tries_and_batches_are_kept_apart_and_come_oldest_first(archive):
    again = replace(FAILURE, try_number=2, at=NOON + timedelta(seconds=30))
    batch = replace(FAILURE, task="sync", batch="create 1-100", at=NOON + timedelta(seconds=60))
    for failure in (batch, again, FAILURE):
        archive.write_failure(failure)
    folder = archive.run_folder(RUN, NOON)
    assert [FAILURE, again, batch] == archive.failures(folder)
    assert (folder / "failures" / "sync.create_1-100.1.json").exists()


def test_no_failures_are_no_failures(archive):
    assert [] == archive.failures(archive.run_folder(RUN, NOON))


def test_a_foreign_failure_is_refused_by_its_path(archive):
    folder = archive.run_folder(RUN, NOON) / "failures"
    folder.mkdir(parents=True)
    (folder / "gather_accounts.1.json").write_text("[]")
    with pytest.raises(SnapshotError, match=r"gather_accounts\.1\.json is not a Failure/1"):
        archive.failures(archive.run_folder(RUN, NOON))

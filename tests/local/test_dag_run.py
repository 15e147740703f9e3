"""The process of a DAG run ends between two batches, and writes the log that Airflow shows of each task."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace

import pytest

from partner_sync.local.dag_run import GracefulExit, TaskLog


@pytest.fixture
def left():
    return []


@pytest.fixture
def graceful(left):
    return GracefulExit(lambda: left.append("left"))


@pytest.mark.parametrize("task", ["gather_accounts", "gather_organizations", "compare"])
def test_a_task_that_writes_nothing_to_zendesk_is_left_at_once(graceful, left, task):
    graceful.begin(task)
    graceful.ask_to_leave()
    assert left == ["left"]


def test_before_the_first_task_it_leaves_at_once(graceful, left):
    graceful.ask_to_leave()
    assert left == ["left"]


def test_a_batch_is_finished_and_the_next_one_is_not_begun(graceful, left):
    graceful.begin("sync")
    graceful.ask_to_leave()
    assert left == []
    graceful.end()
    assert left == ["left"]


def test_nothing_is_left_unless_it_is_asked_for(graceful, left):
    for task in ("gather_accounts", "compare", "sync", "sync"):
        graceful.begin(task)
        graceful.end()
    assert left == []


def test_the_log_of_a_task_has_its_lines_and_the_error_that_ended_it(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path))
    log = TaskLog()
    line = logging.LogRecord("partner_sync.sync", logging.WARNING, "", 0, "%d rejected", (2,), None)
    log.emit(line)
    log.open(SimpleNamespace(dag_id="partner_sync", run_id="manual__1", task_id="sync", map_index=0, try_number=2))
    log.emit(line)
    log.finish(ValueError("no such row"))
    log.emit(line)
    path = tmp_path / "dag_id=partner_sync/run_id=manual__1/task_id=sync/map_index=0/attempt=2.log"
    first, last = map(json.loads, path.read_text().splitlines())
    assert (first["level"], first["event"]) == ("warning", "2 rejected")
    assert (last["level"], last["error_detail"][0]["exc_value"]) == ("error", "no such row")

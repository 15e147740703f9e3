"""The process of a DAG run ends where nothing is half written."""

from __future__ import annotations

import pytest

from partner_sync.local.dag_run import GracefulExit


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

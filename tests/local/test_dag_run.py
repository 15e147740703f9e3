"""The process of a DAG run ends where nothing is half written."""

from __future__ import annotations

import pytest

from partner_sync.local.dag_run import Work


@pytest.fixture
def left():
    return []


@pytest.fixture
def work(left):
    return Work(lambda: left.append("left"))


@pytest.mark.parametrize("task", ["gather_accounts", "gather_organizations", "compare"])
def test_a_task_that_writes_nothing_to_zendesk_is_left_at_once(work, left, task):
    work.begin(task)
    work.ask_to_leave()
    assert left == ["left"]


def test_before_the_first_task_it_leaves_at_once(work, left):
    work.ask_to_leave()
    assert left == ["left"]


def test_a_batch_is_finished_and_the_next_one_is_not_begun(work, left):
    work.begin("sync")
    work.ask_to_leave()
    assert left == []
    work.end()
    assert left == ["left"]


def test_nothing_is_left_unless_it_is_asked_for(work, left):
    for task in ("gather_accounts", "compare", "sync", "sync"):
        work.begin(task)
        work.end()
    assert left == []

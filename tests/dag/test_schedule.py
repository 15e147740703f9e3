"""The DAG under another schedule, by Airflow's own timetable: no overlap, and nothing that was missed piles up."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.dag.stage import parsed

FIVE = "*/5 * * * *"
MINUTES = timedelta(minutes=5)


@pytest.fixture
def scheduled(small):
    """The DAG of a config with a schedule, as the scheduler has it."""
    from airflow.serialization.serialized_objects import DagSerialization

    def make(schedule):
        small.config(lambda text: text.replace('schedule = "@hourly"', f'schedule = "{schedule}"'))
        with small.environment():
            return DagSerialization.deserialize_dag(DagSerialization.serialize_dag(parsed()))

    return make


def next_run(dag, last):
    """When the run after one of that time begins."""
    from airflow.timetables.base import DataInterval, TimeRestriction
    from pendulum import instance

    restriction = TimeRestriction(earliest=dag.start_date, latest=None, catchup=dag.catchup)
    return dag.timetable.next_dagrun_info(
        last_automated_data_interval=DataInterval.exact(instance(last)), restriction=restriction
    ).run_after


def test_the_dag_has_the_schedule_of_its_config_and_one_active_run_at_most(scheduled):
    assert [FIVE, "0 * * * *"] == [scheduled(text).timetable.summary for text in (FIVE, "@hourly")]
    assert (1, False) == (scheduled(FIVE).max_active_runs, scheduled(FIVE).catchup)


def test_a_run_every_five_minutes_follows_the_one_before_it(scheduled):
    last = datetime.now(timezone.utc).replace(second=0, microsecond=0)
    last -= timedelta(minutes=last.minute % 5)
    assert last + MINUTES == next_run(scheduled(FIVE), last)


def test_after_a_run_of_half_an_hour_one_run_follows_and_not_six(scheduled):
    now = datetime.now(timezone.utc)
    half_an_hour_ago = now.replace(second=0, microsecond=0) - timedelta(minutes=now.minute % 5) - 6 * MINUTES
    following = next_run(scheduled(FIVE), half_an_hour_ago)
    assert now - MINUTES <= following
    assert following + MINUTES == next_run(scheduled(FIVE), following)


def test_a_config_that_is_wrong_leaves_the_dag_hourly_and_its_first_task_says_what_to_write(small):
    small.config(lambda text: text.replace('schedule = "@hourly"', 'schedule = "*/5 * * *"'))
    with small.environment():
        assert "@hourly" == parsed().schedule
    run = small.run()
    (error,) = run.errors("gather_accounts")
    assert 'schedule is "*/5 * * *", which has 4 fields, not 5' in str(error)

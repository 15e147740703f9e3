"""Random walks: whatever happens in whatever order, the same things are true after every step, and it all comes right.

A short slice of fixed walks here; `make walks` takes hundreds, and prints what happened on them.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from partner_sync.sandbox import Sandbox
from tests.walks.dag_walk import DagWalk
from tests.walks.walk import Walk
from tests.walks.wrong import (
    ForgetsItsJobs,
    ForgetsWhatPeopleUndid,
    IgnoresTheRegister,
    ReadsNothingAgain,
    WritesWhatPeopleLeft,
)

LONG = int(os.environ.get("WALKS", "0"))
WALKS = 10 if LONG else 15
STEPS, DAG_STEPS = (50, 10) if LONG else (30, 5)
SEEDS = range(3, 3 + max(LONG // WALKS, 1))


@pytest.fixture(scope="module", autouse=True)
def sandbox():
    limits = {"zendesk_calls_per_minute": 0, "salesforce_calls_per_day": 0, "zendesk_updates_per_minute": 0}
    with Sandbox(job_seconds=0, **limits) as running:
        Walk.sandbox = running
        yield running


def walked(machine, start, walks, steps):
    """What a machine met on so many walks, always the same ones for the same start."""
    met = Counter()
    chosen = settings(
        max_examples=walks,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if LONG else [Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(start)(type(machine.__name__, (machine,), {"counts": met})), settings=chosen)
    return met


@pytest.mark.parametrize("start", SEEDS)
def test_random_walks_write_nothing_twice_or_stale_and_end_in_sync(start, record_property):
    met = walked(Walk, start, WALKS, STEPS)
    record_property("walked", dict(met))
    assert met["writes"] > WALKS
    assert met["runs replayed"] > WALKS
    assert LONG or met["batches done"] > WALKS  # ten walks by chance may visit little; all of them together do not


@pytest.mark.parametrize("start", SEEDS[: len(SEEDS) // 10 + 1])
def test_random_walks_of_the_real_dag_end_in_sync(database, start, record_property):
    met = walked(DagWalk, start, 5 if LONG else 1, DAG_STEPS)
    record_property("walked", dict(met))
    assert met["runs of the DAG"] > 2
    assert met["runs of the DAG replayed"] > 0
    assert met["writes"] > 2


CAUGHT = {
    ReadsNothingAgain: (1, "written twice|written over|untrue"),
    IgnoresTheRegister: (1, "jobs in flight|stale"),
    ForgetsItsJobs: (1, "jobs in flight|written twice"),
    ForgetsWhatPeopleUndid: (1, r"\('undone"),
    WritesWhatPeopleLeft: (2, r"\('(left|held|no evidence|open tickets)'"),
}


@pytest.mark.parametrize("wrong", CAUGHT, ids=lambda wrong: wrong.__name__)
def test_a_protocol_with_a_missing_step_is_detected(wrong):
    start, found = CAUGHT[wrong]
    with pytest.raises(AssertionError, match=found):
        walked(wrong, start, 25, 25)

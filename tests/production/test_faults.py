"""Whatever breaks while `sync` is in full flight over eleven batches: the run ends well, nothing is written twice."""

from __future__ import annotations

import pytest

from tests.production.faults import FAULTS
from tests.production.stack import Stack
from tests.production.trial import CHANGES, OUTCOMES, UNDISTURBED, Outcome, Trial

pytestmark = pytest.mark.production

MORE_WRITES = {"Salesforce answers 503 for a minute": 5}
NOT_ALL_REPORTED = {"`compare` cleared with downstream"}
"""Cleared tasks are killed and report nothing of what they had sent; the new plan finds it done."""


@pytest.fixture(scope="module", params=[UNDISTURBED, *FAULTS])
def outcome(request: pytest.FixtureRequest, stack: Stack, undisturbed: Outcome) -> Outcome:
    if request.param not in FAULTS:
        return undisturbed
    number = list(FAULTS).index(request.param) + 2
    trial = Trial(stack, seed=number)
    outcome = trial.of(request.param, FAULTS[request.param], all_reported=request.param not in NOT_ALL_REPORTED)
    request.config.stash[OUTCOMES].append(outcome)
    return outcome


def test_every_run_ends_green(outcome):
    assert {"success"} == set(outcome.states)


def test_zendesk_matches_salesforce_exactly(outcome):
    assert [] == outcome.wrong


def test_no_organization_is_created_twice(outcome):
    assert 0 == outcome.created_twice


def test_no_row_is_written_twice_with_the_same_values(outcome):
    assert 0 == outcome.written_twice
    assert CHANGES + MORE_WRITES.get(outcome.fault, 0) == outcome.writes


def test_every_verdict_in_the_archive_is_true(outcome):
    assert [] == outcome.untrue


def test_killed_processes_are_started_again(outcome):
    died = {"`kill -9` of a whole worker": "worker-1", "`kill -9` of the scheduler": "scheduler"}
    assert outcome.restarts.get(died.get(outcome.fault, ""), 0) == (outcome.fault in died)

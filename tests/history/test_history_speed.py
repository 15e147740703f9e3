"""The history stays fast. Small here; `make bench ARGS=page` asks a year of hourly runs, by the page.

Bounds are far above what is measured on an idle machine: they are there to catch a query that lost its index.
"""

from __future__ import annotations

import random
import time

import pytest

from tests.history.past import Past, a_create, a_partner, a_problem, account, an_update

RUNS = 400
PARTNERS = 300
LONGEST = 0.25
"""Seconds of computing: what else runs on the machine does not count."""


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    """Hourly runs, every fifth with changes, with problems that come and go."""
    past, chance = Past(tmp_path_factory.mktemp("year")), random.Random(1)
    problems = [a_problem(900 + number) for number in range(20)]
    for hour in range(-RUNS, 0):
        changes = [an_update(number) for number in chance.sample(range(PARTNERS), 8)] if hour % 5 == 0 else []
        if hour % 50 == 0:
            problems = [*problems[1:], a_problem(1000 - hour)]
        past.run(
            hour, [a_create(number) for number in range(PARTNERS)] if hour == -RUNS else changes, problems=problems
        )
    past.read_partners(-1, *(a_partner(number) for number in range(PARTNERS)))
    begun = time.perf_counter()
    history = past.history(0.5)
    history.refresh()
    return past, history, time.perf_counter() - begun


def quickest(ask):
    times = []
    for _ in range(3):
        begun = time.thread_time()
        ask()
        times.append(time.thread_time() - begun)
    return min(times)


ASKED = {
    "overview": lambda history: history.overview(),
    "runs": lambda history: history.runs(page=10),
    "account": lambda history: history.account(account(5)),
    "organization": lambda history: history.organization("global", 3600005),
    "find": lambda history: history.find("partner 29"),
    "near": lambda history: history.find("prtner 29"),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_every_question_is_answered_at_once(year, ask, record_property):
    past, _, _ = year
    history = past.history(0.5, fresh_seconds=3600)
    history.runs()
    seconds = quickest(lambda: ask(history))
    record_property("seconds", seconds)
    assert seconds < LONGEST


def test_one_new_run_costs_one_new_run(year):
    past, history, _ = year
    history.refresh()
    past.run(0, [an_update(1)])
    assert history.refresh().objects < 10


def test_a_rebuild_takes_milliseconds_a_run(year):
    _, _, seconds = year
    assert seconds / RUNS < 0.05


def test_twenty_thousand_changes_are_read_in_proportion_and_paged_at_once(tmp_path):
    _, _, small = read(tmp_path / "small", 2_000)
    history, run_id, large = read(tmp_path / "large", 20_000)
    assert large < 20 * small, "ten times the changes, and what grows with their square takes a hundred times as long"
    assert quickest(lambda: history.changes(run_id)) < LONGEST
    assert quickest(lambda: history.changes(run_id, page=400)) < 2 * LONGEST


def read(folder, count):
    """A history that has read a run of so many changes, the run's id, and the seconds of computing this took."""
    past = Past(folder)
    run_id = past.run(0, [an_update(number) for number in range(count)])
    history = past.history(0.5, fresh_seconds=3600)
    begun = time.thread_time()
    assert count == history.changes(run_id).total
    return history, run_id, time.thread_time() - begun

"""What a visitor of the page waits for: a year of hourly runs, and one of them with 20,000 changes."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

from fastapi.testclient import TestClient

from partner_sync.history import History
from partner_sync.history.reader import Reader
from partner_sync.model import Hold
from partner_sync.page.app import page_app
from tests.benchmarks.measurements import Measurement
from tests.history.past import Past, a_hold, a_mark, a_partner, a_problem, account, an_update

LONGEST = 0.1
TARGET = "under 100 ms of a core"


def page(folder: Path, quick: bool) -> Iterator[Measurement]:
    """The page over an archive that nobody has read yet, while it is read, and afterwards."""
    runs, changes = (500, 2_000) if quick else (8_760, 20_000)
    past = Past(folder / "page")
    hold = a_hold(*(a_mark(number) for number in range(changes, changes + changes // 4)))
    large = _a_year(past, runs, changes, hold)
    index = folder / "page" / "index"
    history = History(
        past.archive.root, index, reader=Reader(str(past.archive.root), index), clock=past.history().clock
    )
    browser = TestClient(page_app(lambda: history, lambda: None))
    asked = {
        "the overview": "/",
        "a run": f"/run?run={large}",
        "a run, filtered and sorted": f"/run?run={large}&field=account_owner&sort=name&page=20&q=partner",
        "a search": "/find?q=partner%2019",
        "an organization": f"/story?account={account(7)}",
        f"a hold of {hold.rows:,} rows": f"/hold?id={hold.id}",
    }
    begun, slowest = time.perf_counter(), (0.0, 0.0)
    while not history.index().complete:
        slowest = max(slowest, *(_took(browser, address) for address in ("/", f"/run?run={large}", "/find?q=partner")))
        time.sleep(0.2)
    read = time.perf_counter() - begun
    yield _measurement(f"page, slowest answer while {runs:,} runs are read for the first time", slowest)
    yield Measurement("reading them, in the background", "", f"{read:.0f} s, {1000 * read / runs:.1f} ms a run")
    for what, address in asked.items():
        yield _measurement(
            f"page, {what}, {runs:,} runs, {changes:,} changes", max(_took(browser, address) for _ in range(5))
        )
    history.close()


def _a_year(past: Past, runs: int, changes: int, hold: Hold) -> str:
    """Every fifth run changes something, problems come and go; the newest one changes everything."""
    chance, partners = random.Random(1), range(300)
    problems = [a_problem(900 + number) for number in range(20)]
    for hour in range(-runs, 0):
        if hour % 50 == 0:
            problems = [*problems[1:], a_problem(1000 - hour)]
        some = [an_update(number) for number in chance.sample(partners, 8)] if hour % 5 == 0 else []
        past.run(hour, some, problems=problems)
    past.read_partners(0, *(a_partner(number) for number in range(changes)))
    return past.run(0, [an_update(number) for number in range(changes)], problems=problems, holds=[hold]).replace(
        "+", "%2B"
    )


def _took(browser: TestClient, address: str) -> tuple[float, float]:
    """Seconds by the clock, and of a core; what reads the archive is another process."""
    begun, worked = time.perf_counter(), time.process_time()
    browser.get(address)
    return time.perf_counter() - begun, time.process_time() - worked


def _measurement(what: str, took: tuple[float, float]) -> Measurement:
    seconds, core = took
    return Measurement(
        what, TARGET, f"{1000 * seconds:.0f} ms, {1000 * core:.0f} ms of a core", core < LONGEST, timed=True
    )

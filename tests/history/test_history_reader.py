"""An answer does not wait until the archive is read: a process of its own does that, of which there may be many."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from partner_sync.history import History, files
from partner_sync.history.reader import Reader
from tests.history.past import a_create, account, an_update

REPOSITORY = Path(__file__).parents[2]
LONGEST = 0.3
"""Seconds of computing for an answer. What the clock says is more where other tests run as well."""
WAITING = 1.5


@pytest.fixture
def behind(past):
    """Makes a history whose archive is read by a process of its own."""
    readers = []

    def make(**settings):
        folder = past.folder / "index"
        readers.append(Reader(str(past.archive.root), folder))
        settings = {"fresh_seconds": 0, "clock": past.history().clock, **settings}
        return History(past.archive.root, folder, reader=readers[-1], **settings)

    yield make
    for reader in readers:
        reader.close()


def until(holds, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def processes(folder):
    """The processes that keep an index, by what Linux says of them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"partner_sync.history" in words and str(folder).encode() in words:
            found.append(int(path.parent.name))
    return found


def test_no_answer_waits_for_twenty_thousand_changes_and_none_is_wrong(past, behind):
    run_id = past.run(0, [an_update(number) for number in range(20_000)])
    history, computing, waiting, seen = behind(fresh_seconds=0.2), [], [], []
    while not seen or seen[-1] != 20_000:
        for ask in (history.overview, lambda: history.changes(run_id), history.index):
            begun, worked = time.perf_counter(), time.thread_time()
            ask()
            waiting.append(time.perf_counter() - begun)
            computing.append(time.thread_time() - worked)
        found, changes = history.overview(), history.changes(run_id)
        assert found.health == "being read" or found.chart
        seen.append(changes.total if changes else 0)
        time.sleep(0.05)
    assert 0 == seen[0]  # it was answered before it could be read
    assert {0, 20_000} == set(seen)
    assert max(computing) < LONGEST
    assert max(waiting) < WAITING
    assert until(lambda: not history.index().refreshing and history.index()).trouble is None


def test_what_is_new_shows_in_the_very_next_answer_if_it_is_small(past, behind):
    past.run(-2)
    history = behind(patience=30)
    assert 1 == history.runs().total
    past.run(-1)
    assert 2 == history.runs().total


def test_while_the_index_is_built_its_newest_days_are_there_already(past, behind):
    for hour in range(-24 * 12, 0, 4):
        past.run(hour, [an_update(n) for n in range(60)])
    history, totals = behind(patience=0), []
    while not history.index().complete:
        found = history.runs()
        totals.append(found.total)
        if found.rows:
            assert found.rows[0].run_after == past.trigger(-4).run_after
            assert (history.index().days, history.index().days_read <= 13) == (13, True)
    assert 72 == history.runs().total
    assert totals == sorted(totals)


def test_a_look_a_moment_ago_is_not_repeated_by_the_next_answers(past, behind):
    past.run(-1)
    history = behind(fresh_seconds=60, patience=30)
    assert 1 == history.runs().total
    begun = time.perf_counter()
    for _ in range(20):
        history.overview()
    assert time.perf_counter() - begun < 20 * LONGEST
    past.run(0)
    assert 1 == history.runs().total


def test_many_processes_and_threads_keep_a_correct_index(past, behind):
    several = [behind(patience=0.05) for _ in range(4)]

    def grow(hour):
        past.run(hour, [a_create(abs(hour) * 10 + n) for n in range(5)])
        return several[hour % 4].runs().total

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(grow, range(-40, 0)))
    for history in several:
        until(lambda history=history: history.runs().total == 40)
    kept = several[0].overview()
    shutil.rmtree(past.folder / "index")
    assert past.history().overview() == kept
    assert 200 == sum(row.written["create"] for row in kept.chart)


def test_a_killed_process_is_reported_and_replaced(past, behind):
    for hour in range(-30, 0):
        past.run(hour, [a_create(n) for n in range(100)])
    history = behind(patience=0, fresh_seconds=0.1)
    history.runs()
    os.kill(until(lambda: processes(history.folder))[0], signal.SIGKILL)
    assert "ended with exit code -9" in until(lambda: history.trouble)
    until(lambda: history.runs().total == 30)
    assert {100} == {row.written["create"] for row in history.overview().chart}
    until(lambda: history.trouble is None)


def test_an_index_that_is_removed_while_it_is_in_use_is_built_again(past, behind):
    past.run(-1)
    history = behind(patience=30)
    assert 1 == history.runs().total
    shutil.rmtree(history.folder)
    assert 1 == history.runs().total


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100, b"SQLite format 3\x00" + b"\x00" * 4096])
def test_an_index_that_is_damaged_while_it_is_in_use_is_built_again(past, behind, content):
    past.run(-1)
    history = behind(patience=30, fresh_seconds=60)
    assert 1 == history.runs().total
    index = files.newest(history.folder)
    files.remove_index(index)
    index.write_bytes(content)
    assert 1 == history.runs().total
    assert files.newest(history.folder) != index


def test_an_archive_that_cannot_be_reached_is_a_sentence_in_the_next_answer(past, behind):
    past.run(-1)
    history = behind(patience=30)
    assert 1 == history.runs().total
    (past.archive.root / "runs").rename(past.folder / "away")
    (past.archive.root / "runs").symlink_to(past.archive.root / "runs")
    assert 1 == history.runs().total
    assert "cannot be read" in history.index().trouble


def test_the_process_ends_when_nobody_asks_any_more(past):
    reader = Reader(str(past.archive.root), past.folder / "index", idle_seconds=0.2)
    assert reader.refresh(seconds=30)
    assert processes(past.folder / "index")
    until(lambda: not processes(past.folder / "index"))
    assert reader.refresh(seconds=30)


def test_the_process_ends_with_its_parent(past):
    past.run(-1)
    code = (
        "import sys, time\nfrom partner_sync.history.reader import Reader\nfrom pathlib import Path\n"
        "Reader(sys.argv[1], Path(sys.argv[2])).refresh(seconds=30)\nprint('looked', flush=True)\ntime.sleep(60)\n"
    )
    folder = past.folder / "index"
    command = [sys.executable, "-c", code, str(past.archive.root), str(folder)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as parent:
        assert "looked\n" == parent.stdout.readline()
        assert 1 == len([pid for pid in processes(folder) if pid != parent.pid])
        parent.kill()
    until(lambda: not processes(folder))


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "partner_sync.history", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_updates_or_rebuilds_the_index(past):
    past.run(-1, [a_create(1)])
    where = ("--archive", str(past.archive.root), "--index", str(past.folder / "index"))
    done = command(*where)
    assert (0, "") == (done.returncode, done.stderr)
    assert "3 objects read in" in done.stdout
    assert "1 runs are indexed" in done.stdout
    assert "0 objects read in" in command(*where).stdout
    assert "3 objects read in" in command(*where, "--rebuild").stdout
    assert [account(1)] == [hit.account_id for hit in past.history().find("partner").hits]


def test_the_command_says_what_is_wrong_with_an_archive(past):
    runs = past.archive.root / "runs"
    runs.parent.mkdir()
    runs.symlink_to(runs)
    done = command("--archive", str(past.archive.root), "--index", str(past.folder / "index"))
    assert (2, "") == (done.returncode, done.stdout)
    assert "cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_place_where_no_index_can_be_kept_is_a_sentence(past):
    past.run(-1)
    (past.folder / "index").write_text("a file where a folder should be")
    history = past.history()
    assert 0 == history.runs().total
    assert "The index in" in history.trouble

"""No child outlives us, however we end, and no grandchild either."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from partner_sync.local.children import Child, end_session, members
from partner_sync.orchestration.locations import CHECKOUT

GRANDCHILDREN = """
import subprocess, sys, time
for _ in range(3):
    subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"])
print("there", flush=True)
time.sleep(600)
"""


@pytest.fixture
def family():
    process = subprocess.Popen(
        [sys.executable, "-c", GRANDCHILDREN], stdout=subprocess.PIPE, start_new_session=True, text=True
    )
    assert process.stdout.readline() == "there\n"
    yield process.pid
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("patience", [0.0, 0.3])
def test_a_session_ends_whole_even_if_some_of_it_will_not(family, patience):
    assert len(members(family)) == 4
    end_session(family, patience)
    assert members(family) == []


def test_a_child_is_ended_by_force_when_it_does_not_listen(tmp_path):
    with ExitStack() as stack:
        child = Child(stack, "http.server", "0", env=os.environ, log=tmp_path / "log", patience=0.1)
    assert child.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("partner_sync.sandbox", ["--exit-with-parent"]), ("partner_sync.local.components", ["{folder}", "0"])],
)
def test_our_programs_end_when_their_parent_is_gone(tmp_path, module, arguments):
    """A parent that is killed closes the pipe without a word."""
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    words = [word.format(folder=tmp_path) for word in arguments]
    parent = (
        "import os, sys; from contextlib import ExitStack; from pathlib import Path;"
        "from partner_sync.local.children import Child;"
        f"child = Child(ExitStack(), {module!r}, *{words!r},"
        f" env=os.environ, log=Path({str(tmp_path / 'log')!r}));"
        "print(child.process.pid, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    )
    session = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    until = time.monotonic() + 20
    while members(session):
        assert time.monotonic() < until
        time.sleep(0.05)

"""Setting up from nothing: which Python is taken, what is said where none fits, and that a made .venv is left alone."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SCRIPT = REPOSITORY / "partner_sync" / "local" / "venv.sh"
TOOLS = ("sh", "cat", "cksum", "sed", "rm", "rmdir", "grep", "date", "sleep", "tail", "mkdir", "chmod", "cp")

PYTHON = """#!/bin/sh
# Stands in for a Python: says its version, knows venv or not, and makes an environment that consists of itself.
case "$2" in
    *'sys.exit(not'*) exit {unfit} ;;
    *'print('*) echo {version}; exit ;;
    *'import venv'*) exit {without_venv} ;;
esac
case "$1 $2" in
    '-m venv') mkdir -p .venv/bin && cp "$0" .venv/bin/python && : >.venv/pyvenv.cfg ;;
    '-m pip') shift; echo "$@" >>.venv/asked; echo "{says}"; exit {fails} ;;
esac
"""


class Machine:
    """A checkout, and a PATH with nothing on it but what a test puts there."""

    def __init__(self, root: Path) -> None:
        self.checkout, self.bin = root / "a checkout", root / "bin"
        self.checkout.mkdir()
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or "/bin/false")
        (self.checkout / "requirements-dev.txt").write_text("-r requirements.txt\ntwo\n")
        (self.checkout / "requirements.txt").write_text("-c constraints.txt\none\n")
        (self.checkout / "constraints.txt").write_text("one==1\n")

    def has(
        self,
        name: str,
        version: str,
        *,
        fits: bool = True,
        venv: bool = True,
        fails: bool = False,
        says: str = "Collecting one",
    ) -> None:
        path = self.bin / name
        path.write_text(
            PYTHON.format(unfit=int(not fits), version=version, without_venv=int(not venv), fails=int(fails), says=says)
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def set_up(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": str(self.bin), **environ}
        return subprocess.run(
            [SCRIPT, *arguments], cwd=self.checkout, env=env, capture_output=True, text=True, check=False
        )

    @property
    def asked(self) -> list[str]:
        return (self.checkout / ".venv" / "asked").read_text().splitlines()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_without_any_python_one_line_says_what_is_needed(machine):
    done = machine.set_up()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Partner Sync needs Python 3.10 to 3.13; found none. Install Python, or name it:"
        " make PYTHON=/path/to/python3.12 run.\n"
    )


def test_a_python_that_does_not_fit_is_named(machine):
    machine.has("python3", "3.9", fits=False)
    done = machine.set_up()
    assert "needs Python 3.10 to 3.13; found 3.9." in done.stderr


def test_a_python_without_venv_names_the_package_that_lacks(machine):
    machine.has("python3", "3.11", venv=False)
    done = machine.set_up()
    assert done.returncode == 1
    assert done.stderr == (
        "Python 3.11 cannot make environments. Install its venv package (Debian, Ubuntu: apt install python3.11-venv),"
        " or uv.\n"
    )


@pytest.mark.parametrize(
    ("others", "taken"),
    [
        ([("python3", "3.14", False)], "3.12"),
        ([("python3", "3.10", True)], "3.10"),
        ([("python3.13", "3.13", True)], "3.13"),
    ],
)
def test_the_first_python_that_fits_is_taken(machine, others, taken):
    machine.has("python3.12", "3.12")
    for name, version, fits in others:
        machine.has(name, version, fits=fits)
    done = machine.set_up()
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Installing into .venv, Python {taken}, with pip" in done.stdout


def test_the_named_python_is_taken_and_refused_when_it_does_not_fit(machine):
    machine.has("python3", "3.12")
    machine.has("mine", "3.13")
    machine.has("old", "3.8", fits=False)
    assert "Python 3.13" in machine.set_up(PYTHON="mine").stdout
    assert machine.set_up(PYTHON="old").stderr == (
        "PYTHON=old is Python 3.8; Partner Sync needs Python 3.10 to 3.13.\n"
    )
    assert "PYTHON=none does not run." in machine.set_up(PYTHON="none").stderr


def test_a_made_environment_is_left_alone_and_says_nothing(machine):
    machine.has("python3", "3.12")
    machine.set_up()
    (machine.bin / "python3").unlink()
    done = machine.set_up()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("changed", ["requirements-dev.txt", "requirements.txt", "constraints.txt"])
def test_it_is_brought_up_to_date_when_what_is_wanted_has_changed(machine, changed):
    machine.has("python3", "3.12")
    machine.set_up()
    before = len(machine.asked)
    (machine.checkout / changed).write_text("two==2\n")
    assert machine.set_up().returncode == 0
    assert len(machine.asked) > before
    assert machine.set_up().stdout == ""


def test_another_named_python_makes_it_anew(machine):
    machine.has("python3", "3.12")
    machine.has("mine", "3.13")
    machine.set_up()
    assert "Python 3.13" in machine.set_up(PYTHON="mine").stdout
    assert machine.set_up().stdout == ""


def test_an_installation_that_failed_says_where_to_read_and_is_tried_again(machine):
    machine.has("python3", "3.12", fails=True)
    done = machine.set_up()
    assert done.returncode == 1
    assert "Installing failed. The output of pip is in .venv/install.log" in done.stderr
    assert machine.set_up().returncode == 1


@pytest.mark.parametrize(
    "says",
    [
        "WARNING: Retrying after connection broken by 'NewConnectionError(... Name or service not known)'",
        "error: Failed to fetch: https://index.example/simple/one/",
    ],
)
def test_without_a_network_it_names_the_package_index_and_no_conflict(machine, says):
    machine.has("python3", "3.12", fails=True, says=f"{says}; ERROR: ResolutionImpossible: conflicting dependencies")
    done = machine.set_up()
    assert done.returncode == 1
    assert done.stderr == (
        "The package index cannot be reached. Check the network, or name your own index in PIP_INDEX_URL (pip) or"
        " UV_DEFAULT_INDEX (uv). Details are in .venv/install.log.\n"
    )


def test_a_checkout_that_is_read_only_gets_two_other_folders(machine):
    machine.has("python3", "3.12")
    (machine.checkout / "file").write_text("")
    done = machine.set_up("file/venv")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"file/venv cannot be made: {machine.checkout} is read-only. Name two writable folders:"
        " make VENV=/tmp/partner-sync/venv PARTNER_SYNC_HOME=/tmp/partner-sync/home run.\n"
    )


def test_something_else_in_its_place_is_not_removed(machine):
    machine.has("python3", "3.12")
    (machine.checkout / ".venv").mkdir()
    (machine.checkout / ".venv" / "thesis.txt").write_text("mine")
    done = machine.set_up()
    assert done.stderr == ".venv exists, but is not a Python environment. Move it away.\n"
    assert (machine.checkout / ".venv" / "thesis.txt").exists()


def test_make_alone_lists_what_there_is():
    done = subprocess.run(
        ["make"], cwd=REPOSITORY, env={"PATH": os.defpath}, capture_output=True, text=True, check=True
    )
    named = [line.split()[1] for line in done.stdout.splitlines()]
    declared = re.search(r"^\.PHONY: (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert declared is not None
    assert {"run", "up", "test", "clean"} < set(named)
    assert {*named, "help", "venv"} == set(declared[1].split())
    assert all(len(line.split(maxsplit=2)) == 3 for line in done.stdout.splitlines())

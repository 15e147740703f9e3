"""The command line: one answer, a list, near names, or what is wrong; with an exit code for each."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from partner_sync.why.__main__ import main
from tests.history.past import a_create, a_mark, a_problem, account, an_update


@pytest.fixture
def ask(past, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    past.run(-3, [a_create(1, "Nimbus Systems"), a_create(2, "Nimbus West"), a_create(3, "\x1b[31mred\u202e[b]x[/b]")])
    past.run(-2, [an_update(1, "Nimbus Systems", account_owner=("A. Ortiz", "M. Weber"))], verdicts={1: "rejected"})
    past.run(-1, [a_mark(2, "Nimbus West")], problems=[a_problem(1)])

    def run(*arguments):
        out, err = io.StringIO(), io.StringIO()
        environ = {"PARTNER_SYNC_HOME": str(past.folder), "PARTNER_SYNC_ARCHIVE": str(past.archive.root)}
        return main(arguments, environ, out, err), out.getvalue(), err.getvalue()

    return run


def test_one_is_told_whole(ask):
    code, out, err = ask("nimbus systems")
    assert (0, "") == (code, err)
    for part in (
        f"Nimbus Systems   account {account(1)} · organization 3600001 (global)",
        "https://acme.zendesk.com/agent/organizations/3600001",
        "problem since 2026-11-24 11:00 UTC",
        "! name_taken: name_taken 1",
        "Rename one of them.",
        "account_type   open_partner, was nothing",
        "update rejected",
        "account_owner: A. Ortiz -> M. Weber",
        "RecordInvalid Name: has already been taken",
        "create confirmed",
    ):
        assert part in out


@pytest.mark.parametrize("who", [account(2), account(2)[:15], "3600002", "nimbus west"])
def test_it_is_found_by_every_id(ask, who):
    code, out, _ = ask(who)
    assert 0 == code
    assert "marked since 2026-11-24 11:00 UTC" in out


def test_several_are_listed_with_their_ids(ask):
    code, out, _ = ask("nimbus")
    assert 3 == code
    assert "2 fit 'nimbus'" in out
    assert account(1) in out
    assert "3600002" in out


def test_who_is_not_found_is_told_near_names(ask):
    code, out, err = ask("nimbsu sytems")
    assert (1, "") == (code, out)
    assert "Nimbus Systems" in err


def test_a_hostile_name_stays_text(ask):
    code, out, _ = ask(account(3))
    assert 0 == code
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b[31mred\\u202e[b]x[/b]" in out


def test_the_same_as_data(ask):
    code, out, _ = ask("3600001", "--json")
    answer = json.loads(out)
    assert (0, "problem") == (code, answer["stories"][0]["now"])
    assert 3 == ask("nimbus", "--json")[0]
    assert 2 == len(json.loads(ask("nimbus", "--json")[1])["hits"])


@pytest.mark.parametrize(
    ("url", "message"),
    [("/nowhere/at/all", "There is no run in the archive /nowhere/at/all"), ("file:///nowhere", "There is no run")],
)
def test_an_archive_that_is_not_there_is_said_so(ask, url, message):
    code, out, err = ask("x", "--archive", url)
    assert (2, "") == (code, out)
    assert message in err


def test_it_runs_as_a_module_and_leaves_with_its_code(past):
    past.run(-1, [a_create(1, "Nimbus Systems")])
    command = [sys.executable, "-m", "partner_sync.why", "nimbus", "--archive", str(past.archive.root)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=60)
    assert (0, "") == (done.returncode, done.stderr)
    assert "Nimbus Systems" in done.stdout

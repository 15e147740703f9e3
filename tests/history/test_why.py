"""`python -m partner_sync.why`: an organization, matches, similar names, or an error; each with an exit code."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from partner_sync.cli.explain import main
from tests.history.past import a_create, a_hold, a_mark, a_partner, a_problem, account, an_update

REPOSITORY = Path(__file__).parents[2]


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


def test_an_organization_is_shown_with_everything_known_of_it(ask):
    code, out, err = ask("nimbus systems")
    assert (0, "") == (code, err)
    for part in (
        f"Nimbus Systems\naccount {account(1)} · organization 3600001 · global\n",
        "https://acme.zendesk.com/agent/organizations/3600001",
        "Needs attention since 2026-11-24 11:00 UTC",
        "Name already in use.\n",
        "! Name already in use\n  name_taken 1\n  Rename one of them.",
        "account_type   unknown     unknown  2026-11-24 09:00, was empty",
        "update rejected  it differs; Zendesk refused it: name; RecordInvalid Name: has already been taken",
        "account_owner: A. Ortiz -> M. Weber",
        "create confirmed",
    ):
        assert part in out
    assert [] == [line for line in out.splitlines() if line != line.rstrip()]


def test_every_field_shows_both_systems_and_our_last_write(past, ask):
    past.run(-0.8, [an_update(4, "Kestrel", account_type=("customer", "open_partner"))])
    past.run(-0.5)
    past.read_partners(-0.5, a_partner(4, "Kestrel", owner="Someone Else"), a_partner(5, "Harbour", there=False))
    _, out, _ = ask("kestrel")
    assert "    Field          Salesforce    Zendesk       Last written by Partner Sync\n" in out
    assert "    account_type   open_partner  open_partner  2026-11-24 11:12, was customer\n" in out
    assert "  ≠ account_owner  B             Someone Else  never\n" in out
    _, out, _ = ask("harbour")
    assert "    account_owner  B             -        never\n" in out


def test_a_problem_that_is_over_stays_in_the_history_with_its_end(past, ask):
    past.run(-0.5)
    _, out, _ = ask("nimbus systems")
    assert "! Name already in use" not in out
    assert "problem: Name already in use, last seen 2026-11-24 11:00  name_taken 1" in out


def test_a_mark_on_hold_shows_why_its_evidence_and_its_tickets(past, ask):
    past.run(-0.5, holds=[a_hold(a_mark(2, "Nimbus West", tickets=2, users=5), reason="open_tickets")])
    _, out, _ = ask("nimbus west")
    assert "Its last mark is on hold: open tickets." in out
    assert "mark on hold  open tickets; deleted in Salesforce, seen 23 Nov; 2 open tickets, 5 users\n" in out


def test_an_organization_without_account_is_shown_without_the_names_of_others(past, ask):
    past.read_partners(
        -1,
        a_partner(6, "Elbrus", account_id=None, desired=None),
        a_partner(7, "Strangers", account_id=None, desired=None),
    )
    code, out, _ = ask("3600006")
    assert 0 == code
    assert out.startswith("Elbrus\nno account · organization 3600006 · global\n")
    assert "Strangers" not in out


@pytest.mark.parametrize("who", [account(2), account(2)[:15], "3600002", "nimbus west"])
def test_it_is_found_by_every_id(ask, who):
    code, out, _ = ask(who)
    assert 0 == code
    assert "Marked for deletion since 2026-11-24 11:00 UTC" in out


def test_several_matches_are_listed_with_their_ids(ask):
    code, out, _ = ask("nimbus")
    assert 3 == code
    assert "2 matches for 'nimbus'" in out
    assert account(1) in out
    assert "3600002" in out


def test_without_a_match_similar_names_are_shown(ask):
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
def test_an_archive_that_does_not_exist_is_an_error(ask, url, message):
    code, out, err = ask("x", "--archive", url)
    assert (2, "") == (code, out)
    assert message in err


def test_it_runs_as_a_module_and_leaves_with_its_code(past):
    past.run(-1, [a_create(1, "Nimbus Systems")])
    command = [sys.executable, "-m", "partner_sync.why", "nimbus", "--archive", str(past.archive.root)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, timeout=60)
    assert (0, "") == (done.returncode, done.stderr)
    assert "Nimbus Systems" in done.stdout


def test_its_help_names_examples_and_every_exit_code():
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit, match="0"):
        main(["--help"], {}, out, err)
    text = out.getvalue()
    assert "examples:\n  python -m partner_sync.why " in text
    for code in (0, 1, 2, 3):
        assert f"\n  {code}  " in text


def test_a_reader_of_its_output_that_leaves_early_is_no_error(past):
    past.run(-1, [a_create(number) for number in range(60)])
    command = f"{sys.executable} -m partner_sync.why partner --archive {past.archive.root} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=REPOSITORY, timeout=60)
    assert ("60 matches for 'partner'. Choose by id:\n", "") == (done.stdout, done.stderr)


def test_an_index_that_cannot_be_kept_is_an_error(past, ask):
    (past.folder / "history").write_text("no folder")
    code, out, err = ask("nimbus systems")
    assert (2, "") == (code, out)
    assert "The index in" in err.replace("\n", " ")


def test_all_that_a_page_leaves_out_is_in_the_json(past, ask):
    for hour in range(-600, -10):
        past.run(hour, [an_update(9, "Flapping")], written=False)
    _, out, _ = ask("flapping", "--json")
    assert 590 == len(json.loads(out)["stories"][0]["history"])


def test_a_name_without_a_history_is_no_match(past, ask):
    ask("nimbus")
    [index] = (past.folder / "history").glob("*/*.sqlite")
    with contextlib.closing(sqlite3.connect(index)) as db, db:
        db.execute("INSERT INTO subject VALUES ('global', '', 77, 'Gone Ltd', 'gone ltd', 0)")
    code, out, err = ask("gone ltd")
    assert (1, "") == (code, out)
    assert "No match for 'gone ltd'" in err

"""What a reader at a terminal gets: help with examples for each command, and the fields that a config needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from partner_sync.cli.commands import COMMANDS, Command

REPOSITORY = Path(__file__).parents[2]


def typed(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """What comes of `python ARGUMENTS` in a terminal of 120 columns."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env={"PATH": os.defpath, "COLUMNS": "120", **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.typed.removeprefix("python -m "))
def test_help_has_examples_exit_codes_and_environment(command: Command):
    done = typed(*command.typed.split()[1:], "--help")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0].startswith(f"usage: {command.typed}")
    for title, part in command.help_sections.items():
        assert f"{title}:" in lines
        for name, meaning in part.items():
            assert f"{name} {meaning}" in lines or (name in lines and meaning in lines)


def test_without_arguments_it_lists_all_commands():
    done = typed("-m", "partner_sync")
    assert done.returncode == 0
    assert done.stdout == typed("-m", "partner_sync", "--help").stdout
    lines = [line.strip() for line in done.stdout.splitlines()]
    for command in COMMANDS:
        assert any(line.startswith(f"{command.typed} ") for line in lines), command.typed


def test_fields_come_out_as_tables_that_fit_the_width():
    done = typed("-m", "partner_sync", "fields")
    assert done.returncode == 0
    assert "salesforce_id" in done.stdout
    assert "`" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120


@pytest.mark.parametrize("arguments", [["nope"], ["fields", "--nope"], ["fields", "problems"]])
def test_what_is_not_there_is_refused_in_one_line(arguments):
    done = typed("-m", "partner_sync", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("usage: python -m partner_sync")


def test_fields_are_those_of_the_config_that_is_named(tmp_path):
    other = tmp_path / "other.toml"
    shipped = (REPOSITORY / "dags" / "partner_sync.toml").read_text()
    other.write_text(shipped.replace("Partner_Track__c", "Track__c"))
    by_option = typed("-m", "partner_sync", "fields", "--config", str(other))
    by_variable = typed("-m", "partner_sync", "fields", PARTNER_SYNC_CONFIG=str(other))
    assert by_option.stdout == by_variable.stdout
    assert "Track__c" in by_option.stdout
    assert "Partner_Track__c" not in by_option.stdout


def test_a_config_with_errors_has_all_of_them_named(tmp_path):
    broken = tmp_path / "broken.toml"
    shipped = (REPOSITORY / "dags" / "partner_sync.toml").read_text()
    broken.write_text(shipped.replace('rule = "id_15"', 'rule = "sum"').replace("attempts = 4", "attempts = 0"))
    done = typed("-m", "partner_sync", "fields", "--config", str(broken))
    assert (done.returncode, done.stdout) == (2, "")
    assert "has 2 errors" in done.stderr
    assert 'attribute "sfdc_short_id", rule is "sum"' in done.stderr
    assert "calls.attempts" in done.stderr


def test_a_config_that_is_not_there_is_said(tmp_path):
    done = typed("-m", "partner_sync", "fields", "--config", str(tmp_path / "none.toml"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "none.toml cannot be read" in done.stderr

"""What the README says is so: commands, files, params, kinds and output; what the code has, the README names."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from partner_sync.config import load
from partner_sync.model import KINDS, Verdict
from partner_sync.problems import PROBLEM_ADVICE

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
PROSE = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
TOML = (REPOSITORY / "dags" / "partner_sync.toml").read_text(encoding="utf-8")


def table(heading: str) -> set[str]:
    """The names in code style in the first column of the table whose first column is called `heading`."""
    rows = re.search(rf"^\| {heading} \|.*\n\|---.*\n((?:\|.*\n)+)", README, re.MULTILINE)[1]
    return {name for row in rows.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def block(name: str) -> str:
    """The code block between <!-- name --> and <!-- end -->."""
    return re.search(rf"<!-- {re.escape(name)} -->\n```\n(.*?)```\n<!-- end -->", README, re.DOTALL)[1]


def test_every_make_target_it_names_exists_and_every_target_is_named():
    targets = set(re.findall(r"^([a-z-]+):.* ## ", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert targets == set(re.findall(r"`(?:[A-Z]+='[^`]*' )?make ([a-z-]+)", PROSE)) | {"help"} & targets


def test_every_file_it_names_exists():
    named = set(re.findall(r"`([\w./-]+\.(?:py|toml|md|txt|yaml)|[\w-]+/(?:[\w-]+/?)*|LICENSE)`", PROSE))
    roots = (REPOSITORY, REPOSITORY / "partner_sync")
    assert {name for name in named if not any((root / name).exists() for root in roots)} == set()


def test_every_environment_variable_it_names_is_read_somewhere():
    sources = "".join(path.read_text() for path in (REPOSITORY / "partner_sync").rglob("*.py"))
    ours = set(re.findall(r"(?<!AIRFLOW_CONN_)PARTNER_SYNC_[A-Z]+", README))
    assert {name for name in ours if name not in sources} == set()


def test_kinds_problems_and_verdicts_are_the_codes_own():
    assert set(KINDS) == table("kind")
    assert set(PROBLEM_ADVICE) == table("problem")
    assert set(get_args(Verdict)) == table("verdict")


def test_metrics_and_options_of_retention_are_the_codes_own():
    figures = (REPOSITORY / "partner_sync" / "figures.py").read_text()
    emitted = set(re.findall(r'"partner_sync\.(\w+)"', figures)) | set(get_args(Verdict))
    named = re.search(r"\| metric \|.*\n\|---.*\n((?:\|.*\n)+)", README)[1]
    assert emitted == set(re.findall(r"`partner_sync\.(\w+)`", named))
    retention = (REPOSITORY / "partner_sync" / "retention.py").read_text()
    options = re.search(r"\| option \|.*\n\|---.*\n((?:\|.*\n)+)", README)[1]
    defaults = dict(re.findall(r'"(--[\w-]+)", type=.*default=(\d+)', retention))
    assert defaults == dict(re.findall(r"\| `(--[\w-]+)` \| (\d+) \|", options))


def test_params_are_the_dags_own():
    dag_file = (REPOSITORY / "dags" / "partner_sync_dag.py").read_text()
    assert set(re.findall(r'"(\w+)": Param\(', dag_file)) == table("param")


def test_the_config_it_shows_is_valid():
    (added,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    before = "\n[partners]"
    config = load(TOML.replace(before, f"\n{added}{before}", 1), "README")
    assert "partner_region" in {attribute.field for attribute in config.attributes}
    rules = set(re.search(r"rule = .*# (.*)", added)[1].replace(" or ", ", ").split(", "))
    assert {"id_18", "id_15", "text", "checkbox", "dropdown", "date", "number"} == rules


def test_the_connections_it_shows_are_json_of_the_providers_types():
    shown = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]
    assert ["salesforce", "zendesk", "smtp", "apprise"] == [connection["conn_type"] for connection in shown]


def test_the_conf_it_shows_are_params_of_the_dag():
    for text in re.findall(r"CONF='([^']*)'", README):
        assert set(json.loads(text)) <= table("param")


@pytest.mark.parametrize("name", ["make run", "make run again"])
def test_the_output_it_shows_is_what_a_run_shows(name, runs):
    shown = [line for line in block(name).splitlines() if line.strip() not in ("", "…", "$ make run")]
    told = {_steady(line) for line in runs[name].splitlines()}
    assert [] == [line for line in shown if _is_summary(line) and _steady(line) not in told]


def _is_summary(line: str) -> bool:
    """Not a line of progress, which begins with the seconds: those are of one machine and one moment."""
    return not re.match(r"\s*\d+\.\d s ", line)


def _steady(line: str) -> str:
    """A line without what differs from run to run: seconds, dates, job ids, rule characters, the home's place."""
    line = re.sub(r"\d+\.\d s|V3-[0-9a-f]{32}|─+", "", line)
    line = re.sub(r"\S*(?:archive/runs|logs/run-)\S*", "", line)
    return " ".join(line.split())


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, str]:
    """What `make run` shows, twice, on the sandbox's own world."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PARTNER_SYNC"))}
    environ |= {"PARTNER_SYNC_HOME": str(tmp_path_factory.mktemp("run") / "home"), "COLUMNS": "100"}
    told = {}
    for name in ("make run", "make run again"):
        done = subprocess.run(
            [sys.executable, "-m", "partner_sync.local", "run"],
            cwd=REPOSITORY,
            env=environ,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        told[name] = done.stdout
    return told

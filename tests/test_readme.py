"""What the README says is so, and what the code has, the README names: commands, files, params, keys, kinds, errors."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import get_args

import pytest

import partner_sync
from partner_sync import errors
from partner_sync.__main__ import main
from partner_sync.cli import commands
from partner_sync.cli.reference import PARTS
from partner_sync.compare.guards import limit
from partner_sync.compare.problem_kinds import PROBLEM_KINDS
from partner_sync.config.load import load
from partner_sync.config.params import PARAMS
from partner_sync.config.settings import LIMITS, Rule
from partner_sync.model import KINDS, Mark, Verdict
from partner_sync.vendors.connection_checks import SALESFORCE_TEXTS, SALESFORCE_WAYS, ZENDESK_TEXTS
from partner_sync.vendors.zendesk_auth import SCOPE, TOKEN_SECONDS
from tests.readme_page import PROSE, README, REPOSITORY, block, rows, table

PACKAGE = REPOSITORY / "partner_sync"
TOML = (REPOSITORY / "dags" / "partner_sync.toml").read_text(encoding="utf-8")
DAG = (REPOSITORY / "dags" / "partner_sync_dag.py").read_text(encoding="utf-8")
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
COMPOSE = "".join((REPOSITORY / name).read_text(encoding="utf-8") for name in ("docker-compose.yaml", ".env.example"))
REPAIR = "`make readme` writes it anew."


def code(*folders: str) -> str:
    """All code in some folders."""
    kinds = {".py", ".toml", ".sh", ".html", ".yaml"}
    paths = [path for folder in folders for path in (REPOSITORY / folder).rglob("*") if path.suffix in kinds]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


# -- its structure ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """What `make readme` runs."""
    spec = importlib.util.spec_from_file_location("readme", REPOSITORY / ".ci" / "readme.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_contents_list_has_every_chapter_in_its_order(script):
    listed = script.CONTENTS.search(README)[0]
    assert listed == f"<!-- contents -->\n{script.contents(README)}<!-- end -->", REPAIR
    assert listed.count("* [") > 10


def test_every_link_within_the_page_leads_to_a_heading(script):
    headings = {script.anchor(one) for one in re.findall(r"^#+ (.+)$", PROSE, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", PROSE)) - headings == set()


def test_the_first_screen_says_what_it_is_and_how_to_start():
    first = README.split("## Contents")[0]
    assert len(first.splitlines()) <= 50
    started = re.findall(r"^(\S.*?)  +# ", first, re.MULTILINE)
    assert started == ["make run", """CONF='{"dry_run": true}' make run""", "make up"]


# -- what the code generates --------------------------------------------------------------------------------


@pytest.fixture
def generated(script) -> dict[str, str]:
    """What stands between the marks of each generated part."""
    return {found[2]: found[0] for found in script.PART.finditer(README)}


@pytest.mark.parametrize("part", [*PARTS, "fields"])
def test_a_part_is_what_the_command_says_now(generated, part, capsys, monkeypatch):
    monkeypatch.delenv("PARTNER_SYNC_CONFIG", raising=False)
    assert main([part, "--markdown"]) == 0
    said = f"<!-- python -m partner_sync {part} -->\n\n{capsys.readouterr().out}\n<!-- end -->"
    assert generated.get(part) == said, REPAIR


def test_every_part_is_one_that_the_command_knows(generated):
    assert set(generated) == {*PARTS, "fields"}


# -- names, in both directions ------------------------------------------------------------------------------


def test_every_make_target_it_names_exists_and_every_target_is_named():
    targets = set(re.findall(r"^([a-z-]+):.* ## ", MAKEFILE, re.MULTILINE))
    assert targets == set(re.findall(r"`(?:[A-Z]+='[^`]*' )?make ([a-z-]+)", PROSE)) | {"help"} & targets


def test_every_command_it_names_can_be_typed_and_every_one_that_can_is_named():
    single = {path for path in PACKAGE.glob("[!_]*.py") if "\nif __name__ ==" in path.read_text(encoding="utf-8")}
    runnable = {path.with_suffix("") for path in single} | {path.parent for path in PACKAGE.rglob("__main__.py")}
    modules = {".".join(path.relative_to(REPOSITORY).parts) for path in runnable}
    assert modules == {one.typed.split()[2] for one in commands.COMMANDS}, "partner_sync/commands.py lists commands"
    assert modules == set(re.findall(r"python -m ([\w.]+)", README))
    assert {one.make for one in commands.COMMANDS if one.make} <= set(re.findall(r"`(make [a-z]+)`", PROSE))


def test_every_file_it_names_exists():
    named = set(re.findall(r"`([\w./-]+\.(?:py|toml|md|txt|yaml)|[\w-]+/(?:[\w-]+/?)*|LICENSE)`", PROSE))
    roots = (REPOSITORY, PACKAGE, REPOSITORY / "dags")
    assert {name for name in named if not any((root / name).exists() for root in roots)} == set()


def test_every_environment_variable_that_is_read_is_listed_and_every_one_listed_is_read():
    sources = code("partner_sync")
    asked = re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"|"([A-Z_]+)" in os\.environ', sources)
    not_ours = {"PATH", "PYTHONPATH", "AIRFLOW__CORE__DAGS_FOLDER"}  # the last one is set for a child by its parent
    assert {name for pair in asked for name in pair if name} - not_ours <= set(commands.VARIABLES)
    assert [name for name in commands.VARIABLES if sources.count(name) < 2] == []
    assert set(re.findall(r"(?<!AIRFLOW_CONN_)PARTNER_SYNC_[A-Z]+", README)) <= set(commands.VARIABLES)


def test_every_name_in_code_style_is_a_name_in_the_code(script):
    words = set(re.findall(r"[A-Za-z_]\w*", code("partner_sync", "dags", "plugins") + MAKEFILE + COMPOSE))
    by_hand = script.PART.sub("", PROSE)
    named = {name for name in re.findall(r"`([A-Za-z]\w*)`", by_hand) if "_" in name and "AIRFLOW__" not in name}
    assert named - words == {"zendesk_oauth"}, "an example, the only one"


def test_every_error_is_named_and_every_error_named_is_one():
    for module in pkgutil.iter_modules(partner_sync.__path__, "partner_sync."):
        if not module.ispkg and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = set(_tree(errors.PartnerSyncError))
    assert {one for one in found if one.__module__ != errors.__name__} == set(), "errors.py has all of them"
    assert [one for one in found if "advice" not in vars(one)] == []
    assert {one.__name__ for one in found} == set(re.findall(r"`(\w+Error)`", PROSE))
    assert {one.__name__ for one in found} - {"PartnerSyncError"} == table("error")


def _tree(kind: type) -> Iterator[type]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _tree(narrower)


def test_kinds_problems_verdicts_rules_and_params_are_the_codes_own():
    assert set(KINDS) == table("kind")
    assert set(PROBLEM_KINDS) == table("problem")
    assert set(get_args(Verdict)) == table("verdict")
    assert set(get_args(Rule)) == table("rule")
    assert set(PARAMS) == table("param")


def test_metrics_and_options_of_retention_are_the_codes_own():
    emitted = set(re.findall(r'"partner_sync\.(\w+)"', (PACKAGE / "orchestration" / "telemetry.py").read_text())) | set(
        get_args(Verdict)
    )
    assert emitted == set(re.findall(r"`partner_sync\.(\w+)`", "".join(rows("metric"))))
    retention = (PACKAGE / "cli" / "delete_expired.py").read_text()
    defaults = dict(re.findall(r'"(--[\w-]+)", type=.*default=(\d+)', retention))
    assert defaults == dict(re.findall(r"\| `(--[\w-]+)` \| (\d+) \|", README))


def test_the_keys_of_a_connection_are_those_that_are_read():
    assert {*SALESFORCE_TEXTS, "login", "password"} == table("salesforce")
    assert {*ZENDESK_TEXTS, "host", "login", "password", "use_token"} == table("zendesk")
    shown = [set(re.findall(r"`(\w+)`", row)) for row in rows("salesforce")]
    assert [way for way in SALESFORCE_WAYS if not any(set(way) <= row for row in shown)] == []


# -- what it shows ------------------------------------------------------------------------------------------


def test_the_config_it_shows_is_valid():
    (added,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    before = "\n[partners]"
    config = load(TOML.replace(before, f"\n{added}{before}", 1), "README")
    assert "partner_region" in {attribute.field for attribute in config.attributes}
    assert set(get_args(Rule)) == set(re.search(r"rule = .*# (.*)", added)[1].replace(" or ", ", ").split(", "))


def test_the_connections_it_shows_are_json_of_the_providers_types():
    shown = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]
    assert ["salesforce", "zendesk", "smtp", "apprise"] == [connection["conn_type"] for connection in shown]


def test_the_conf_it_shows_are_params_of_the_dag():
    for text in re.findall(r"CONF='([^']*)'", README):
        assert set(json.loads(text)) <= set(PARAMS)


def test_the_message_of_a_withheld_run_is_the_codes_own():
    marks = [Mark("global", str(number), number, "", (), "") for number in range(37)]
    (withheld,) = limit("global", marks, 150, LIMITS, {})
    assert " ".join(block("withheld").split()) == f"{withheld.why} {withheld.next_step}"


def test_scope_and_life_of_a_token_are_those_that_are_asked_for():
    assert f"asks for `{SCOPE}` with each token, for {TOKEN_SECONDS // 60} minutes" in " ".join(PROSE.split())


def test_the_row_that_is_followed_through_the_files_is_one_of_the_run_that_is_shown():
    chapter = README.split("\n## How it works\n")[1]
    for said in ("0014M00001KInlPQAT", "Grünspan & Töchter GmbH", "60 of 60", "400 of 400", "create 1-4"):
        assert said in chapter
        assert said in block("make run, all")


def test_times_and_tries_are_those_of_the_dag_and_its_tasks():
    waits = dict(re.findall(r'\b(dagrun_timeout|retry_delay)"?[=:] ?timedelta\(\w+=(\d+)', DAG))
    tries = re.findall(r'"?retries"?[=:] ?(\d)', DAG)
    assert tries == list(re.search(r"Airflow tries (\d) times more, (\d) for `sync`", PROSE).groups())
    assert waits["dagrun_timeout"] == re.search(r"takes more than (\d+) minutes", PROSE)[1]
    assert waits["retry_delay"] == re.search(r"after (\d+) seconds, then ever later", PROSE)[1]
    held = re.search(r"SYNC_TIMEOUT = timedelta\(minutes=(\d+)\)", code("partner_sync"))[1]
    assert held == re.search(r"hold newer plans back for (\d+) minutes", PROSE)[1]

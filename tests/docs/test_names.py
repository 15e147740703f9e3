"""What the pages name exists, and what the code has, the pages name: commands, files, params, keys, kinds, errors."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from typing import get_args

import partner_sync
from docs.generate import BETWEEN
from partner_sync import errors
from partner_sync.cli import commands
from partner_sync.compare.problem_kinds import PROBLEM_KINDS
from partner_sync.config.load import load
from partner_sync.config.params import PARAMS
from partner_sync.config.settings import Rule
from partner_sync.model import HOLD_REASONS, KINDS, Verdict
from partner_sync.vendors.connection_checks import SALESFORCE_TEXTS, SALESFORCE_WAYS, ZENDESK_TEXTS
from partner_sync.vendors.zendesk_auth import SCOPE
from tests.docs.pages import PROSE, REPOSITORY, SHOWN, TEXT, rows, table

PACKAGE = REPOSITORY / "partner_sync"
TOML = (REPOSITORY / "dags" / "partner_sync.toml").read_text(encoding="utf-8")
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
COMPOSE = "".join((REPOSITORY / name).read_text(encoding="utf-8") for name in ("docker-compose.yaml", ".env.example"))


def code(*folders: str) -> str:
    """All code in some folders."""
    kinds = {".py", ".toml", ".sh", ".html", ".yaml"}
    paths = [path for folder in folders for path in (REPOSITORY / folder).rglob("*") if path.suffix in kinds]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


# -- names, in both directions ------------------------------------------------------------------------------


def test_every_make_target_it_names_exists_and_every_target_is_named():
    targets = set(re.findall(r"^([a-z-]+):.* ## ", MAKEFILE, re.MULTILINE))
    assert targets == set(re.findall(r"`(?:[A-Z]+='[^`]*' )?make ([a-z-]+)", PROSE)) | {"help"} & targets


def test_every_command_it_names_can_be_typed_and_every_one_that_can_is_named():
    single = {path for path in PACKAGE.glob("[!_]*.py") if "\nif __name__ ==" in path.read_text(encoding="utf-8")}
    runnable = {path.with_suffix("") for path in single} | {path.parent for path in PACKAGE.rglob("__main__.py")}
    modules = {".".join(path.relative_to(REPOSITORY).parts) for path in runnable}
    assert modules == {one.typed.split()[2] for one in commands.COMMANDS}, "partner_sync/cli/commands.py lists commands"
    assert modules == set(re.findall(r"python -m (partner_sync[\w.]*)", TEXT))
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
    assert set(re.findall(r"(?<!AIRFLOW_CONN_)PARTNER_SYNC_[A-Z]+", TEXT)) <= set(commands.VARIABLES)


def test_every_name_in_code_style_is_a_name_in_the_code():
    words = set(re.findall(r"[A-Za-z_]\w*", code("partner_sync", "dags", "plugins") + MAKEFILE + COMPOSE))
    by_hand = BETWEEN.sub("", PROSE)
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


def test_kinds_problems_holds_verdicts_rules_and_params_are_the_codes_own():
    assert set(KINDS) == table("kind")
    assert set(HOLD_REASONS) == table("hold")
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
    assert defaults == dict(re.findall(r"\| `(--[\w-]+)` \| (\d+) \|", TEXT))


def test_the_keys_of_a_connection_are_those_that_are_read():
    assert {*SALESFORCE_TEXTS, "login", "password"} == table("salesforce")
    assert {*ZENDESK_TEXTS, "host", "login", "password", "use_token"} == table("zendesk")
    shown = [set(re.findall(r"`(\w+)`", row)) for row in rows("salesforce")]
    assert [way for way in SALESFORCE_WAYS if not any(set(way) <= row for row in shown)] == []


# -- what it shows ------------------------------------------------------------------------------------------


def test_the_config_it_shows_is_valid():
    (added,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    before = "\n[partners]"
    config = load(TOML.replace(before, f"\n{added}{before}", 1), "config.md")
    assert "partner_region" in {attribute.field for attribute in config.attributes}
    assert set(get_args(Rule)) == set(re.search(r"rule = .*# (.*)", added)[1].replace(" or ", ", ").split(", "))


def test_the_connections_it_shows_are_json_of_the_providers_types():
    shown = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]
    assert ["salesforce", "zendesk", "smtp", "apprise"] == [connection["conn_type"] for connection in shown]


def test_the_conf_it_shows_are_params_of_the_dag():
    for text in re.findall(r"CONF='([^']*)'", TEXT):
        assert set(json.loads(text)) <= set(PARAMS)


def test_the_scope_of_a_token_is_the_scope_it_requests():
    assert f"`{SCOPE}`" in PROSE


def test_the_row_that_architecture_follows_is_a_row_of_the_shown_run():
    page = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    for named in ("0014M00001KInlPQAT", "Grünspan & Töchter GmbH", "60 of 60", "400 of 400", "create 1-4"):
        assert named in " ".join(page.split())
        assert named in SHOWN["output of the first run"]

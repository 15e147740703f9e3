"""`pip install .` in a fresh environment: the DAG parses, the page is in the navigation, the commands answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import partner_sync
from partner_sync.cli.commands import COMMANDS
from tests.packaging.requirements import REPOSITORY

pytestmark = pytest.mark.wheel

SOURCE = ("pyproject.toml", "README.md", "LICENSE")
"""All that the wheel is made of, beside the package."""
LEFT_OUT = shutil.ignore_patterns("__pycache__")

Installed = Callable[..., subprocess.CompletedProcess[str]]
"""Runs a command of the fresh environment in an Airflow of its own, outside the checkout."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """An Airflow that somebody else set up: a DAGs folder with our two files, an empty plugins folder, no archive."""
    made = tmp_path_factory.mktemp("wheel")
    for name in SOURCE:
        (made / "source").mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, made / "source")
    shutil.copytree(REPOSITORY / "partner_sync", made / "source" / "partner_sync", ignore=LEFT_OUT)
    shutil.copytree(REPOSITORY / "dags", made / "dags", ignore=LEFT_OUT)
    shutil.copy(REPOSITORY / "constraints.txt", made)
    for name in ("plugins", "home"):
        (made / name).mkdir()
    return made


@pytest.fixture(scope="module")
def installed(folder: Path) -> Iterator[Installed]:
    (folder / "requirements.txt").write_text("-c constraints.txt\n./source\n")
    script = REPOSITORY / "partner_sync" / "local" / "venv.sh"
    environ = {**os.environ, "PYTHON": sys.executable}
    made = subprocess.run(
        [script, "venv", "requirements.txt"], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert 0 == made.returncode, made.stderr
    environ = {
        "PATH": f"{folder / 'venv' / 'bin'}:{os.defpath}",
        "HOME": str(folder / "home"),
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "COLUMNS": "200",
    }

    def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
        env = environ | more
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)

    assert 0 == run("airflow", "db", "migrate").returncode
    yield run
    shutil.rmtree(folder / "venv")


def data(done: subprocess.CompletedProcess[str]) -> Any:
    """What a command shows as JSON in its last line, below Airflow's warnings."""
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_version_is_that_of_the_package(installed):
    done = installed("python", "-c", "import importlib.metadata as m; print(m.version('partner-sync'))")
    assert partner_sync.__version__ == done.stdout.strip()


def test_every_file_of_the_package_is_installed(folder, installed):
    done = installed("python", "-c", "import partner_sync; print(partner_sync.__path__[0])")
    package, source = Path(done.stdout.strip()), folder / "source" / "partner_sync"
    assert package.is_relative_to(folder / "venv")
    assert {path.relative_to(source) for path in source.rglob("*") if path.is_file()} == {
        path.relative_to(package) for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"
    }


def test_the_dag_parses_without_import_errors(installed):
    assert [] == data(installed("airflow", "dags", "list-import-errors", "--local", "-o", "json"))
    assert ["partner_sync"] == [
        dag["dag_id"] for dag in data(installed("airflow", "dags", "list", "--local", "-o", "json"))
    ]


NAVIGATION = """
import json
from airflow import plugins_manager

views = [view["name"] for plugin in plugins_manager.get_plugin_info() for view in plugin["external_views"]]
print(json.dumps([sorted(views), plugins_manager.get_import_errors()]))
"""


@pytest.mark.parametrize("copied", [False, True], ids=["entry_point", "entry_point_and_copied_plugin"])
def test_the_page_is_in_the_navigation_once(folder, installed, copied):
    if copied:
        shutil.copy(REPOSITORY / "plugins" / "partner_sync_page.py", folder / "plugins")
    assert [["Partner Sync", "Plan"], {}] == data(installed("python", "-c", NAVIGATION))


SERVED = """
import json
from airflow.api_fastapi.app import create_app
from fastapi.testclient import TestClient

with TestClient(create_app(apps="core")) as client:
    page, style = (client.get(f"/partner-sync/{path}") for path in ("", "static/page.css"))
    print(json.dumps([page.status_code, page.text.count("<title>Partner Sync</title>"), style.status_code]))
"""


def test_the_page_is_served_with_its_templates_and_static_files(folder, installed):
    environ = {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True", "PARTNER_SYNC_ARCHIVE": str(folder / "archive")}
    assert [200, 1, 200] == data(installed("python", "-c", SERVED, **environ))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.typed)
def test_every_command_answers_help(installed, command):
    done = installed(*command.typed.split(), "--help")
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith(f"usage: {command.typed}")


@pytest.mark.parametrize("name", ["run", "up", "airflow", "clean"])
def test_what_needs_the_checkout_is_refused(installed, name):
    done = installed("python", "-m", "partner_sync.local", name)
    expected = f"`make {name}` needs a checkout of Partner Sync; the installed package has no DAG file.\n"
    assert (2, "", expected) == (done.returncode, done.stdout, done.stderr)


def test_an_archive_has_to_be_named(installed):
    done = installed("python", "-m", "partner_sync.history")
    assert 2 == done.returncode
    assert "PARTNER_SYNC_ARCHIVE is not set. Set it to a folder or to s3://CONN_ID@bucket/prefix" in done.stderr


def test_a_named_archive_is_indexed(folder, installed):
    done = installed("python", "-m", "partner_sync.history", PARTNER_SYNC_ARCHIVE=str(folder / "archive"))
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.endswith("0 runs are indexed.\n")


def test_the_fields_of_a_config_are_listed(installed):
    done = installed("python", "-m", "partner_sync", "fields", "--config", "dags/partner_sync.toml")
    assert (0, "") == (done.returncode, done.stderr)
    assert "mark_for_deletion" in done.stdout

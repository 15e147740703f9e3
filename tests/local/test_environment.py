"""The settings of the embedded default are complete, agree with each other, and keep all state in the home."""

from __future__ import annotations

import pytest

from partner_sync.local.environment import embedded, ignored
from partner_sync.local.home import Home
from partner_sync.orchestration.locations import CHECKOUT

CONNECTIONS = {"AIRFLOW_CONN_SALESFORCE_DEFAULT": "{}", "AIRFLOW_CONN_ZENDESK_DEFAULT": "{}"}


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "a home")
    with home.claim("a test"):
        home.make()
        yield home


def test_the_address_is_one_and_the_same_for_people_and_for_tasks(home):
    env = embedded({}, home, CONNECTIONS, port=8099)
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert env["AIRFLOW__API__PORT"] == "8099"
    assert env["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:8099"
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8099/execution/"


def test_tasks_may_have_an_address_of_their_own(home):
    env = embedded({}, home, CONNECTIONS, port=8099, tasks_port=8100)
    assert env["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:8099"
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8100/execution/"


def test_every_path_lies_in_the_home_or_in_the_checkout(home):
    env = embedded({"PATH": "/bin"}, home, CONNECTIONS)
    values = {name: value.removeprefix("sqlite:///").removeprefix("file://") for name, value in env.items()}
    paths = {name: value for name, value in values.items() if value.startswith("/") and name != "PATH"}
    assert {name for name, path in paths.items() if not path.startswith((str(home.root), str(CHECKOUT)))} == set()
    assert {"AIRFLOW_HOME", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__LOGGING__BASE_LOG_FOLDER"} <= set(paths)
    assert {"AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH", "PARTNER_SYNC_ARCHIVE", "PARTNER_SYNC_HOME"} <= set(paths)


def test_xcoms_are_objects_and_examples_stay_out(home):
    env = embedded({}, home, CONNECTIONS)
    assert env["AIRFLOW__CORE__XCOM_BACKEND"].endswith(".XComObjectStorageBackend")
    assert env["AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD"] == "1024"
    assert env["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert env["PYTHONPATH"] == str(CHECKOUT)


@pytest.mark.parametrize("paused", [True, False])
def test_the_dag_is_paused_where_it_is_asked_to(home, paused):
    assert embedded({}, home, CONNECTIONS, paused=paused)["AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"] == str(paused)


def test_the_secret_of_tokens_is_long_enough_and_the_same_the_next_time(home):
    first, second = (embedded({}, home, CONNECTIONS)["AIRFLOW__API_AUTH__JWT_SECRET"] for _ in range(2))
    assert len(first) >= 64
    assert first == second


def test_airflow_settings_of_the_caller_are_not_used_but_connections_and_ours_are(home):
    caller = {
        "AIRFLOW_HOME": "/elsewhere",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://production",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW_CONN_ARCHIVE": "aws://",
        "PARTNER_SYNC_CONFIG": "/my/config.toml",
        "PARTNER_SYNC_ARCHIVE": "s3://archive@bucket",
        "LANG": "C.UTF-8",
    }
    env = embedded(caller, home, CONNECTIONS)
    assert ignored(caller) == ["AIRFLOW_HOME", "AIRFLOW__CORE__EXECUTOR", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert "production" not in " ".join(env.values())
    kept = ("AIRFLOW_CONN_ARCHIVE", "PARTNER_SYNC_CONFIG", "PARTNER_SYNC_ARCHIVE", "LANG")
    assert {name: env[name] for name in kept} == {name: caller[name] for name in kept}


def test_no_proxy_stands_between_processes_of_this_machine(home):
    env = embedded({"NO_PROXY": "intranet"}, home, CONNECTIONS)
    assert env["NO_PROXY"] == "127.0.0.1,localhost,intranet"
    assert env["no_proxy"] == "127.0.0.1,localhost"

"""The DAG file is parsed at every task's start: quickly, and by reading nothing but code and the schedule."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
MILLISECONDS = 150

PARSE = """
import importlib.util, json, sys, sysconfig, time

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Asset, AssetAlias, AsyncCallback, DeadlineAlert, DeadlineReference, Param
from airflow.sdk import RetryDecision, RetryPolicy, get_current_context
from airflow.sdk.observability import stats

with DAG("other", params={"one": Param(1, type="integer")}):  # what Airflow itself does late, once
    PythonOperator.partial(task_id="one", python_callable=print).expand(op_args=[[1]])

libraries = (sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib"))
code = ("/partner_sync/", "/dags/__pycache__/", *libraries)
touched, watching = [], False

def watch(event, arguments):
    if not watching:
        return
    if event == "open":
        path = str(arguments[0])
        if path != sys.argv[1] and not (path.endswith((".py", ".pyc", ".so")) and any(part in path for part in code)):
            touched.append(["open", path])
    elif event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "sqlite3.", "http.")):
        touched.append([event, str(arguments)])

sys.addaudithook(watch)
took = []
for _ in range(5):
    for name in [name for name in sys.modules if name.split(".")[0] == "partner_sync"]:
        del sys.modules[name]
    spec = importlib.util.spec_from_file_location("the_dag_file", sys.argv[1])
    watching, begun = True, time.perf_counter()
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    took.append(1000 * (time.perf_counter() - begun))
    watching = False
print(json.dumps({"took": took, "touched": touched, "modules": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory) -> dict:
    """What parsing did in a process of its own: milliseconds, what it touched beside code, the modules in the end."""
    done = subprocess.run(
        [sys.executable, "-c", PARSE, str(REPOSITORY / "dags" / "partner_sync_dag.py")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_it_takes_less_than_150_ms(parsed):
    assert min(parsed["took"]) < MILLISECONDS, parsed["took"]


def test_it_opens_the_config_once_and_no_other_file_but_code_and_no_socket(parsed):
    assert [["open", str(REPOSITORY / "dags" / "partner_sync.toml")]] * 5 == parsed["touched"]


def test_clients_and_codec_are_not_imported(parsed):
    late = (
        "archive.",
        "config.load",
        "config.settings",
        "vendors.",
        "gather.",
        "orchestration.connections",
        "alerts.apprise",
    )
    found = {name.removeprefix("partner_sync.") for name in parsed["modules"] if name.startswith("partner_sync.")}
    assert [] == sorted(name for name in found if name.startswith(late))
    assert set() == {"apprise", "simple_salesforce", "zenpy", "pandas"} & set(parsed["modules"])

"""When a component of Airflow ends by itself, the report names it, and ends with what it wrote last."""

from __future__ import annotations

import os
from contextlib import ExitStack

import pytest

from partner_sync.local.children import Child
from partner_sync.local.home import Home
from partner_sync.local.up import ComponentEnded, watch_components
from partner_sync.orchestration.locations import CHECKOUT

AIRFLOW = """
import sys, time

if sys.argv[1] == {ends!r}:
    print(*range(100), sep="\\n", flush=True)
    sys.exit("database is locked")
time.sleep(600)
"""
"""In place of Airflow: one component ends, the others stay."""


@pytest.fixture
def watched(tmp_path):
    """Starts the components and returns why they ended."""

    def watch(ends: str) -> ComponentEnded:
        home = Home(tmp_path / "home")
        (tmp_path / "airflow").mkdir()
        (tmp_path / "airflow" / "__init__.py").touch()
        (tmp_path / "airflow" / "__main__.py").write_text(AIRFLOW.format(ends=ends))
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(CHECKOUT)])}
        with home.claim("a test"), ExitStack() as stack:
            home.make()
            module, log = "partner_sync.local.components", home.logs / "up.log"
            child = Child(stack, module, str(home.logs), "0", env=env, log=log, piped=True, patience=20)
            with pytest.raises(ComponentEnded) as ended:
                watch_components(child, home, None, 60)
        return ended.value

    return watch


@pytest.mark.parametrize("name", ["scheduler", "triggerer"])
def test_a_component_that_ends_is_named_with_its_exit_code_and_the_end_of_its_log(watched, name):
    ended = watched(name)
    assert str(ended).startswith(f"{name} ended by itself with exit code 1, so everything was stopped. The end of ")
    assert str(ended).endswith(f"{name}.log:")
    assert ["98", "99", "database is locked"] == ended.last_lines[-3:]


def test_the_process_that_keeps_the_components_is_reported_when_it_ends(watched, monkeypatch):
    monkeypatch.setenv("PYTHONHASHSEED", "no number")
    ended = watched("nothing")
    assert str(ended).startswith("Airflow ended by itself with exit code 1")
    assert str(ended).endswith("up.log:")
    assert "PYTHONHASHSEED" in "\n".join(ended.last_lines)

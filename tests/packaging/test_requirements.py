"""What runs installs no tool that checks, and the wheel's ranges hold what is pinned."""

from __future__ import annotations

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from partner_sync.config.load import tomllib
from tests.packaging.requirements import REPOSITORY, read, resolved, tools


def test_what_checks_includes_what_runs():
    assert "-r requirements.txt" == (REPOSITORY / "requirements-dev.txt").read_text().splitlines()[0]


def test_what_runs_brings_no_test_tool():
    assert {"pytest", "mypy", "ruff", "playwright", "hypothesis", "moto"} <= tools()
    found = resolved(read("requirements.txt"))
    assert "apache-airflow-core" in found
    assert found & tools() == set()


def test_all_that_runs_is_locked():
    lock = (REPOSITORY / "constraints.txt").read_text()
    locked = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    assert resolved(read("requirements.txt")) - locked == set()


def test_the_wheel_asks_for_all_that_runs_in_a_range_that_holds_the_pin():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    ranges = {requirement.name: requirement for requirement in map(Requirement, project["dependencies"])}
    pins = list(read("requirements.txt"))
    assert {pin.name for pin in pins} == set(ranges)
    for pin in pins:
        (exact,) = pin.specifier
        assert "==" == exact.operator
        assert ranges[pin.name].specifier.contains(exact.version), str(pin)

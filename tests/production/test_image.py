"""The production image installs what runs, and no tool that checks."""

from __future__ import annotations

import re

import pytest

from tests.packaging.requirements import RUNS, read, resolved, tools
from tests.production.compose import load

pytestmark = pytest.mark.production


def test_the_image_installs_these_files_and_nothing_else():
    dockerfile = load()["x-airflow"]["build"]["dockerfile_inline"]
    (installed,) = re.findall(r"pip install (.*)", dockerfile)
    assert tuple(re.findall(r"-r /opt/partner-sync/(\S+)", installed)) == RUNS


def test_the_image_contains_no_test_tool():
    found = resolved(read(*RUNS))
    assert {"apache-airflow-core", "celery", "psycopg2-binary", "s3fs"} <= found
    assert found & tools() == set()

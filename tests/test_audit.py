"""The audit fails for a known vulnerability and reports packages without data."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "audit.py"

SAFE = {"name": "safe", "version": "1.0", "vulns": []}
VULNERABLE = {"name": "vulnerable", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


@pytest.fixture(scope="module")
def audit():
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("packages", "code", "lines"),
    [
        ([SAFE], 0, ["1 packages audited, 0 with known vulnerabilities"]),
        (
            [SAFE, VULNERABLE],
            1,
            ["vulnerable 1.0: PYSEC-1, fixed in 1.1", "2 packages audited, 1 with known vulnerabilities"],
        ),
        (
            [SAFE, UNKNOWN],
            0,
            [
                "NOT AUDITED: 1 of 2 packages, no data (not found)",
                "1 packages audited, 0 with known vulnerabilities",
            ],
        ),
    ],
    ids=["safe", "vulnerable", "unknown"],
)
def test_a_known_vulnerability_fails_and_missing_data_is_reported(audit, packages, code, lines):
    assert (code, lines) == audit.outcome({"dependencies": packages}, code, "")


def test_a_missing_report_is_reported_with_its_reason(audit):
    assert (0, ["NOT AUDITED: pip-audit could not get its data: no route"]) == audit.outcome(None, 1, "no route")


@pytest.mark.parametrize(
    ("code", "trouble"), [(2, "unrecognized arguments: --x"), (1, "python: No module named pip_audit")]
)
def test_an_audit_that_cannot_start_fails(audit, code, trouble):
    assert (
        1,
        [f"pip-audit did not start. This is an error in .ci/audit.py or its environment: {trouble}"],
    ) == audit.outcome(None, code, trouble)


def test_without_a_network_the_audit_reports_it_and_succeeds():
    nowhere = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), "http://127.0.0.1:9")
    environ = {**{name: value for name, value in os.environ.items() if "proxy" not in name.lower()}, **nowhere}
    done = subprocess.run([sys.executable, SCRIPT], env=environ, capture_output=True, text=True, timeout=120)
    assert 0 == done.returncode, done.stderr
    assert "NOT AUDITED" in done.stdout

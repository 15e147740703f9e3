"""The audit of the lock fails for a known vulnerability, and is never silent where it knows nothing."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "audit.py"

WELL = {"name": "well", "version": "1.0", "vulns": []}
ILL = {"name": "ill", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


@pytest.fixture(scope="module")
def audit():
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([WELL], 0, ["1 packages audited, 0 with known vulnerabilities"]),
        ([WELL, ILL], 1, ["ill 1.0: PYSEC-1, mended in 1.1", "2 packages audited, 1 with known vulnerabilities"]),
        (
            [WELL, UNKNOWN],
            0,
            [
                "NOT AUDITED: 1 of 2 packages, no data on them (not found)",
                "1 packages audited, 0 with known vulnerabilities",
            ],
        ),
    ],
    ids=["well", "ill", "unknown"],
)
def test_what_is_known_fails_and_what_is_not_known_is_said(audit, packages, code, said):
    assert (code, said) == audit.judged({"dependencies": packages}, code, "")


def test_no_report_at_all_is_said_with_its_reason(audit):
    assert (0, ["NOT AUDITED: pip-audit could not get its data: no route"]) == audit.judged(None, 1, "no route")


@pytest.mark.parametrize(
    ("code", "trouble"), [(2, "unrecognized arguments: --x"), (1, "python: No module named pip_audit")]
)
def test_an_audit_that_could_not_start_fails(audit, code, trouble):
    assert (1, [f"pip-audit did not start, which is a fault of ours: {trouble}"]) == audit.judged(None, code, trouble)


def test_without_a_network_the_command_says_so_and_does_not_fail():
    nowhere = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), "http://127.0.0.1:9")
    environ = {**{name: value for name, value in os.environ.items() if "proxy" not in name.lower()}, **nowhere}
    done = subprocess.run([sys.executable, SCRIPT], env=environ, capture_output=True, text=True, timeout=120)
    assert 0 == done.returncode, done.stderr
    assert "NOT AUDITED" in done.stdout

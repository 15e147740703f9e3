"""Checks every pinned package of constraints.txt against published vulnerabilities with pip-audit.

Fails if a package has a known vulnerability. If the data is not available (no network, or an index that does not serve
it), reports how many packages were not audited and succeeds. pip-audit alone would report no vulnerabilities then.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "constraints.txt"
USAGE = 2
"""Exit code of pip-audit for arguments it does not know."""


def outcome(report: dict[str, Any] | None, code: int, trouble: str) -> tuple[int, list[str]]:
    """Returns exit code and output lines. Without a report, pip-audit's exit code and last line decide."""
    if report is None and (code == USAGE or "No module named" in trouble):
        return 1, [f"pip-audit did not start. This is an error in .ci/audit.py or its environment: {trouble}"]
    if report is None:
        return 0, [f"NOT AUDITED: pip-audit could not get its data: {trouble or 'no reason given'}"]
    packages = report["dependencies"]
    skipped = [package for package in packages if "skip_reason" in package]
    lines = [
        f"{package['name']} {package['version']}: {found['id']}, {_fix(found)}"
        for package in packages
        for found in package.get("vulns", [])
    ]
    if skipped:
        first = skipped[0]["skip_reason"]
        lines.append(f"NOT AUDITED: {len(skipped)} of {len(packages)} packages, no data ({first})")
    audited = len(packages) - len(skipped)
    vulnerable = sum(bool(package.get("vulns")) for package in packages)
    lines.append(f"{audited} packages audited, {vulnerable} with known vulnerabilities")
    return int(vulnerable > 0), lines


def _fix(vulnerability: dict[str, Any]) -> str:
    versions = vulnerability.get("fix_versions") or []
    return f"fixed in {', '.join(versions)}" if versions else "no fix yet"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "report.json"
        options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--timeout", "15"]
        command = [sys.executable, "-m", "pip_audit", "--requirement", LOCK, *options, "-f", "json", "-o", output]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
        report = json.loads(output.read_text()) if output.exists() and output.stat().st_size else None
    errors = [line for line in done.stderr.splitlines() if line.strip()]
    code, lines = outcome(report, done.returncode, errors[-1] if errors else "")
    sys.stdout.write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())

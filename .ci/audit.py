"""Holds every pinned package of constraints.txt against the published vulnerabilities, by pip-audit.

Fails for a known vulnerability. Where the data cannot be had (no network, an index that does not serve it), it does not
fail, but says how much was not audited: pip-audit itself then reports that no vulnerability was found.
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
"""What pip-audit exits with when it does not understand its arguments."""


def judged(report: dict[str, Any] | None, code: int, trouble: str) -> tuple[int, list[str]]:
    """The exit code, and what to say, for pip-audit's report, or for its exit code and last words if it made none."""
    if report is None and (code == USAGE or "No module named" in trouble):
        return 1, [f"pip-audit did not start, which is a fault of ours: {trouble}"]
    if report is None:
        return 0, [f"NOT AUDITED: pip-audit could not get its data: {trouble or 'it gave no reason'}"]
    packages = report["dependencies"]
    skipped = [package for package in packages if "skip_reason" in package]
    said = [
        f"{package['name']} {package['version']}: {one['id']}, {_mended(one)}"
        for package in packages
        for one in package.get("vulns", [])
    ]
    if skipped:
        first = skipped[0]["skip_reason"]
        said.append(f"NOT AUDITED: {len(skipped)} of {len(packages)} packages, no data on them ({first})")
    audited = len(packages) - len(skipped)
    vulnerable = sum(bool(package.get("vulns")) for package in packages)
    said.append(f"{audited} packages audited, {vulnerable} with known vulnerabilities")
    return int(vulnerable > 0), said


def _mended(vulnerability: dict[str, Any]) -> str:
    versions = vulnerability.get("fix_versions") or []
    return f"mended in {', '.join(versions)}" if versions else "not mended yet"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "report.json"
        options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--timeout", "15"]
        command = [sys.executable, "-m", "pip_audit", "--requirement", LOCK, *options, "-f", "json", "-o", output]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
        report = json.loads(output.read_text()) if output.exists() and output.stat().st_size else None
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    code, said = judged(report, done.returncode, lines[-1] if lines else "")
    sys.stdout.write("\n".join(said) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())

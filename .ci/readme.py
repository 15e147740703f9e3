"""Writes into README.md, between `<!-- python -m partner_sync PART -->` and `<!-- end -->`, what the command says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
PART = re.compile(r"(<!-- python -m partner_sync (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def generated(text: str) -> str:
    """The README with its generated parts as they should be."""
    return PART.sub(lambda found: f"{found[1]}\n{_part(found[2])}\n{found[3]}", text)


def _part(name: str) -> str:
    command = [sys.executable, "-m", "partner_sync", name, "--markdown"]
    return subprocess.run(command, cwd=README.parent, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603


if __name__ == "__main__":
    README.write_text(generated(README.read_text(encoding="utf-8")), encoding="utf-8")

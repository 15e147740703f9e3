"""Writes the parts of README.md that are not written by hand, each between a mark and `<!-- end -->`.

After `<!-- contents -->` come its chapters, after `<!-- python -m partner_sync PART -->` the output of that command.
tests/assurance.py writes the kept results of tests.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
PART = re.compile(r"(<!-- python -m partner_sync (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
CONTENTS = re.compile(r"(<!-- contents -->\n).*?(<!-- end -->)", re.DOTALL)


def generated(text: str) -> str:
    """The README with its generated parts as they should be."""
    text = PART.sub(lambda found: f"{found[1]}\n{_said('partner_sync', found[2], '--markdown')}\n{found[3]}", text)
    return CONTENTS.sub(lambda found: f"{found[1]}{contents(text)}{found[2]}", text)


def contents(text: str) -> str:
    """A list of links to all chapters but itself."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    chapters = re.findall(r"^## (?!Contents$)(.+)$", prose, re.MULTILINE)
    return "".join(f"* [{chapter}](#{anchor(chapter)})\n" for chapter in chapters)


def anchor(heading: str) -> str:
    """Where a link to a heading leads."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _said(*module: str) -> str:
    command = [sys.executable, "-m", *module]
    return subprocess.run(command, cwd=README.parent, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603


if __name__ == "__main__":
    README.write_text(generated(README.read_text(encoding="utf-8")), encoding="utf-8")
    _said("tests.assurance", str(README))

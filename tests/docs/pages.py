"""The documentation as tests read it: the README and all pages of docs/."""

from __future__ import annotations

import re

from docs.generate import PAGES, REPOSITORY, shown

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
PROSE = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
"""Without code blocks."""
SHOWN = {name: text for page in PAGES for name, text in shown(page.read_text(encoding="utf-8")).items()}
"""Name of each generated part to its text on the page."""


def rows(heading: str) -> list[str]:
    """The first column of all tables whose first column is called `heading`, row by row."""
    tables = re.findall(rf"^\| {heading} \|.*\n\| ?---.*\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    return [row.split("|")[1] for table in tables for row in table.splitlines()]


def table(heading: str) -> set[str]:
    """The names in code style in that column."""
    return {name for row in rows(heading) for name in re.findall(r"`(\w+)`", row)}

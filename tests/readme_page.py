"""The README as tests read it."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
PROSE = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
"""Without its code blocks."""


def rows(heading: str) -> list[str]:
    """The first column of all tables whose first column is called `heading`, row by row."""
    tables = re.findall(rf"^\| {heading} \|.*\n\| ?---.*\n((?:\|.*\n)+)", README, re.MULTILINE)
    return [row.split("|")[1] for table in tables for row in table.splitlines()]


def table(heading: str) -> set[str]:
    """The names in code style in that column."""
    return {name for row in rows(heading) for name in re.findall(r"`(\w+)`", row)}


def block(name: str) -> str:
    """The code block between <!-- name --> and <!-- end -->."""
    return re.search(rf"<!-- {re.escape(name)} -->\n```\n(.*?)```\n<!-- end -->", README, re.DOTALL)[1]

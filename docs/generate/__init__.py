"""Generated parts of the documentation, each between `<!-- NAME -->` and `<!-- end -->`.

PARTS come from the code and from kept results of tests; output comes from real runs, see `docs.generate.output`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generate import tables
from docs.generate.config_keys import keys
from partner_sync.cli.fields import Table
from tests import assurance

REPOSITORY = Path(__file__).parents[2]
PAGES = (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")))

TABLES: Mapping[str, Callable[[], list[Table]]] = {
    "changes": tables.changes,
    "commands": tables.commands,
    "config": keys,
    "counts": tables.counts,
    "environment": tables.environment,
    "errors": tables.failures,
    "fields": tables.fields,
    "holds": tables.holds,
    "params": tables.params,
    "problems": tables.problems,
    "times": tables.times,
    "alarms": tables.alarms,
    "full reads": tables.full_reads,
    "untouched": tables.untouched,
    "verdicts": tables.verdicts,
}
PARTS: Mapping[str, Callable[[], str]] = {
    **{name: lambda made=made: markdown(made()) for name, made in TABLES.items()},
    "withheld": tables.withheld,
    **assurance.PARTS,
}
"""Name of a part to its Markdown."""

BETWEEN = re.compile(r"<!-- (?!end -->)(?P<name>.+?) -->\n(?P<text>.*?)<!-- end -->", re.DOTALL)


def filled(page: str, parts: Mapping[str, str]) -> str:
    """The page with each part that is in `parts` replaced."""

    def replaced(found: re.Match[str]) -> str:
        text = parts.get(found["name"])
        return found[0] if text is None else f"<!-- {found['name']} -->\n\n{text.strip()}\n\n<!-- end -->"

    return BETWEEN.sub(replaced, page)


def shown(page: str) -> dict[str, str]:
    """Name of each part of the page to its text there."""
    return {found["name"]: found["text"].strip() for found in BETWEEN.finditer(page)}


def write(parts: Mapping[str, str]) -> None:
    """Replaces these parts in all pages."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        page.write_text(filled(text, parts), encoding="utf-8")


def markdown(made: list[Table]) -> str:
    return "\n\n".join("\n\n".join(filter(None, (_head(table), _grid(table)))) for table in made)


def _head(table: Table) -> str:
    return f"**{table.heading}**: {table.about}" if table.heading else table.about


def _grid(table: Table) -> str:
    lines = [table.columns, ("---",) * len(table.columns), *table.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)

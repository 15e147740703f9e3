"""Writes the kept results of tests into documentation: `python -m tests.assurance docs/assurance.md`.

Each part replaces what is between `<!-- NAME -->`, NAME being a key of PARTS, and `<!-- end -->`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.figures import kept_as_markdown
from tests.faults import table as matrix
from tests.production import kept as production

PARTS: dict[str, Callable[[], str]] = {
    "make bench": kept_as_markdown,
    "make faults": lambda: f"{matrix.counts()}\n\n```\n{matrix.table(matrix.kept())}```",
    "make test-production": lambda: production.fault_table(production.kept_faults()),
    "make test-production, scale": lambda: production.scale_table(production.kept_scale()),
}
BETWEEN = re.compile(rf"<!-- ({'|'.join(map(re.escape, PARTS))}) -->\n(.*?)<!-- end -->", re.DOTALL)


def filled(page: str) -> str:
    """The page with each of its parts as the kept results make it."""
    return BETWEEN.sub(lambda found: f"<!-- {found[1]} -->\n\n{PARTS[found[1]]()}\n\n<!-- end -->", page)


def shown(page: str) -> dict[str, str]:
    """Name of each part of the page to what the page shows there."""
    return {found[1]: found[2].strip("\n") for found in BETWEEN.finditer(page)}


def main(paths: list[str]) -> None:
    for path in map(Path, paths):
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

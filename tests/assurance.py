"""Parts of the documentation that show kept results of tests; `make docs` writes them."""

from __future__ import annotations

from collections.abc import Callable

from tests.benchmarks.measurements import kept_as_markdown
from tests.faults import table as matrix
from tests.production import kept as production

PARTS: dict[str, Callable[[], str]] = {
    "make bench": kept_as_markdown,
    "make faults": lambda: f"{matrix.counts()}\n\n```\n{matrix.table(matrix.kept())}```",
    "make test-production": lambda: production.fault_table(production.kept_faults()),
    "make test-production, scale": lambda: production.scale_table(production.kept_scale()),
}

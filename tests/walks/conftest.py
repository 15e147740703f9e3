"""Counts of a long walk, told at its end, from whichever process walked."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if "WALKS" not in os.environ:
        return
    counts: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                counts.update(value if name == "walked" and report.when == "call" else {})
    terminalreporter.section("walked")
    for name, count in sorted(counts.items()):
        terminalreporter.write_line(f"{count:9,}  {name}")

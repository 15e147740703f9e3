"""Progress is short on a pipe, alive on a terminal, and obeys nothing that it is given."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from partner_sync.local.progress import Progress


def shown(*, terminal: bool = False, seconds: float = 0.0, lines: list[tuple[str, str]]) -> list[str]:
    stream = io.StringIO()
    clock = iter(range(1_000_000))
    console = Console(file=stream, width=60, force_terminal=terminal, color_system=None, highlight=False)
    progress = Progress(console, now=lambda: next(clock) * seconds)
    for who, text in lines:
        progress.said(who, text)
    return stream.getvalue().splitlines()


def test_a_line_has_the_seconds_and_who_says_it():
    assert shown(lines=[("create 1-4", "4 confirmed")]) == ["   0.0 s  create 1-4            4 confirmed"]


def test_hostile_text_is_text():
    (line,) = shown(lines=[("sync", "[bold]\x1b[2J :smile:")])
    assert line.endswith(r"[bold]\x1b[2J :smile:")


@pytest.mark.parametrize("terminal", [True, False])
def test_of_a_thousand_pages_some_are_shown_and_the_last(terminal):
    pages = [("gather", f"organizations: {n} of 100000 read") for n in range(100, 100_001, 100)]
    lines = shown(terminal=terminal, seconds=0.01, lines=pages)
    assert 1 <= len(lines) < 10
    assert "organizations: 100000 of" in lines[-1]


def test_only_a_terminal_cuts_a_long_line():
    long = [("compare", "x" * 200)]
    assert len(shown(terminal=True, lines=long)[0]) == 60
    assert shown(lines=long)[0].endswith("x" * 200)

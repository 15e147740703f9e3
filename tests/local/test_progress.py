"""Progress is short on a pipe, alive on a terminal, and obeys nothing that it is given."""

from __future__ import annotations

import io

from rich.console import Console

from partner_sync.local.progress import Progress


def shown(*, terminal: bool = False, lines: list[tuple[str, str]]) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, width=60, force_terminal=terminal, color_system=None, highlight=False)
    progress = Progress(console, now=lambda: 0.0)
    for who, text in lines:
        progress.line(who, text)
    return stream.getvalue().splitlines()


def test_a_line_has_the_seconds_and_who_says_it():
    assert shown(lines=[("create 1-4", "4 confirmed")]) == ["   0.0 s  create 1-4            4 confirmed"]


def test_hostile_text_is_text():
    (line,) = shown(lines=[("sync", "[bold]\x1b[2J :smile:")])
    assert line.endswith(r"[bold]\x1b[2J :smile:")


def test_only_a_terminal_cuts_a_long_line():
    long = [("compare", "x" * 200)]
    assert len(shown(terminal=True, lines=long)[0]) == 60
    assert shown(lines=long)[0].endswith("x" * 200)

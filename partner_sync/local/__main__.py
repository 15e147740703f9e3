"""The command line: `python -m partner_sync.local run | up | clean`. The Makefile says it shorter."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from rich.console import Console
from rich.text import Text

from partner_sync.local import signals
from partner_sync.local.home import Home
from partner_sync.local.plain import plain
from partner_sync.local.refusal import Refusal
from partner_sync.local.run import run
from partner_sync.local.up import ComponentEnded, up

USAGE = "usage: python -m partner_sync.local run | up | clean"


def main(arguments: list[str]) -> int:
    console, errors = _console(sys.stdout), _console(sys.stderr)
    signals.listen()
    try:
        match arguments:
            case ["run"]:
                return run(os.environ, console)
            case ["up"]:
                up(os.environ, console)
            case ["clean"]:
                return clean(console)
        raise Refusal(USAGE)
    except Refusal as refusal:
        errors.print(Text(plain(refusal), "red"), soft_wrap=True)
        return 2
    except ComponentEnded as ended:
        errors.print(Text(plain(ended), "red"), soft_wrap=True)
        return 1
    except signals.Stop as stop:
        errors.print(Text("Stopped."), soft_wrap=True)
        return stop.code


def clean(console: Console) -> int:
    home = Home.of(os.environ)
    if not home.root.exists():
        console.print(Text(plain(f"Nothing to remove: there is no {home.root}.")), soft_wrap=True)
        return 0
    with home.claim("make clean"):
        left = home.empty()
    console.print(Text(plain(f"Removed what was ours in {home.root}.")), soft_wrap=True)
    if left:
        console.print(Text(plain(f"Left what is not: {', '.join(path.name for path in left)}.")), soft_wrap=True)
    return 0


def _console(stream: TextIO) -> Console:
    """Rich knows NO_COLOR and what a terminal is; a pipe gets 120 columns, and any encoding will do."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    width = None if stream.isatty() or "COLUMNS" in os.environ else 120
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

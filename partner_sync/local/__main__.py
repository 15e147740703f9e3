"""The command line: `python -m partner_sync.local run | up | clean`. The Makefile says it shorter."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from partner_sync.cli import commands, terminal
from partner_sync.cli.sanitize import plain
from partner_sync.local import signals
from partner_sync.local.home import Home
from partner_sync.local.refusal import Refusal
from partner_sync.local.run import run
from partner_sync.local.up import ComponentEnded, up
from partner_sync.orchestration.locations import IN_CHECKOUT

PROGRAM = "python -m partner_sync.local"
COMMANDS = [one for one in commands.COMMANDS if one.typed.startswith(f"{PROGRAM} ")]


def main(arguments: Sequence[str]) -> int:
    console, errors = terminal.console(sys.stdout), terminal.console(sys.stderr)
    chosen = _parser().parse_args(arguments).command
    signals.listen()
    try:
        if not IN_CHECKOUT:
            raise Refusal(f"`make {chosen}` needs a checkout of Partner Sync; the installed package has no DAG file.")
        if chosen == "run":
            return run(os.environ, console)
        if chosen == "up":
            up(os.environ, console)
        return clean(console)
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


def _parser() -> terminal.Parser:
    parser = terminal.Parser(prog=PROGRAM, description="What a person types; the Makefile says it shorter.")
    chosen = parser.add_subparsers(dest="command", metavar="run | up | clean", required=True)
    for one in COMMANDS:
        chosen.add_parser(one.typed.removeprefix(f"{PROGRAM} "), command=one, help=one.does)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The command line: `python -m partner_sync.local run | rehearse | up | airflow | clean`.

The Makefile has a target for each.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from partner_sync.cli import commands, terminal
from partner_sync.cli.sanitize import sanitize
from partner_sync.local import signals, systems
from partner_sync.local.environment import embedded
from partner_sync.local.home import Home, Refusal
from partner_sync.local.rehearse import rehearse
from partner_sync.local.run import run
from partner_sync.local.up import ComponentEnded, up
from partner_sync.orchestration.locations import IN_CHECKOUT

PROGRAM = "python -m partner_sync.local"
_COMMANDS = [command for command in commands.COMMANDS if command.typed.startswith(f"{PROGRAM} ")]
_RUNS = {"run": run, "rehearse": rehearse}


def main(arguments: Sequence[str]) -> int:
    console, errors = terminal.console(sys.stdout), terminal.console(sys.stderr)
    asked = _parser().parse_args(arguments)
    chosen = asked.command
    signals.listen()
    try:
        if not IN_CHECKOUT:
            raise Refusal(f"`make {chosen}` needs a checkout of Partner Sync; the installed package has no DAG file.")
        if chosen in _RUNS:
            return _RUNS[chosen](os.environ, console)
        if chosen == "up":
            up(os.environ, console)
        if chosen == "airflow":
            airflow(asked.arguments)
        return clean(console)
    except Refusal as refusal:
        for line in str(refusal).split("\n"):  # the errors of a config have a line each
            errors.print(Text(sanitize(line), "red"), soft_wrap=True)
        return 2
    except ComponentEnded as ended:
        errors.print(Text(sanitize(ended), "red"), soft_wrap=True)
        for line in ended.last_lines:
            errors.print(Text(sanitize(line)), soft_wrap=True)
        return 1
    except signals.Stop as stop:
        errors.print(Text("Stopped."), soft_wrap=True)
        return stop.code


def airflow(arguments: Sequence[str]) -> NoReturn:
    """Becomes Airflow's command line on the local home. The Connections are the caller's: no sandbox is started."""
    home = Home.of(os.environ)
    if not (home.airflow / "airflow.db").exists():
        raise Refusal(f"There is no local Airflow in {home.root} yet. Start it with make run or make up.")
    connections = systems.own(os.environ) if systems.are_own(os.environ) else {}
    env = embedded(os.environ, home, connections)
    os.execve(sys.executable, [sys.executable, "-m", "airflow", *arguments], env)  # noqa: S606 - no shell in between


def clean(console: Console) -> int:
    home = Home.of(os.environ)
    if not home.root.exists():
        console.print(Text(sanitize(f"Nothing to remove: there is no {home.root}.")), soft_wrap=True)
        return 0
    rehearsal = Home(home.rehearsal).claim("make clean") if home.rehearsal.exists() else nullcontext()
    with home.claim("make clean"), rehearsal:
        left = home.empty()
    console.print(Text(sanitize(f"Removed all state of Partner Sync in {home.root}.")), soft_wrap=True)
    if left:
        console.print(Text(sanitize(f"Kept other files: {', '.join(path.name for path in left)}.")), soft_wrap=True)
    return 0


def _parser() -> terminal.Parser:
    parser = terminal.Parser(prog=PROGRAM, description="Runs Partner Sync on this machine; see also make.")
    chosen = parser.add_subparsers(dest="command", metavar="run | rehearse | up | airflow | clean", required=True)
    for command in _COMMANDS:
        name = command.typed.removeprefix(f"{PROGRAM} ")
        added = chosen.add_parser(name, command=command, help=command.does)
        if name == "airflow":
            added.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments for Airflow, such as: dags list")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

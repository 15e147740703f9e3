"""`python -m partner_sync` lists the commands; `python -m partner_sync fields` shows the fields that a config needs."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Group
from rich.table import Table as Grid
from rich.text import Text

from partner_sync.cli import terminal
from partner_sync.cli.commands import COMMANDS, command
from partner_sync.cli.fields import Table, required_fields
from partner_sync.config.load import Config, load
from partner_sync.errors import ConfigError, Finding

ABOUT = "Partner Sync keeps Zendesk organizations in sync with Salesforce partner accounts, on Apache Airflow."
OWN = command("python -m partner_sync")
SHIPPED = Path(__file__).parents[2] / "dags" / "partner_sync.toml"


def main(arguments: Sequence[str]) -> int:
    parser = _parser()
    chosen = parser.parse_args(arguments)
    console = terminal.console(sys.stdout)
    if chosen.part is None:
        console.print(Text(parser.format_help()), end="", soft_wrap=True)
        return 0
    try:
        tables = required_fields(config_in(chosen.config))
    except ConfigError as error:
        return terminal.refuse(str(error))
    console.print(Group(*map(_grid, tables)))
    return 0


def _parser() -> terminal.Parser:
    listed = {entry.typed: f"{entry.does}{f' ({entry.make})' if entry.make else ''}" for entry in COMMANDS}
    width = max(map(len, listed))
    lines = "\n".join(f"  {typed:<{width}}  {does}" for typed, does in listed.items())
    parser = terminal.Parser(
        OWN,
        description=f"{ABOUT}\n\ncommands, each with --help:\n{lines}",
        usage=f"{OWN.typed} [fields [--config CONFIG]] [--help]",
    )
    chosen = parser.add_subparsers(dest="part", metavar="fields", help=argparse.SUPPRESS, parser_class=terminal.Parser)
    about = "Lists the fields that a config needs in Salesforce and Zendesk."
    fields = chosen.add_parser("fields", prog=f"{OWN.typed} fields", description=about)
    fields.add_argument("--config", type=Path, help="the config (default: PARTNER_SYNC_CONFIG, or the shipped file)")
    return parser


def config_in(named: Path | None, named_by: str = "--config or PARTNER_SYNC_CONFIG") -> Config:
    """The config in a file: the named one, that of the environment, or the shipped one.

    :param named_by: how a person names another
    :raises ConfigError: with every error in it
    """
    path = named or Path(os.environ.get("PARTNER_SYNC_CONFIG") or SHIPPED)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        wrong = Finding(str(path), f"cannot be read ({error})", f"Name the config with {named_by}.")
        raise ConfigError("The config", [wrong]) from None
    return load(text, str(path))


def _grid(table: Table) -> Group:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for column in table.columns:
        grid.add_column(column, overflow="fold")
    for row in table.rows:
        grid.add_row(*map(_colored, row))
    return Group(Text.assemble((table.heading, "bold"), ": ", _colored(table.about)), Text(), grid, Text())


def _colored(cell: str) -> Text:
    """A cell, with color in place of backticks."""
    parts = re.split(r"`([^`]*)`", cell)
    return Text.assemble(*((part, "cyan" if at % 2 else "") for at, part in enumerate(parts)))

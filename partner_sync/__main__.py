"""`python -m partner_sync`: lists the commands, and shows the reference that README has, part by part."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from partner_sync.cli import reference, terminal
from partner_sync.cli.commands import COMMANDS, command
from partner_sync.cli.tables import Table, markdown
from partner_sync.config.load import load
from partner_sync.errors import ConfigError, Finding

ABOUT = "Partner Sync keeps Zendesk organizations in step with Salesforce partner accounts, on Apache Airflow."
OWN = command("python -m partner_sync")
SHIPPED = Path(__file__).parents[1] / "dags" / "partner_sync.toml"


def main(arguments: Sequence[str]) -> int:
    chosen = _parser().parse_args(arguments)
    console = terminal.console(sys.stdout)
    if chosen.part is None:
        console.print(Text(_parser().format_help()), end="", soft_wrap=True)
        return 0
    try:
        tables = reference.PARTS[chosen.part].tables() if chosen.part in reference.PARTS else _fields(chosen.config)
    except ConfigError as error:
        return terminal.refuse(str(error))
    if chosen.markdown:
        sys.stdout.write(markdown(tables))
    else:
        console.print(Group(*(_shown(table) for table in tables)))
    return 0


def _parser() -> terminal.Parser:
    commands = {one.typed: f"{one.does}{f' ({one.make})' if one.make else ''}" for one in COMMANDS}
    parts = {name: part.about for name, part in reference.PARTS.items()}
    parts["fields"] = "what Salesforce must show and Zendesk must have, by a config"
    listed = f"commands, each with --help:\n{_rows(commands)}\n\nparts of the reference:\n{_rows(parts)}"
    parser = terminal.Parser(OWN, description=f"{ABOUT}\n\n{listed}", usage=f"{OWN.typed} [PART] [--markdown] [--help]")
    every = terminal.Parser(add_help=False)
    every.add_argument("--markdown", action="store_true", help="as Markdown, as in the README")
    chosen = parser.add_subparsers(dest="part", metavar="PART", help=argparse.SUPPRESS, parser_class=terminal.Parser)
    for name, about in parts.items():
        part = chosen.add_parser(name, prog=f"{OWN.typed} {name}", parents=[every], description=f"Shows {about}.")
        if name == "fields":
            part.add_argument(
                "--config", type=Path, help="the config (default: PARTNER_SYNC_CONFIG, or the shipped one)"
            )
    return parser


def _rows(named: dict[str, str]) -> str:
    width = max(map(len, named))
    return "\n".join(f"  {name:<{width}}  {about}" for name, about in named.items())


def _fields(named: Path | None) -> list[Table]:
    path = named or Path(os.environ.get("PARTNER_SYNC_CONFIG") or SHIPPED)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        wrong = Finding(str(path), f"cannot be read ({error})", "Name another one by --config.")
        raise ConfigError("The config", [wrong]) from None
    return reference.fields(load(text, str(path)))


def _shown(table: Table) -> RenderableType:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for column in table.columns:
        grid.add_column(column, overflow="fold")
    for row in table.rows:
        grid.add_row(*map(_plain, row))
    head = Text.assemble((_plain(table.heading).plain, "bold"), ": ", _plain(table.about))
    return Group(*([head, Text()] if table.heading else []), grid, Text())


def _plain(cell: str) -> Text:
    """A cell with what stands in backticks set off by colour instead."""
    parts = re.split(r"`([^`]*)`", cell)
    return Text.assemble(*((part, "cyan" if at % 2 else "") for at, part in enumerate(parts)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What all our commands share: the console, the layout of `--help`, and how they refuse wrong arguments."""

from __future__ import annotations

import argparse
import io
import os
import sys
from typing import Any, NoReturn, TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from partner_sync.cli.commands import Command
from partner_sync.cli.sanitize import sanitize


class Parser(argparse.ArgumentParser):
    """A parser whose help ends with the command's `epilog`, and which refuses with one line and an exit code.

    Help goes to `out`, or to standard output by default.
    """

    def __init__(
        self, command: Command | None = None, *, out: TextIO | None = None, refuses_with: int = 2, **kwargs: Any
    ) -> None:
        self._out, self._refuses_with = out, refuses_with
        if command is not None:
            does = f"{command.does[0].upper()}{command.does[1:]}."
            kwargs = {"prog": command.typed, "description": does, "epilog": command.epilog} | kwargs
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def print_help(self, file: Any = None) -> None:
        super().print_help(file or self._out)

    def error(self, message: str) -> NoReturn:
        usage = " ".join(self.format_usage().split())
        self.exit(self._refuses_with, f"{usage}: {message}\n")


def console(stream: TextIO) -> Console:
    """A Rich console on `stream`: 120 columns if it is a pipe, and no error for characters that its encoding lacks."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    width = None if stream.isatty() or "COLUMNS" in os.environ else 120
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False)


def refuse(message: str) -> int:
    """Prints why to standard error. Returns the exit code."""
    sys.stderr.write(f"{message}\n")
    return 2


def refuse_to(err: TextIO, message: str) -> int:
    """Prints why, in red, with what it quotes sanitized. Returns the exit code."""
    print_trimmed(err, Text(sanitize(message), "red"))
    return 2


def print_trimmed(stream: TextIO, *parts: RenderableType) -> None:
    """Prints `parts` without trailing whitespace."""
    shown = console(stream)
    with shown.capture() as captured:
        shown.print(*parts, sep="\n")
    stream.write("".join(f"{line.rstrip()}\n" for line in captured.get().rstrip("\n").split("\n")))

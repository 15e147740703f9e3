"""The process of a command that answers on its standard output: nothing else that runs in it writes there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, TextIO

from partner_sync.orchestration.locations import own_stdout

Main = Callable[[Sequence[str], Mapping[str, str], TextIO, TextIO], int]
"""Arguments, environment, standard output and standard error to the exit code."""


def run_command(main: Main) -> NoReturn:
    """Runs a command and exits with the code that it returns."""
    with own_stdout() as out:
        sys.exit(main(sys.argv[1:], os.environ, out, sys.stderr))

"""`python -m partner_sync.history`: updates the index of the archive, once or on every request."""

from __future__ import annotations

import argparse
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn, TextIO

from partner_sync.cli import terminal
from partner_sync.cli.commands import command
from partner_sync.cli.process import run_command
from partner_sync.errors import ConfigError
from partner_sync.history import History
from partner_sync.history.files import default_folder
from partner_sync.orchestration.locations import archive_url, root


def main(arguments: Sequence[str], environ: Mapping[str, str], out: TextIO, err: TextIO) -> int:
    """Updates once, or for every line of standard input with `--follow`."""
    asked = _parser(out).parse_args(arguments)
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")  # outside a task, Connections of the database need it
    try:
        url = asked.archive or archive_url(environ)
        archive = root(url)
    except (ConfigError, ValueError, ImportError) as error:
        trouble = f"The archive cannot be used: {error}"
        if asked.follow:
            _answer(out, trouble)
        err.write(f"{trouble}\n")
        return 2
    history = History(archive, asked.index or default_folder(str(archive), environ))
    if asked.follow:
        _follow(history, out)
    done = history.rebuild() if asked.rebuild else history.refresh(everything=True, wait=True)
    if history.trouble is not None:
        err.write(f"{history.trouble}\n")
        return 2
    out.write(f"{done.objects:,} objects read in {done.seconds:.1f} s. {history.runs().total:,} runs are indexed.\n")
    return 0


def _parser(out: TextIO) -> terminal.Parser:
    parser = terminal.Parser(command("python -m partner_sync.history"), out=out)
    parser.add_argument("--archive", metavar="URL", help="a path or URL; PARTNER_SYNC_ARCHIVE otherwise")
    parser.add_argument(
        "--index", metavar="FOLDER", type=Path, help="where the index is; below PARTNER_SYNC_HOME otherwise"
    )
    parser.add_argument("--rebuild", action="store_true", help="delete the index and build it again")
    parser.add_argument("--follow", action="store_true", help=argparse.SUPPRESS)
    return parser


def _follow(history: History, out: TextIO) -> NoReturn:
    """Updates for each line of standard input. Ends when that closes, even during an update."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the process that started us
    os.nice(5)
    lines: queue.SimpleQueue[tuple[float, str]] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            lines.put((time.time(), line))
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        asked_at, line = lines.get()
        history.refresh(runs=json.loads(line)["runs"], wait=True, since=asked_at)
        _answer(out, history.trouble)


def _answer(out: TextIO, trouble: str | None) -> None:
    out.write(json.dumps({"trouble": trouble}) + "\n")
    out.flush()


def run_update_index() -> NoReturn:
    """Runs the command and exits with the code that `main` returns."""
    run_command(main)

"""`python -m partner_sync.preview --config NEW.toml`: what an edited config changes, from archived snapshots."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TextIO

from partner_sync.archive.archive import Archive
from partner_sync.cli import terminal
from partner_sync.cli.commands import command
from partner_sync.cli.effect_formats import FORMATS
from partner_sync.cli.list_commands import config_in
from partner_sync.cli.process import run_command
from partner_sync.compare.config_effect import config_effect
from partner_sync.errors import ConfigError, PartnerSyncError
from partner_sync.orchestration.archived_runs import archived_run
from partner_sync.orchestration.locations import archive_url, root

_SAME, _IMPOSSIBLE, _DIFFERENT = 0, 1, 2


def main(arguments: Sequence[str], environ: Mapping[str, str], out: TextIO, err: TextIO) -> int:
    """Shows the effect."""
    asked = _parser(out).parse_args(arguments)
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")  # outside a task, Connections of the database need it
    try:
        config = config_in(asked.config)
        archive = Archive(root(asked.archive or archive_url(environ)))
        with _no_collection():
            found = archived_run(archive, asked.run)
            effect = config_effect(found.config, config, found.inputs, found.accounts, found.organizations)
    except (ConfigError, ValueError, ImportError) as error:
        err.write(f"{error}\n")
        return _IMPOSSIBLE
    except PartnerSyncError as error:
        err.write(f"There is no preview. {error}\n")
        return _IMPOSSIBLE
    shown = FORMATS[asked.format]
    out.write(shown(effect, found.record.trigger.run_id, found.accounts.begun, names=asked.names))
    return _SAME if effect.is_empty else _DIFFERENT


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without garbage collection, which takes a quarter of the time: millions of small objects, and no cycle."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _parser(out: TextIO) -> terminal.Parser:
    parser = terminal.Parser(command("python -m partner_sync.preview"), out=out, refuses_with=_IMPOSSIBLE)
    parser.add_argument("--config", metavar="NEW.toml", type=Path, required=True, help="the edited config")
    parser.add_argument("--run", metavar="RUN", help="the run to compare with; the newest complete run otherwise")
    parser.add_argument("--format", choices=sorted(FORMATS), default="text", help="text (default), markdown or json")
    parser.add_argument("--names", action="store_true", help="show names and values too, not just ids and fields")
    parser.add_argument("--archive", metavar="URL", help="a path or URL; PARTNER_SYNC_ARCHIVE otherwise")
    return parser


def run_preview() -> NoReturn:
    """Runs the command and exits with the code that `main` returns."""
    run_command(main)

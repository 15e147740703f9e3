"""`python -m partner_sync.decisions`: lists what people decided and is in force, and the rows that rest."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import NoReturn, TextIO

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from partner_sync.archive.archive import Archive
from partner_sync.archive.in_force import InForce, in_force
from partner_sync.cli import terminal
from partner_sync.cli.commands import command
from partner_sync.cli.process import run_command
from partner_sync.cli.sanitize import sanitize
from partner_sync.errors import ConfigError, PartnerSyncError
from partner_sync.history.labels import DECISION_LABELS, ago
from partner_sync.orchestration.locations import archive_url, root

DONE, UNREADABLE = 0, 2

LABELS: Mapping[str, str] = dict([*DECISION_LABELS.items(), ("rest", "rests")])


def main(arguments: Sequence[str], environ: Mapping[str, str], out: TextIO, err: TextIO) -> int:
    """Lists everything in force."""
    parser = terminal.Parser(command("python -m partner_sync.decisions"), out=out)
    parser.add_argument("--archive", metavar="URL", help="a path or URL; PARTNER_SYNC_ARCHIVE otherwise")
    parser.add_argument("--json", action="store_true", help="everything as JSON, times in UTC")
    asked = parser.parse_args(arguments)
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")  # outside a task, Connections of the database need it
    now = datetime.now(timezone.utc)
    try:
        found = in_force(Archive(root(asked.archive or archive_url(environ))), now)
    except (ConfigError, ValueError, ImportError) as error:
        return terminal.refuse_to(err, f"The archive cannot be used: {error}")
    except PartnerSyncError as error:
        return terminal.refuse_to(err, str(error))
    if asked.json:
        listed = [asdict(one) for one in found]
        out.write(json.dumps(listed, default=lambda at: at.isoformat(), indent=1) + "\n")
    elif found:
        how = f"To withdraw one: CONF='{json.dumps({'withdraw': [found[0].id]})}' make run"
        terminal.print_trimmed(out, *(part for one in found for part in _shown(one, now)), Text(how, "bold"))
    else:
        nothing = "Nothing is in force: no approval, nothing left or undone, and nothing rests."
        terminal.print_trimmed(out, Text(nothing))
    return DONE


def _shown(one: InForce, now: datetime) -> list[RenderableType]:
    """What it does, then by whom, until when, and the note."""
    rows = f"{one.rows} row{'' if one.rows == 1 else 's'}" + f" of {one.of}" * (one.rows != one.of)
    head = Text.assemble((sanitize(one.id), "bold"), f"  {rows} {LABELS[one.does]} in {sanitize(one.instance)}")
    about = {"allow": "hold", "leave": "hold or problem", "restore": "run", "rest": "field"}[one.does]
    head.append(f", {about} {sanitize(one.about)}", "dim")
    since = f"{one.at:%Y-%m-%d %H:%M} UTC ({ago(one.at, now)})"
    until = f"until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else "until nothing wants it any more"
    parts = [f"by {one.by}" if one.by else "by the sync itself", since, until]
    lines: list[RenderableType] = [head, Padding(Text(sanitize(", ".join(parts))), (0, 0, 0, 2))]
    if one.note:
        lines.append(Padding(Text(sanitize(one.note), "italic"), (0, 0, 0, 2)))
    return [*lines, Text()]


def run_decisions() -> NoReturn:
    """The process of the command; exits with what `main` returns. `| head` is no error."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    run_command(main)

"""`python -m partner_sync.why ID_OR_NAME`: explains the state of an organization from the archive."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import NoReturn, TextIO

from rich.text import Text

from partner_sync.cli import terminal
from partner_sync.cli.commands import command
from partner_sync.cli.process import run_command
from partner_sync.cli.sanitize import sanitize
from partner_sync.cli.story import hit_lines, render_story
from partner_sync.errors import ConfigError
from partner_sync.history import History
from partner_sync.history.files import default_folder
from partner_sync.history.organization import ALL
from partner_sync.history.organization_results import OrganizationHistory, SearchHit, SearchResult
from partner_sync.orchestration.locations import archive_url, root

SHOWN, NOTHING, UNUSABLE, SEVERAL = 0, 1, 2, 3


def main(arguments: Sequence[str], environ: Mapping[str, str], out: TextIO, err: TextIO) -> int:
    """Shows one organization, or the matches."""
    asked = _parser(out).parse_args(arguments)
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")  # outside a task, Connections of the database need it
    try:
        url = asked.archive or archive_url(environ)
        archive = root(url)
    except (ConfigError, ValueError, ImportError) as error:
        return terminal.refuse_to(err, f"The archive cannot be used: {error}")
    history = History(archive, default_folder(str(archive), environ), fresh_seconds=60)
    history.refresh()
    if history.trouble is not None:
        return terminal.refuse_to(err, history.trouble)
    if not history.objects.days():
        return terminal.refuse_to(
            err, f"There is no run in the archive {url}. Choose another archive by --archive or PARTNER_SYNC_ARCHIVE."
        )
    found = history.find(asked.who)
    chosen = _chosen(found)
    stories = _stories(history, chosen)
    if asked.json:
        _print_json(out, found, stories)
    elif stories:
        terminal.print_trimmed(out, *(render_story(story, datetime.now(timezone.utc)) for story in stories))
    elif found.hits and not chosen:
        count = len(found.hits) + found.more
        terminal.print_trimmed(
            out, Text(f"{count} matches for {sanitize(found.text)!r}. Choose by id:"), *hit_lines(found)
        )
    else:
        terminal.print_trimmed(err, Text(_nothing(found)))
    return SHOWN if stories else SEVERAL if found.hits and not chosen else NOTHING


def _parser(out: TextIO) -> terminal.Parser:
    parser = terminal.Parser(command("python -m partner_sync.why"), out=out)
    parser.add_argument(
        "who", metavar="ID_OR_NAME", help="an account id (15 or 18 characters), an organization id, or a part of a name"
    )
    parser.add_argument("--archive", metavar="URL", help="a path or URL; PARTNER_SYNC_ARCHIVE otherwise")
    parser.add_argument("--json", action="store_true", help="everything as JSON, times in UTC")
    return parser


def _chosen(found: SearchResult) -> Sequence[SearchHit]:
    """The hits to show: all hits of a single account, or the only account with exactly this name."""
    exact = [hit for hit in found.hits if hit.name.casefold() == found.text.casefold()]
    for hits in (found.hits, exact):
        if len({(hit.account_id, hit.organization_id if hit.account_id is None else None) for hit in hits}) == 1:
            return hits
    return ()


def _stories(history: History, hits: Sequence[SearchHit]) -> list[OrganizationHistory]:
    stories: list[OrganizationHistory | None] = []
    for hit in hits:
        if hit.account_id is not None:
            return list(history.account(hit.account_id, events=ALL))
        if hit.organization_id is not None:
            stories.append(history.organization(hit.instance, hit.organization_id, events=ALL))
    return [story for story in stories if story is not None]


def _nothing(found: SearchResult) -> str:
    missing = f"No match for {sanitize(found.text)!r}."
    if found.near:
        return f"{missing} Similar names: {', '.join(sanitize(name) for name in found.near)}."
    return f"{missing} The archive knows partners, and everything that a run planned or reported as a problem."


def _print_json(out: TextIO, found: SearchResult, stories: Sequence[OrganizationHistory]) -> None:
    result = {
        "asked": found.text,
        "stories": [asdict(story) for story in stories],
        "hits": [] if stories else [asdict(hit) for hit in found.hits],
        "near": list(found.near),
    }
    out.write(json.dumps(result, default=lambda at: at.isoformat(), indent=1) + "\n")


def run_why() -> NoReturn:
    """The process of the command; exits with what `main` returns. `| head` is no error."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    run_command(main)

"""`python -m partner_sync.replay RUN`: makes the plan of a run again from the archive, and compares the two."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn, TextIO

from partner_sync.archive.archive import Archive
from partner_sync.cli import terminal
from partner_sync.cli.commands import command
from partner_sync.cli.process import run_command
from partner_sync.cli.sanitize import sanitize
from partner_sync.errors import ConfigError, PartnerSyncError
from partner_sync.model import Plan
from partner_sync.orchestration.archived_runs import archived_run
from partner_sync.orchestration.locations import archive_url, root

_SAME, _DIFFERENT, _IMPOSSIBLE = 0, 1, 2


def main(arguments: Sequence[str], environ: Mapping[str, str], out: TextIO, err: TextIO) -> int:
    """Reports whether the same plan follows."""
    parser = terminal.Parser(command("python -m partner_sync.replay"), out=out)
    parser.add_argument("run", metavar="RUN", help="the id of a run, as the page and Airflow show it")
    parser.add_argument("--archive", metavar="URL", help="a path or URL; PARTNER_SYNC_ARCHIVE otherwise")
    asked = parser.parse_args(arguments)
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")  # outside a task, Connections of the database need it
    try:
        found = archived_run(Archive(root(asked.archive or archive_url(environ))), asked.run)
        again = found.compare_again().plan
    except (ConfigError, ValueError, ImportError) as error:
        err.write(f"The run cannot be planned again: {error}\n")
        return _IMPOSSIBLE
    except PartnerSyncError as error:
        err.write(f"{error}\n")
        return _IMPOSSIBLE
    differences = list(plan_differences(found.plan, again))
    name = sanitize(asked.run)
    if not differences:
        held = sum(hold.rows for hold in again.holds)
        out.write(f"{name}: the same plan, {len(again.changes):,} changes and {held:,} on hold.\n")
        return _SAME
    out.write(f"{name}: another plan.\n" + "".join(f"  {sanitize(line)}\n" for line in differences))
    made = found.record.versions.get("partner_sync", "unknown")
    out.write(f"The run was planned by release {made}. Its archived plan is unchanged.\n")
    return _DIFFERENT


def plan_differences(archived: Plan, again: Plan) -> Iterator[str]:
    """What differs between two plans of the same inputs, a line each."""
    for name in sorted({*archived.digests, *again.digests}):
        if archived.digests.get(name) != again.digests.get(name):
            state = "is new" if name not in archived.digests else "is gone" if name not in again.digests else "differs"
            yield f"batch {name} {state}"
    before, now = ({hold.id: hold for hold in plan.holds} for plan in (archived, again))
    for hold in sorted(before.keys() ^ now.keys()):
        found, state = (now[hold], "is new") if hold in now else (before[hold], "is gone")
        yield f"hold {hold} ({found.rows} {found.kind}s in {found.instance}, {found.reason}) {state}"
    for key in sorted({*archived.counts, *again.counts}):
        if archived.counts.get(key) != again.counts.get(key):
            yield f"count {key}: {archived.counts.get(key, 0)} -> {again.counts.get(key, 0)}"
    if archived.problems != again.problems:
        yield f"problems: {len(archived.problems)} -> {len(again.problems)}, or others"


def run_replay() -> NoReturn:
    """Runs the command and exits with the code that `main` returns."""
    run_command(main)

"""`python -m partner_sync.retention`: lists old objects of the archive and of XComs, and removes them with `--delete`.

It never removes the last runs, runs whose plan is an instance's latest or has an open job, decisions in force, the
newest snapshots, the newest alarm message, what an instance remembers, and anything younger than the given days.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from partner_sync.cli import terminal
from partner_sync.cli.commands import command
from partner_sync.errors import ConfigError, SnapshotError

if TYPE_CHECKING:
    from partner_sync.archive.expiry import Group

LEAST_DAYS = 2
"""A run may still read younger XCom objects: a plan is valid for hours, and a run may wait for a person."""


def main(arguments: Sequence[str], say: Callable[[str], object] = sys.stdout.write) -> int:
    parser = terminal.Parser(command("python -m partner_sync.retention"))
    parser.add_argument(
        "--days", type=_days(1), default=90, help="keep younger runs, ended decisions and alarm messages (default: 90)"
    )
    parser.add_argument(
        "--xcom-days", type=_days(LEAST_DAYS), default=14, help="keep younger XCom objects (default: 14, at least 2)"
    )
    parser.add_argument(
        "--snapshot-days", type=_days(1), default=14, help="keep snapshots that were read since (default: 14)"
    )
    parser.add_argument(
        "--keep-runs", type=_days(1), default=100, help="keep the last runs, however old (default: 100)"
    )
    parser.add_argument("--delete", action="store_true", help="remove the objects; without it, they are only listed")
    chosen = parser.parse_args(arguments)
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")  # outside a task, Connections of the database need it

    from partner_sync.archive import expiry
    from partner_sync.archive.instance_memory import BUDGET
    from partner_sync.orchestration import locations

    try:
        archive, xcoms = locations.archive().root, locations.xcoms()
    except (ConfigError, ValueError, ImportError) as missing:
        return terminal.refuse(f"A location cannot be found: {missing}")
    now = datetime.now(timezone.utc)
    old, old_xcoms = now - timedelta(days=chosen.days), now - timedelta(days=chosen.xcom_days)
    old_snapshots = now - timedelta(days=chosen.snapshot_days)
    try:
        found = {
            f"runs in {archive}": expiry.expired_runs(archive, before=old, keep=chosen.keep_runs),
            f"ended decisions in {archive}": expiry.expired_decisions(archive, before=old, keep=chosen.keep_runs),
            f"alarm messages in {archive}": expiry.expired_alarms(archive, before=old),
            f"notes of marks in {archive}": expiry.expired_marks(archive, before=min(old, now - 2 * BUDGET)),
            f"snapshots in {archive}": expiry.expired_snapshots(archive, before=old_snapshots),
            f"inputs of plans in {archive}": expiry.expired_inputs(archive, before=old_snapshots),
        }
        if xcoms is not None:
            found[f"runs' XCom objects in {xcoms}"] = expiry.expired_xcoms(xcoms, locations.DAG_ID, before=old_xcoms)
    except SnapshotError as damaged:
        return terminal.refuse(str(damaged))
    for what, groups in found.items():
        say(f"{_line(what, groups)}\n")
    groups = [group for several in found.values() for group in several]
    if not groups:
        say("There is nothing to remove.\n")
        return 0
    if not chosen.delete:
        say("Nothing was removed: this was a dry run. Add --delete to remove the objects.\n")
        return 0
    return remove_groups(groups, say)


def remove_groups(groups: Sequence[Group], say: Callable[[str], object]) -> int:
    """Removes the groups, lists the objects that cannot be removed, and returns the exit code."""
    from partner_sync.archive import expiry

    failed = 0
    for found, error in expiry.remove_expired(groups):
        failed += 1
        sys.stderr.write(f"not removed: {found.path}: {error.why}\n")
    objects = sum(len(group.objects) for group in groups)
    say(f"Removed {objects - failed:,} objects{f'; {failed:,} could not be removed' if failed else ''}.\n")
    return 1 if failed else 0


def _line(what: str, groups: Sequence[Group]) -> str:
    """One line: number, size, first and last date."""
    if not groups:
        return f"{0:>8,} {what}"
    first, last = min(group.written for group in groups), max(group.written for group in groups)
    objects, size = sum(len(group.objects) for group in groups), sum(group.size for group in groups)
    return f"{len(groups):>8,} {what}: {objects:,} objects, {_size(size)}, written {first:%Y-%m-%d} to {last:%Y-%m-%d}"


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:,.0f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"


def _days(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return int(text)

    return number

"""`make rehearse CONFIG=NEW.toml`: the real DAG with an edited config, on a sandbox that begins as a run ended.

It only reads the archive. What it writes is in a home of its own inside the home, which the next rehearsal removes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from partner_sync.archive.archive import Archive, segment
from partner_sync.archive.instance_memory import InstanceMemory
from partner_sync.archive.object_store import Root, put, read_bytes, stored
from partner_sync.archive.records import RowVerdict
from partner_sync.cli.list_commands import config_in
from partner_sync.cli.sanitize import sanitize
from partner_sync.compare.config_effect import Unknown, unknown_to
from partner_sync.compare.snapshots import match_snapshots
from partner_sync.config.load import Config
from partner_sync.errors import PartnerSyncError
from partner_sync.local import systems
from partner_sync.local.archived_worlds import account_world, organization_world
from partner_sync.local.home import Home, Refusal
from partner_sync.local.outcome import RunOutcome
from partner_sync.local.run import limits_of, report, run_dag
from partner_sync.orchestration.archived_runs import ArchivedRun, archived_run
from partner_sync.orchestration.locations import archive_url, root

REMEMBERED = ("decisions", "holds", "marked", "memory")
"""Folders of an instance in the archive that a rehearsal begins with. Open jobs and the last read are not for it: they
are about the real Zendesk."""


@dataclass(frozen=True)
class _Subject:
    """What is rehearsed: a config, and the run whose end is the beginning."""

    config: Config
    path: Path
    archive: Archive
    run: ArchivedRun
    verdicts: Sequence[RowVerdict]
    unknown: Sequence[Unknown]


def rehearse(environ: Mapping[str, str], console: Console) -> int:
    """Runs the DAG once with the config that CONFIG names, and prints the summary. Returns what `make run` does."""
    environ = dict(environ)
    subject, home = _subject(environ), _own_home(environ)
    # The caller's Connections would let the rehearsal message the team, or reach a real system.
    private = ("AIRFLOW_CONN_", "AIRFLOW_VAR_", "PARTNER_SYNC_ARCHIVE")
    kept = {name: value for name, value in environ.items() if not name.startswith(private)}
    kept["PARTNER_SYNC_CONFIG"] = str(subject.path)
    with home.claim("make rehearse") as lock:
        home.clear()
        home.make()
        with _refused():
            carry_over(subject.archive, home.archive, [one.name for one in subject.config.instances])
        worlds = _write_worlds(subject, home.sandbox)

        def connect(stack: ExitStack) -> Mapping[str, str]:
            found: dict[str, str] = {}
            for one in subject.config.instances:
                connections = systems.Sandbox(stack, home, kept, worlds[one.name]).connections()
                found.setdefault(_variable(subject.config.accounts.connection), connections[systems.SALESFORCE])
                found[_variable(one.connection)] = connections[systems.ZENDESK]
            return found

        begun = subject.run.accounts.begun
        which = f"sandbox as run {subject.run.record.trigger.run_id} left it, read {begun:%Y-%m-%d %H:%M} UTC"
        outcome = _as_rehearsal(run_dag(kept, home, lock, connect, which, console, conf={}))
    limits = replace(limits_of(environ), more=f"make rehearse CONFIG={environ['CONFIG'].strip()} ALL=1")
    code = report(outcome, home, limits, console)
    _show_unknown(subject.unknown, console)
    return code


def _as_rehearsal(outcome: RunOutcome) -> RunOutcome:
    """The outcome without how to approve what is on hold: only a run has holds that can be approved."""
    held = "Changes are on hold, as they would be after a run."
    failures = [replace(one, message=held) if one.label == "withheld" else one for one in outcome.failures]
    return replace(outcome, failures=failures, rehearsal=True)


def carry_over(archive: Archive, own: Path, instances: Iterable[str]) -> None:
    """Copies what an archive remembers of instances to `own`: accepted rules, missing accounts, decisions, marks of the
    last days, and the last complete run."""
    _copy(archive.root, own, "rules")
    for name in instances:
        for folder in REMEMBERED:
            _copy(archive.root, own, "instances", segment(name), folder)
        known = InstanceMemory(archive.root, name)
        if armed := known.armed():
            InstanceMemory(own, name).arm(armed)
        if memory := known.newest():
            run = archive.run_folder(memory.run_id, memory.run_after)
            _copy(archive.root, own, "runs", run.parent.name, run.name)
            for digest in filter(None, (memory.accounts, memory.organizations)):
                _copy_object(archive.root, own, "snapshots", f"{digest}.json.gz")


def _copy(real: Root, own: Path, *folder: str) -> None:
    for one in stored(real.joinpath(*folder)):
        if not one.parts[-1].startswith("."):  # a part of an object that is being written
            _copy_object(real, own, *folder, *one.parts)


def _copy_object(real: Root, own: Path, *parts: str) -> None:
    with suppress(FileNotFoundError):  # a run has just replaced it, or retention removed it
        put(own.joinpath(*parts), read_bytes(real.joinpath(*parts)))


def _subject(environ: Mapping[str, str]) -> _Subject:
    """Reads the config and the run. Raises Refusal."""
    named = environ.get("CONFIG", "").strip()
    if not named:
        raise Refusal("CONFIG names no config. Write it like this: make rehearse CONFIG=NEW.toml")
    path = Path(named).expanduser().absolute()
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")  # outside a task, Connections of the database need it
    with _refused():
        config = config_in(path, "CONFIG")
        archive = Archive(root(archive_url(environ)))
        run = archived_run(archive, environ.get("RUN", "").strip() or None)
        trigger = run.record.trigger
        verdicts = archive.verdicts(archive.run_folder(trigger.run_id, trigger.run_after), run.plan.id)
        unknown = unknown_to(match_snapshots(run.config, run.accounts, run.organizations), config)
    if config.accounts.object != "Account":
        use = "Use python -m partner_sync.preview instead."
        raise Refusal(
            f"The sandbox has the object Account only, and accounts.object is {config.accounts.object}. {use}"
        )
    read = {one.instance for one in run.organizations.instances}
    if unread := [one.name for one in config.instances if one.name not in read]:
        use = "Name a run that did in RUN, or rehearse without it."
        raise Refusal(f"Run {trigger.run_id} did not read the instance {', '.join(unread)}. {use}")
    return _Subject(config, path, archive, run, verdicts, unknown)


@contextmanager
def _refused() -> Iterator[None]:
    """Turns what makes a rehearsal impossible into a Refusal."""
    try:
        yield
    except (PartnerSyncError, OSError, ValueError, ImportError) as error:
        raise Refusal(f"There is no rehearsal. {error}") from None


def _own_home(environ: Mapping[str, str]) -> Home:
    home = Home.of(environ)
    if not home.marker.exists():
        with home.claim("make rehearse"):
            pass  # makes the folder ours, unless it holds other files
    return Home(home.rehearsal)


def _write_worlds(subject: _Subject, folder: Path) -> dict[str, Path]:
    """Writes a file for the sandbox of each instance. The first of them is Salesforce, too."""
    accounts = account_world(subject.run, subject.config)
    reads = {one.instance: one for one in subject.run.organizations.instances}
    paths = {}
    for instance in subject.config.instances:
        world = organization_world(subject.run, subject.config, reads[instance.name], subject.verdicts)
        paths[instance.name] = folder / f"{instance.name}.json"
        paths[instance.name].write_text(json.dumps({**accounts, **world}))
        accounts = {}
    return paths


def _variable(connection: str) -> str:
    return f"AIRFLOW_CONN_{connection.upper()}"


def _show_unknown(unknown: Iterable[Unknown], console: Console) -> None:
    for at, one in enumerate(unknown):
        if not at:
            console.print(Text("\nWhat the snapshots cannot show:", "bold yellow"))
        empty = " It is empty here." if one.kind == "source" else ""
        console.print(Text(sanitize(f"  {one.subject}: {one.meaning}{empty}")), soft_wrap=True)

"""`make run`: one complete DAG run in the foreground, on the embedded default, and what came of it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from partner_sync.archive.archive import Archive
from partner_sync.cli.sanitize import plain
from partner_sync.errors import ConfigError
from partner_sync.local import events, summary, systems
from partner_sync.local.children import Child
from partner_sync.local.environment import embedded, ignored
from partner_sync.local.home import Home, near
from partner_sync.local.progress import Progress, show
from partner_sync.local.refusal import Refusal
from partner_sync.local.signals import Stop
from partner_sync.orchestration import locations

LOGS_KEPT = 20
AT_ONCE_SECONDS, FINISH_SECONDS = 0.3, 8.0


def run(environ: Mapping[str, str], console: Console) -> int:
    """The exit code: 0 only if the DAG run succeeded."""
    home, conf, own = Home.of(environ), conf_of(environ), systems.given(environ)
    with home.claim("make run") as lock:
        home.make()
        log = _new_log(home)
        with Progress(console) as progress, contextlib.ExitStack() as stack:
            if names := ignored(environ):
                progress.line("Airflow", f"not used here: {', '.join(names)}")
            progress.doing("starting")
            connections = systems.own(environ) if own else systems.Sandbox(stack, home, environ).connections()
            progress.line("systems", systems.WHICH[own])
            env = embedded(environ, home, connections, paused=own)
            child, told = _start(env, conf, log, lock, stack)
            try:
                ended, failures = _watch(told, progress)
            except Stop:
                if not child.ask_to_end(AT_ONCE_SECONDS):
                    progress.line("stopping", "the batch that is being written is finished first")
                    child.ask_to_end(FINISH_SECONDS)
                raise
        if ended is None:
            raise Refusal(f"The DAG run broke off. The end of {near(log)} says why.")
        result = _summary(ended, failures, progress.seconds, env, log, own=own)
    home.last_run.write_text(json.dumps(summary.facts(result), indent=1) + "\n")
    show(console, summary.render(result))
    return 0 if result.state == "success" and result.record else 1


def conf_of(environ: Mapping[str, str]) -> dict[str, Any]:
    """The conf of the DAG run, from CONF. What the DAG takes is checked where the DAG is loaded."""
    text = environ.get("CONF", "").strip()
    if not text:
        return {}
    example = """Write it like this: CONF='{"dry_run": true}' make run"""
    try:
        conf = json.loads(text)
    except ValueError as error:
        raise Refusal(f"CONF is not JSON ({error}). {example}") from None
    if not isinstance(conf, dict):
        raise Refusal(f"CONF is not a JSON object. {example}")
    return conf


def _start(
    env: Mapping[str, str], conf: Mapping[str, Any], log: Path, lock: int, stack: contextlib.ExitStack
) -> tuple[Child, Iterator[events.Event]]:
    """Starts the process of the DAG run, which holds the home as long as it lives. It, and what it tells."""
    ours, theirs = os.pipe()
    arguments = (str(theirs), json.dumps(conf))
    told = stack.enter_context(os.fdopen(ours, encoding="utf-8"))
    child = Child(stack, "partner_sync.local.dag_run", *arguments, env=env, log=log, keep=(theirs, lock))
    os.close(theirs)
    return child, events.read(told)


def _watch(told: Iterator[events.Event], progress: Progress) -> tuple[events.Ended | None, list[summary.Failure]]:
    """Shows what happens until the run is over. Returns its end, None if it broke off, and the tasks that failed."""
    now = ""
    failures = []
    for event in told:
        match event:
            case events.Phase(text):
                progress.doing(text)
            case events.Said(level, text):
                progress.said(now, text.removeprefix(f"{now}: "), level)
            case events.TaskChanged(task, label, "running"):
                now = label or task
                progress.doing(now)
            case events.TaskChanged(task, label, state, error):
                progress.line(label or task, _told(state, error), state)
                if state == "failed":
                    failures.append(summary.Failure(task, label, error))
            case events.Refused(why):
                raise Refusal(plain(why))
            case events.Ended():
                return event, failures
    return None, failures


def _told(state: str, error: str) -> str:
    if state == "up_for_retry":
        return f"tries again later: {error.splitlines()[0] if error else ''}"
    return {"success": "done", "failed": "failed"}.get(state, state)


def _summary(
    ended: events.Ended,
    failures: list[summary.Failure],
    seconds: float,
    env: Mapping[str, str],
    log: Path,
    *,
    own: bool,
) -> summary.Summary:
    archive = _archive(env)
    folder = archive.run_folder(ended.run_id, ended.when)
    record = archive.run(folder)
    plan = archive.plan(folder, record.plan.id) if record else None
    verdicts = archive.verdicts(folder, record.plan.id) if record else []
    named = {(failure.task, failure.label) for failure in failures}
    for task, label, state in ended.tasks:  # what failed without running, by a time-out of the whole run for example
        if state == "failed" and (task, label) not in named:
            failures.append(summary.Failure(task, label, "Airflow failed it; the log says more."))
    return summary.Summary(
        ended.state,
        seconds,
        record,
        plan,
        verdicts,
        failures,
        archive=near(folder) if isinstance(folder, Path) else str(folder),
        log=near(log),
        systems=systems.WHICH[own],
    )


def _archive(env: Mapping[str, str]) -> Archive:
    os.environ.update(env)  # where the archive is; and of a store, Airflow reads its settings and the Connection
    try:
        return locations.archive()
    except ConfigError as error:
        raise Refusal(str(error)) from None


def _new_log(home: Home) -> Path:
    """An empty log file for this run; the oldest ones go."""
    for old in sorted(home.logs.glob("run-*.log"))[: -LOGS_KEPT + 1]:
        old.unlink()
    log = home.logs / f"run-{datetime.now().astimezone():%Y%m%dT%H%M%S}.log"
    log.touch()
    return log

"""`make run`: one complete DAG run in the foreground, on the local Airflow, and its summary."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from partner_sync.archive.archive import Archive
from partner_sync.cli.sanitize import sanitize
from partner_sync.config.params import options
from partner_sync.errors import ConfigError
from partner_sync.local import events, summary, systems
from partner_sync.local.children import Child
from partner_sync.local.environment import embedded, ignored
from partner_sync.local.home import Home, Refusal, near
from partner_sync.local.outcome import FailedTask, RunOutcome, facts
from partner_sync.local.progress import Progress, show
from partner_sync.local.signals import Stop
from partner_sync.orchestration import locations

LOGS_KEPT = 20
AT_ONCE_SECONDS, FINISH_SECONDS = 0.3, 8.0


Connect = Callable[[contextlib.ExitStack], Mapping[str, str]]
"""Starts what a run talks to, and returns its AIRFLOW_CONN_ variables."""


def run(environ: Mapping[str, str], console: Console) -> int:
    """Runs the DAG once and prints the summary. Returns 0 only if the DAG run succeeded."""
    home, conf, own = Home.of(environ), conf_of(environ), systems.are_own(environ)

    def connect(stack: contextlib.ExitStack) -> Mapping[str, str]:
        return systems.own(environ) if own else systems.Sandbox(stack, home, environ).connections()

    with home.claim("make run") as lock:
        home.make()
        outcome = run_dag(environ, home, lock, connect, systems.WHICH[own], console, conf=conf, paused=own)
    return report(outcome, home, limits_of(environ), console)


def run_dag(
    environ: Mapping[str, str],
    home: Home,
    lock: int,
    connect: Connect,
    which: str,
    console: Console,
    *,
    conf: Mapping[str, Any],
    paused: bool = False,
) -> RunOutcome:
    """Runs the DAG once in a claimed home and shows its progress. `which` describes the systems."""
    log = _new_log(home)
    with Progress(console) as progress, contextlib.ExitStack() as stack:
        if names := ignored(environ):
            progress.line("Airflow", f"ignoring {', '.join(names)}")
        progress.doing("starting")
        connections = connect(stack)
        progress.line("systems", which)
        env = embedded(environ, home, connections, paused=paused)
        child, received = _start(env, conf, log, lock, stack)
        try:
            ended, failures = _watch(received, progress)
        except Stop:
            if not child.ask_to_end(AT_ONCE_SECONDS):
                progress.line("stopping", "after the current batch is written")
                child.ask_to_end(FINISH_SECONDS)
            raise
    if ended is None:
        raise Refusal(f"The DAG run broke off. See the end of {near(log)}.")
    return _outcome(ended, failures, progress.seconds, env, log, which)


def report(outcome: RunOutcome, home: Home, limits: summary.Limits, console: Console) -> int:
    """Keeps the outcome in the home and prints the summary. Returns the exit code."""
    home.last_run.write_text(json.dumps(facts(outcome), indent=1) + "\n")
    show(console, summary.render(outcome, limits))
    return 0 if outcome.state == "success" and outcome.record else 1


def limits_of(environ: Mapping[str, str]) -> summary.Limits:
    """How much the summary shows: with ALL, everything."""
    return summary.EXAMPLES if environ.get("ALL", "0") in ("", "0") else summary.EVERYTHING


def conf_of(environ: Mapping[str, str]) -> dict[str, Any]:
    """The conf of the DAG run, from CONF. Raises Refusal where the DAG would refuse it."""
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
    try:
        options(conf)
    except ConfigError as error:
        raise Refusal(f"CONF is wrong: {' '.join(map(str, error.findings))}") from None
    return conf


def _start(
    env: Mapping[str, str], conf: Mapping[str, Any], log: Path, lock: int, stack: contextlib.ExitStack
) -> tuple[Child, Iterator[events.Event]]:
    """Starts the process of the DAG run, which holds the home as long as it lives. Returns it and its events."""
    ours, theirs = os.pipe()
    arguments = (str(theirs), json.dumps(conf))
    received = stack.enter_context(os.fdopen(ours, encoding="utf-8"))
    child = Child(stack, "partner_sync.local.dag_run", *arguments, env=env, log=log, keep=(theirs, lock))
    os.close(theirs)
    return child, events.read_events(received)


def _watch(received: Iterator[events.Event], progress: Progress) -> tuple[events.RunEnded | None, list[FailedTask]]:
    """Shows progress until the run is over. Returns its end, None if it broke off, and the tasks that failed."""
    now = ""
    failures = []
    for event in received:
        match event:
            case events.Phase(text):
                progress.doing(text)
            case events.LogLine(level, text):
                progress.line(now, text.removeprefix(f"{now}: "), level)
            case events.TaskChanged(task, label, "running"):
                now = label or task
                progress.doing(now)
            case events.TaskChanged(task, label, state, error):
                progress.line(label or task, _state_text(state, error), state)
                if state == "failed":
                    failures.append(FailedTask(task, label, error))
            case events.RunRefused(why):
                raise Refusal(sanitize(why))
            case events.RunEnded():
                return event, failures
    return None, failures


def _state_text(state: str, error: str) -> str:
    if state == "up_for_retry":
        return f"Airflow tries again later: {error.splitlines()[0] if error else ''}"
    return {"success": "done"}.get(state, state)


def _outcome(
    ended: events.RunEnded,
    failures: list[FailedTask],
    seconds: float,
    env: Mapping[str, str],
    log: Path,
    which: str,
) -> RunOutcome:
    archive = _archive(env)
    folder = archive.run_folder(ended.run_id, ended.when)
    record = archive.run(folder)
    plan = archive.plan(folder, record.plan.id) if record else None
    verdicts = archive.verdicts(folder, record.plan.id) if record else []
    named = {(failure.task, failure.label) for failure in failures}
    for task, label, state in ended.tasks:  # tasks that failed without running: the whole run timed out, for example
        if state == "failed" and (task, label) not in named:
            failures.append(FailedTask(task, label, "Airflow failed this task. See the log."))
    return RunOutcome(
        ended.state,
        seconds,
        record,
        plan,
        verdicts,
        failures,
        archive=near(folder) if isinstance(folder, Path) else str(folder),
        log=near(log),
        systems=which,
    )


def _archive(env: Mapping[str, str]) -> Archive:
    os.environ.update(env)  # the archive URL; for object storage, Airflow reads its settings and the Connection, too
    try:
        return locations.archive()
    except ConfigError as error:
        raise Refusal(str(error)) from None


def _new_log(home: Home) -> Path:
    """Makes an empty log file for this run, and removes the oldest log files."""
    for old in sorted(home.logs.glob("run-*.log"))[: -LOGS_KEPT + 1]:
        old.unlink()
    log = home.logs / f"run-{datetime.now().astimezone():%Y%m%dT%H%M%S}.log"
    log.touch()
    return log

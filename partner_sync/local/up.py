"""`make up`: the full Airflow in the foreground, on the local home, until Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
import urllib.request
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

from partner_sync.local import systems
from partner_sync.local.children import Child
from partner_sync.local.environment import embedded, ignored
from partner_sync.local.home import ADMIN, Home, Refusal, near
from partner_sync.local.progress import Progress, show
from partner_sync.orchestration.locations import DAG_ID

USUAL_PORT = 8080
START_SECONDS = 400
STOP_SECONDS = 20
LAST_LINES = 20
EXAMPLE = {"Id": "0014M00001KKzjJQAT", "Support_Hold__c": True}
"""A change to make by hand: an account of the sandbox's default world whose organization is in sync."""


class ComponentEnded(Exception):  # noqa: N818 - an event, not an error of ours
    """A component of the running Airflow ended by itself. The message names its log, and `last_lines` end that log."""

    def __init__(self, what: str, log: Path) -> None:
        super().__init__(f"{what} The end of {near(log)}:")
        self.last_lines = log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-LAST_LINES:]


def up(environ: Mapping[str, str], console: Console) -> NoReturn:
    """Runs until a signal stops it, or raises ComponentEnded."""
    home, own, port = Home.of(environ), systems.are_own(environ), port_of(environ)
    with home.claim("make up") as lock, contextlib.ExitStack() as stack:
        home.make()
        with Progress(console) as progress:
            if names := ignored(environ):
                progress.line("Airflow", f"ignoring {', '.join(names)}")
            progress.doing("starting")
            sandbox = None if own else systems.Sandbox(stack, home, environ)
            connections = sandbox.connections() if sandbox else systems.own(environ)
            progress.line("systems", systems.WHICH[own])
            tasks_port = _any_free()
            env = embedded(environ, home, connections, port=port, tasks_port=tasks_port, paused=own)
            _prepare(env, home, progress, paused=own)
            components = Child(
                stack,
                "partner_sync.local.components",
                *(str(home.logs), str(tasks_port)),
                env=env,
                log=home.logs / "up.log",
                piped=True,
                keep=(lock,),
                patience=STOP_SECONDS,
            )
            StartingAirflow(port, tasks_port, home, components, sandbox).wait(progress, START_SECONDS)
        _show_addresses(console, port, home, sandbox)
        _stay(components, home, sandbox)


def port_of(environ: Mapping[str, str]) -> int:
    """The port that PORT asks for, or Airflow's usual one, or a free one if that is taken."""
    asked = environ.get("PORT", "").strip()
    if not asked:
        return USUAL_PORT if _free(USUAL_PORT) else _any_free()
    if not asked.isascii() or not asked.isdigit() or not 0 < int(asked) < 65536:
        raise Refusal(f"PORT is {asked!r}, not a number from 1 to 65535. Leave it out for a free one.")
    if not _free(int(asked)):
        raise Refusal(f"Port {asked} of 127.0.0.1 is taken or not allowed. Name another PORT, or leave it out.")
    return int(asked)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _any_free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _prepare(env: Mapping[str, str], home: Home, progress: Progress, *, paused: bool) -> None:
    progress.line("database", "preparing Airflow's metadata database")
    log = home.logs / "database.log"
    with contextlib.ExitStack() as stack:
        child = Child(stack, "partner_sync.local.database", "paused" if paused else "active", env=env, log=log)
        code = child.process.wait()
    if code:
        raise ComponentEnded("Airflow's metadata database cannot be created or migrated.", log)
    progress.line("database", "ready")


class StartingAirflow:
    """Which components of an Airflow that starts are up."""

    def __init__(
        self, port: int, tasks_port: int, home: Home, components: Child, sandbox: systems.Sandbox | None
    ) -> None:
        self._address, self._tasks_address = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{tasks_port}"
        self._home, self._components, self._sandbox = home, components, sandbox
        self._begun = datetime.now(timezone.utc)
        self._token = ""

    def wait(self, progress: Progress, seconds: float) -> None:
        """Waits until every component has sent a heartbeat since we began, and the DAG is loaded.

        Raises ComponentEnded for the first that is not up when all are looked at after `seconds`. On a busy machine one
        look takes seconds, so one that began earlier may miss a component that is up by now.
        """
        awaited = {
            "api-server": self._api,
            "task-api": self._task_api,
            "scheduler": lambda: self._beats("scheduler"),
            "dag-processor": lambda: self._beats("dag_processor"),
            "triggerer": lambda: self._beats("triggerer"),
            "DAG": self._dag,
        }
        progress.line("Airflow", f"starting {', '.join(name for name in awaited if name != 'DAG')}")
        until = time.monotonic() + seconds
        while awaited:
            late = time.monotonic() > until
            progress.doing(f"starting {', '.join(awaited)}")
            for name in [name for name, there in awaited.items() if there()]:
                progress.line(name, "up" if name != "DAG" else f"{DAG_ID} is loaded")
                del awaited[name]
            if awaited and late:
                log = self._home.logs / f"{next(iter(awaited))}.log".replace("DAG", "dag-processor")
                raise ComponentEnded(f"{next(iter(awaited))} is not up after {seconds:g} s.", log)
            watch_components(self._components, self._home, self._sandbox, 0.3)

    def _api(self) -> bool:
        return self._get(f"{self._address}/api/v2/monitor/health") is not None

    def _task_api(self) -> bool:
        return self._get(f"{self._tasks_address}/execution/health") is not None

    def _beats(self, part: str) -> bool:
        """A heartbeat of an earlier start does not count."""
        health = self._get(f"{self._address}/api/v2/monitor/health") or {}
        return self._since_we_began((health.get(part) or {}).get(f"latest_{part}_heartbeat"))

    def _dag(self) -> bool:
        if not self._token:
            login = {"username": ADMIN, "password": self._home.password()}
            self._token = (self._get(f"{self._address}/auth/token", login) or {}).get("access_token", "")
        dag = self._get(f"{self._address}/api/v2/dags/{DAG_ID}") if self._token else None
        return self._since_we_began((dag or {}).get("last_parsed_time"))

    def _since_we_began(self, moment: str | None) -> bool:
        return moment is not None and datetime.fromisoformat(moment.replace("Z", "+00:00")) > self._begun

    def _get(self, url: str, body: Mapping[str, str] | None = None) -> Any:
        """The JSON at `url`, or None if nothing responds yet. Uses no proxy between two processes of one machine."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers)  # noqa: S310 - always http to 127.0.0.1
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as response:
                return json.load(response)
        except (OSError, ValueError):  # URLError is an OSError
            return None


def _stay(components: Child, home: Home, sandbox: systems.Sandbox | None) -> NoReturn:
    while True:
        watch_components(components, home, sandbox, 1.0)


def watch_components(components: Child, home: Home, sandbox: systems.Sandbox | None, seconds: float) -> None:
    """Waits a moment. Raises ComponentEnded when a component, or the sandbox, has ended."""
    if select.select([components.output], [], [], seconds)[0]:
        words = components.output.readline().decode().split()
        name, code = words or ("Airflow", components.process.wait())
        log = home.logs / f"{name}.log" if words else components.log
        raise ComponentEnded(f"{name} ended by itself with exit code {code}, so everything was stopped.", log)
    if sandbox and sandbox.ended:
        raise ComponentEnded("The sandbox ended by itself, so everything was stopped.", sandbox.log)


def _show_addresses(console: Console, port: int, home: Home, sandbox: systems.Sandbox | None) -> None:
    address = f"http://127.0.0.1:{port}"
    trigger = 'Trigger, at the top right of the DAG; "Dry run" shows the plan and writes nothing.'
    state = "The hourly runs start by themselves, and only plan until somebody starts a run without it."
    state = state if sandbox else "The DAG is paused until you switch it on."
    rows = [
        ("Airflow is up", address, "bold green"),
        ("Log in", f"{ADMIN} / {home.password()}", "bold"),
        ("Page", f"{address}/plugin/partner-sync", "bold"),
        ("DAG", f"{address}/dags/{DAG_ID}", ""),
        ("Start a run", f"{trigger} {state}", ""),
        *([("Sandbox", f"{sandbox.control_url}  (accounts, organizations, calls, faults)", "")] if sandbox else []),
        ("Logs", near(home.logs), ""),
        ("Stop", "Ctrl-C; no process is left behind", ""),
    ]
    table = Table.grid(padding=(0, 2))
    for name, text, style in rows:
        table.add_row(Text(name, "dim"), Text(text, style, overflow="fold"))
    console.print()
    show(console, table)
    if sandbox:
        console.print(Text("\nTo see it work, change an account, start a run, and watch the page:", "dim"))
        command = f"  curl -d '{json.dumps(EXAMPLE)}' {sandbox.control_url}/accounts\n"
        console.print(Text(command), soft_wrap=True)  # one line however wide the terminal: it is there to be copied

"""``python -m partner_sync.sandbox``: both systems until a signal, or until the parent is gone."""

from __future__ import annotations

import argparse
import asyncio
import gc
import ipaddress
import json
import os
import signal
import sqlite3
import sys
import threading
from dataclasses import fields
from functools import partial
from pathlib import Path

from .server import HOST, Server
from .settings import Settings
from .state import State
from .tokens import connections
from .wire import SALESFORCE, ZENDESK
from .world import make_world, world_in

_EPILOG = """
examples:
  python -m partner_sync.sandbox
      60 accounts and 400 organizations, in memory
  python -m partner_sync.sandbox --state world.sqlite
      the same, kept in a file
  python -m partner_sync.sandbox --accounts 5000 --organizations 100000
      a large world

exit codes:
  0  stopped by a signal
  1  cannot start
  2  wrong arguments

When it is ready, one JSON line goes to standard output:
  {"salesforce": {"url": ..., "connection": {...}}, "zendesk": {"url": ..., "connection": {...}}, "pid": ...}
where "connection" is an Airflow Connection in JSON form. View and change the state of the sandbox over HTTP,
below /_sandbox on either port.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m partner_sync.sandbox",
        description="Imitates Salesforce and Zendesk: HTTP on 127.0.0.1, stateful, with faults on demand.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    place = parser.add_argument_group("where")
    place.add_argument(
        "--salesforce-port",
        type=int,
        default=0,
        help="port of Salesforce (default: the last port in --state, or any free port)",
    )
    place.add_argument("--zendesk-port", type=int, default=0, help="port of Zendesk (default: likewise)")
    place.add_argument("--host", default=HOST, help="address to listen on; any but loopback needs a certificate")
    place.add_argument("--certificate", type=Path, help="file of a TLS certificate; serves https")
    place.add_argument("--key", type=Path, help="file of the certificate's private key")
    place.add_argument("--state", type=Path, help="file to keep the state in; an existing file is continued")
    place.add_argument("--verbose", action="store_true", help="write each call to standard error")
    place.add_argument(
        "--exit-with-parent",
        action="store_true",
        help="end when standard input closes, that is, when the parent process ends",
    )
    world = parser.add_argument_group("the world, unless --state already has a world")
    world.add_argument("--world", choices=("default", "empty", "large"), help="default contains every case")
    world.add_argument("--seed", type=int, help="the same seed makes the same world (default: 1)")
    world.add_argument(
        "--accounts", type=int, help="accounts that the query for partners returns (default: 60; large: 5000)"
    )
    world.add_argument("--organizations", type=int, help="organizations (default: 400; large: 100000)")
    for name, meaning in (
        ("creates", "accounts without an organization"),
        ("updates", "organizations that differ from their account"),
        ("marks", "partner organizations without an account"),
    ):
        world.add_argument(f"--{name}", type=int, help=f"{meaning}; implies --world large")
    world.add_argument(
        "--world-file", type=Path, help="a world of your own, as JSON with the fields of the class World"
    )
    settings = parser.add_argument_group("settings; a limit of 0 means no limit")
    for each in fields(Settings):
        settings.add_argument(
            f"--{each.name.replace('_', '-')}",
            type=type(each.default),
            help=f"{each.metadata['meaning']} (default: {each.default})",
        )
    return parser


async def _serve(options: argparse.Namespace, state: State) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if options.exit_with_parent:
        threading.Thread(target=_await_end_of_input, args=(loop, ended), daemon=True).start()
    certificate = (options.certificate, options.key) if options.certificate else None
    server = Server(state, options.verbose, options.host, certificate)
    try:
        await server.start(options.salesforce_port, options.zendesk_port)
        ready = connections(server.urls[SALESFORCE], server.urls[ZENDESK])
        line = {system: {"url": server.urls[system], "connection": ready[system]} for system in ready}
        print(json.dumps({**line, "pid": os.getpid()}), flush=True)  # noqa: T201 - the command's answer
        await ended.wait()
    finally:
        await server.stop()


def _await_end_of_input(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """Read until there is nothing more: a pipe ends with the process at its other side."""
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(ended.set)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def main(arguments: list[str] | None = None) -> int:
    """Run the command; answers its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.certificate is None) != (options.key is None):
        parser.error("--certificate and --key go together")
    if options.certificate is None and not _is_loopback(options.host):
        parser.error(f"--host {options.host} needs --certificate and --key: clients send no credential over plain http")
    numbers = {
        name: getattr(options, name)
        for name in ("world", "seed", "accounts", "organizations", "creates", "updates", "marks")
    }
    if options.world_file and any(value is not None for value in numbers.values()):
        parser.error("--world-file goes with no other option of the world")
    begin = partial(world_in, options.world_file) if options.world_file else partial(make_world, **numbers)
    changes = {each.name: getattr(options, each.name) for each in fields(Settings)}
    try:
        # A large world is millions of objects and no garbage: looking for some is half of the start, and pauses later.
        gc.disable()
        state = State(
            options.state,
            begin,
            {name: value for name, value in changes.items() if value is not None},
        )
        gc.freeze()
        gc.enable()
        asyncio.run(_serve(options, state))
    except (ValueError, TypeError) as error:
        parser.error(str(error))
    except (OSError, sqlite3.OperationalError) as error:
        print(f"cannot start: {error}", file=sys.stderr)  # noqa: T201 - the command's answer
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

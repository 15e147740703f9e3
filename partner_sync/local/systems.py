"""Salesforce and Zendesk: the sandbox, which is started here, or two Connections of the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from partner_sync.local.children import Child
from partner_sync.local.home import Home, Refusal, near
from partner_sync.orchestration.locations import CHECKOUT

SALESFORCE, ZENDESK = "AIRFLOW_CONN_SALESFORCE_DEFAULT", "AIRFLOW_CONN_ZENDESK_DEFAULT"
SAVE_SECONDS = 10.0
WHICH = {
    False: "sandbox on this machine, in place of Salesforce and Zendesk",
    True: "your Salesforce and Zendesk, from the two Connections in the environment",
}
"""Whether the systems are the caller's own to their description."""


def are_own(environ: Mapping[str, str]) -> bool:
    """Whether the environment names both systems. Raises Refusal if it names only one of them."""
    named = [name for name in (SALESFORCE, ZENDESK) if environ.get(name)]
    if len(named) == 1:
        (missing,) = {SALESFORCE, ZENDESK} - set(named)
        raise Refusal(
            f"{named[0]} is set but {missing} is not. Set both to use your own systems, or unset both for the sandbox."
        )
    return bool(named)


def own(environ: Mapping[str, str]) -> dict[str, str]:
    """The two Connections of the environment."""
    return {name: environ[name] for name in (SALESFORCE, ZENDESK)}


class Sandbox:
    """The sandbox as a child process.

    It keeps its state in the home, or beside the file of the `world` that it begins with.
    """

    def __init__(self, stack: ExitStack, home: Home, environ: Mapping[str, str], world: Path | None = None) -> None:
        state = world.with_suffix(".sqlite") if world else home.sandbox / "world.sqlite"
        self._child = Child(
            stack,
            "partner_sync.sandbox",
            *("--state", str(state), "--exit-with-parent", *(("--world-file", str(world)) if world else ())),
            env={**environ, "PYTHONPATH": str(CHECKOUT)},
            log=home.logs / "sandbox.log",
            piped=True,
            patience=SAVE_SECONDS,
        )
        self.log = self._child.log
        self.control_url = ""

    def connections(self) -> dict[str, str]:
        """The AIRFLOW_CONN_ variables of both systems. Waits until the sandbox listens, and sets `control_url`."""
        line = self._child.output.readline()
        if not line:
            raise Refusal(f"The sandbox did not start. See the end of {near(self.log)}.")
        ready = json.loads(line)
        self.control_url = f"{ready['salesforce']['url']}/_sandbox"
        return {
            name: _text(ready[key]["connection"]) for name, key in ((SALESFORCE, "salesforce"), (ZENDESK, "zendesk"))
        }

    @property
    def ended(self) -> bool:
        return self._child.process.poll() is not None


def _text(connection: object) -> str:
    return connection if isinstance(connection, str) else json.dumps(connection)

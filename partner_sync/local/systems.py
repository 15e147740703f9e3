"""Where Salesforce and Zendesk are: the sandbox, started here, or two Connections of the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack

from partner_sync.local.children import Child
from partner_sync.local.home import Home, near
from partner_sync.local.refusal import Refusal
from partner_sync.orchestration.locations import CHECKOUT

SALESFORCE, ZENDESK = "AIRFLOW_CONN_SALESFORCE_DEFAULT", "AIRFLOW_CONN_ZENDESK_DEFAULT"
SAVE_SECONDS = 10.0
WHICH = {
    False: "the sandbox stands in for Salesforce and Zendesk, on this machine",
    True: "the two Connections of the environment, no sandbox",
}
"""By whether the systems are the caller's own."""


def given(environ: Mapping[str, str]) -> bool:
    """Whether the environment names both systems. Raises Refusal when it names only one of them."""
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
    """The sandbox as a child process; it keeps its state in the home."""

    def __init__(self, stack: ExitStack, home: Home, environ: Mapping[str, str]) -> None:
        self._child = Child(
            stack,
            "partner_sync.sandbox",
            *("--state", str(home.sandbox / "world.sqlite"), "--exit-with-parent"),
            env={**environ, "PYTHONPATH": str(CHECKOUT)},
            log=home.logs / "sandbox.log",
            told=True,
            patience=SAVE_SECONDS,
        )
        self.log = self._child.log

    def connections(self) -> dict[str, str]:
        """The AIRFLOW_CONN_ variables of both systems, once the sandbox listens."""
        line = self._child.output.readline()
        if not line:
            raise Refusal(f"The sandbox did not start. The end of {near(self.log)} says why.")
        ready = json.loads(line)
        return {
            name: _text(ready[key]["connection"]) for name, key in ((SALESFORCE, "salesforce"), (ZENDESK, "zendesk"))
        }

    @property
    def ended(self) -> bool:
        return self._child.process.poll() is not None


def _text(connection: object) -> str:
    return connection if isinstance(connection, str) else json.dumps(connection)

"""A sandbox inside this process: the same server as the command's, in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from .client import Controls
from .control import PREFIX
from .server import Server
from .state import State
from .tokens import connections
from .wire import SALESFORCE, ZENDESK
from .world import World, default_world


class Sandbox(Controls):
    """Both systems on two loopback ports, for as long as the ``with`` block lasts.

        with Sandbox(world=default_world(1), job_seconds=0.05) as sandbox:
            sandbox.zendesk_url ...

    *state* is a file to keep everything in; with an existing one, *world* is not used. Further keywords are settings
    (see ``Settings``). Raises ``ValueError`` for wrong settings, ``OSError`` for a port in use.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        state: Path | str | None = None,
        salesforce_port: int = 0,
        zendesk_port: int = 0,
        verbose: bool = False,
        **settings: Any,
    ) -> None:
        self._world = world
        self._path = Path(state) if state is not None else None
        self._ports = (salesforce_port, zendesk_port)
        self._verbose = verbose
        self._changes = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self.salesforce_url = ""
        self.zendesk_url = ""

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; the two URLs are known from then on."""
        world = self._world
        state = State(self._path, default_world if world is None else lambda: world, self._changes)
        loop = asyncio.new_event_loop()
        server = Server(state, self._verbose)
        thread = threading.Thread(target=loop.run_forever, name="partner-sync-sandbox", daemon=True)
        thread.start()
        self._loop, self._server, self._thread = loop, server, thread
        try:
            asyncio.run_coroutine_threadsafe(server.start(*self._ports), loop).result()
        except OSError:
            self.stop()
            raise
        self.salesforce_url = server.urls[SALESFORCE]
        self.zendesk_url = server.urls[ZENDESK]

    def stop(self) -> None:
        """Stop listening; may be called twice."""
        if self._loop is None or self._server is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._server = self._thread = None

    def connections(self) -> dict[str, dict[str, Any]]:
        """The two Airflow Connections in JSON form, by "salesforce" and "zendesk"."""
        return connections(self.salesforce_url, self.zendesk_url)

    def request(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        if self._loop is None or self._server is None:
            raise RuntimeError("the sandbox is not running")
        control = self._server.control
        plain = {name: str(value) for name, value in (query or {}).items()}
        # Through JSON, so that the answer is the caller's own and the same as over HTTP.
        sent = json.loads(json.dumps(body))

        async def perform() -> str:
            return json.dumps(control.perform(method, PREFIX + path, plain, sent))

        return json.loads(asyncio.run_coroutine_threadsafe(perform(), self._loop).result())

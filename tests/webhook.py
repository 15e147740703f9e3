"""Where the team reads, for tests: a web server on loopback that takes what Apprise sends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Webhook:
    """A web server on loopback that keeps the JSON it gets, and answers as told."""

    port: int = 0
    status: int = 200
    got: list[dict[str, Any]] = field(default_factory=list)

    @property
    def connection(self) -> str:
        """The Connection of Apprise that leads here, as Airflow reads it from the environment."""
        config = {"path": f"json://127.0.0.1:{self.port}/", "tag": "team"}
        return json.dumps({"conn_type": "apprise", "extra": {"config": config}})

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.got]


@contextmanager
def serving(webhook: Webhook) -> Iterator[Webhook]:
    """Serves until the context ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            webhook.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(webhook.status)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    webhook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

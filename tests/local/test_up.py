"""`make up` waits for an Airflow that is slow to start."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rich.console import Console

from partner_sync.local.children import Child
from partner_sync.local.home import Home
from partner_sync.local.progress import Progress
from partner_sync.local.up import ComponentEnded, StartingAirflow

LATER = "2999-01-01T00:00:00Z"
HEALTH = {part: {f"latest_{part}_heartbeat": LATER} for part in ("scheduler", "dag_processor", "triggerer")}
ANSWERS = {"/api/v2/monitor/health": HEALTH, "/execution/health": {}, "/auth/token": {"access_token": "token"}}


@contextmanager
def answering(slow: float) -> Iterator[int]:
    """The port of a server that answers as a healthy Airflow does, but fails the first request after `slow` seconds."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if len(asked) == 1:
                time.sleep(slow)
            self.send_response(503 if len(asked) == 1 else 200)
            self.end_headers()
            self.wfile.write(json.dumps(ANSWERS.get(self.path, {"last_parsed_time": LATER})).encode())

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("slow", [0.0, 0.6])
def test_a_component_that_is_up_by_the_time_all_are_looked_at_again_is_not_given_up(tmp_path, slow):
    home, console = Home(tmp_path / "home"), Console(file=io.StringIO())
    with home.claim("a test"), answering(slow) as port, ExitStack() as stack, Progress(console) as progress:
        home.make()
        idle = Child(stack, "json.tool", env=os.environ, log=home.logs / "up.log", piped=True, patience=5)
        StartingAirflow(port, port, home, idle, None).wait(progress, 0.3)
    assert "api-server" in console.file.getvalue()


def test_what_is_not_up_in_time_is_named(tmp_path):
    home, console = Home(tmp_path / "home"), Console(file=io.StringIO())
    with home.claim("a test"), answering(0) as port, ExitStack() as stack, Progress(console) as progress:
        home.make()
        (home.logs / "task-api.log").write_text("address already in use\n")
        idle = Child(stack, "json.tool", env=os.environ, log=home.logs / "up.log", piped=True, patience=5)
        with pytest.raises(ComponentEnded, match=r"^task-api is not up after 0\.3 s\.") as ended:
            StartingAirflow(port, 1, home, idle, None).wait(progress, 0.3)
    assert ["address already in use"] == ended.value.last_lines

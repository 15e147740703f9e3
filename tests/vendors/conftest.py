"""What the tests of the vendors share: a sandbox, a clock that moves by waiting only, a server that takes notes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from partner_sync.config.settings import Calls
from partner_sync.sandbox import Sandbox
from partner_sync.vendors.transport import Session
from partner_sync.vendors.zendesk_auth import ClientCredentials
from partner_sync.vendors.zendesk_client import Zendesk

CALLS = Calls(connect_seconds=10, read_seconds=10, attempts=4, first_wait_seconds=1, max_wait_seconds=90)


class Clock:
    """Time that passes by waiting only; `waits` has every wait in order."""

    def __init__(self) -> None:
        self.time, self.waits = 1_000.0, list[float]()

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds


@dataclass
class Notes:
    """A server that answers what it is told (the last answer for ever) and remembers what it was asked."""

    url: str
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=lambda: [(200, {}, "{}")])
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    @property
    def netloc(self) -> str:
        return self.url.removeprefix("https://").removeprefix("http://")


@contextmanager
def _serving(context: Any = None) -> Iterator[Notes]:
    """A note-taking server on loopback, over TLS if given a context."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except OSError:
                self.close_connection = True

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            notes.asked.append((self.command, self.path, dict(self.headers)))
            status, headers, text = notes.answers.pop(0) if len(notes.answers) > 1 else notes.answers[0]
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(text)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = do_CONNECT = answer  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: Any) -> None:
            """A client that refuses our certificate is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    notes = Notes(f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield notes
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def serving() -> Callable[..., Any]:
    return _serving


@pytest.fixture
def notes() -> Iterator[Notes]:
    with _serving() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(job_seconds=0.02) as running:
        yield running


Sessions = Callable[..., Session]


@contextmanager
def sessions(clock: Clock, system: str, host: str, domain: str | None = None) -> Iterator[Sessions]:
    """Makes sessions to a system at an endpoint, waiting by the test's clock; closes them all."""
    with ExitStack() as made:

        def make(endpoint_url: str | None, **calls: Any) -> Session:
            session = Session(
                system,
                host,
                replace(CALLS, **calls),
                where=f"Connection '{system.lower()}_default'",
                domain=domain,
                endpoint_url=endpoint_url,
                sleep=clock.sleep,
                clock=clock,
            )
            made.callback(session.close)
            return session

        yield make


@pytest.fixture
def zendesk_session(clock: Clock) -> Iterator[Sessions]:
    with sessions(clock, "Zendesk", "acme.zendesk.com") as make:
        yield make


@pytest.fixture
def salesforce_session(clock: Clock) -> Iterator[Sessions]:
    with sessions(clock, "Salesforce", "acme.my.salesforce.com", domain="salesforce.com") as make:
        yield make


@pytest.fixture
def session(sandbox: Sandbox, zendesk_session: Sessions) -> Session:
    """The session of `zendesk`."""
    return zendesk_session(sandbox.zendesk_url)


@pytest.fixture
def zendesk(sandbox: Sandbox, session: Session) -> Zendesk:
    """A client of the sandbox that asks for its own tokens."""
    return _client(sandbox, session)


def _client(sandbox: Sandbox, session: Session) -> Zendesk:
    extra = sandbox.connections()["zendesk"]["extra"]
    base_url = "https://acme.zendesk.com"
    auth = ClientCredentials(session, base_url, extra["client_id"], extra["client_secret"])
    return Zendesk(session, base_url, "global", auth)

"""Objects on S3, by the client that production has: nothing that goes wrong there looks like an object that is not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from upath import UPath

from partner_sync.archive import object_store
from partner_sync.errors import StorageError
from tests.production import machine
from tests.production.parts import Objects

pytestmark = pytest.mark.production

DOES = {
    "write": lambda root: object_store.put(root / "object", "text"),
    "write once": lambda root: object_store.put_new(root / "object", "text"),
    "read": lambda root: object_store.read(root / "object"),
    "list": lambda root: list(object_store.children(root)),
    "remove": lambda root: object_store.remove(root / "object"),
}


def a_root(url: str, bucket: str = "bucket") -> UPath:
    """The archive's folder in a bucket of a store; its client tries once, and waits for a second."""
    config = {"retries": {"max_attempts": 0}, "read_timeout": 1}
    client = {"client_kwargs": {"endpoint_url": url}, "config_kwargs": config}
    return UPath(f"s3://{bucket}/archive", key="a", secret="b", **client)


class Store(BaseHTTPRequestHandler):
    """Answers everything alike: a status, none before the client is tired of waiting, or a broken connection."""

    answer: int | str = 500
    protocol_version = "HTTP/1.1"  # for clients that ask first whether they may send

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.answer == "late":
            threading.Event().wait(1.5)
        if isinstance(self.answer, str):
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(self.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = _answer  # noqa: N815 - what the server calls

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("answer", ["refused", "broken", "late", 403, 500, 503])
@pytest.mark.parametrize("does", DOES)
def test_failed_or_slow_object_storage_is_a_storage_error_and_never_counts_as_a_missing_object(does, answer):
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (Store,), {"answer": answer}))
    root = a_root(f"http://127.0.0.1:{server.server_port}")
    if answer == "refused":
        server.server_close()
    else:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(StorageError, match=f"did not {does.split()[0]} s3://bucket/archive"):
            DOES[does](root)
    finally:
        if answer != "refused":
            server.shutdown()
            server.server_close()


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    server = Objects(port := machine.free_port())
    url = f"http://127.0.0.1:{port}"
    a_root(url).fs.mkdir("bucket")
    yield url
    server.close()


def test_of_many_writers_that_create_an_object_at_once_exactly_one_succeeds(store):
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda number: object_store.put_new(a_root(store) / "once", str(number)), range(16)))
    assert [True] == [one for one in told if one]
    assert str(told.index(True)) == object_store.read(a_root(store) / "once")


def test_a_missing_bucket_reads_as_empty_and_is_an_error_for_writes(store):
    root = a_root(store, bucket="nowhere")
    assert [] == list(object_store.children(root))
    with pytest.raises(StorageError):
        object_store.put(root / "object", "text")
    with pytest.raises(StorageError):
        object_store.put_new(root / "object", "text")

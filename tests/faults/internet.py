"""The way to the two systems as it is in production: TLS, a proxy, and other hosts that can be reached as well.

With `endpoint_url` all goes to the sandbox, whatever host it was meant for, so a client that follows an answer to a
foreign host would not be caught. Here no Connection has one: a proxy on loopback takes CONNECT for any host, speaks
TLS in its name, and hands on what it reads to the sandbox or, for every other host, to a server that keeps it.
"""

from __future__ import annotations

import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import trustme

# The host of the sandbox is a reserved one, which only an endpoint_url makes usable.
SALESFORCE_HOST = "acme.my.salesforce.com"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
AUTHORITY = trustme.CA()


@cache
def _context(host: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(host).configure_cert(context)
    return context


class Internet:
    """Hosts that are known, by the port on loopback where they are; `abroad` is what any other host was sent.

    `connections` are as they are in production, `environment` are the variables with which a process gets here.
    """

    def __init__(self, connections: Mapping[str, Any], bundle: Path) -> None:
        self.hosts: dict[str, int] = {}
        self.connections = {name: self._real(connection) for name, connection in connections.items()}
        self.abroad: list[bytes] = []
        self.reached: set[str] = set()
        AUTHORITY.cert_pem.write_to_path(str(bundle))
        internet = self

        class Proxy(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                first, *_ = iter(self.rfile.readline, b"\r\n")
                internet.serve(self.connection, first.decode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy)
        self._server.daemon_threads = True
        self.environment = {
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy"), f"http://127.0.0.1:{self._server.server_address[1]}"),
            "REQUESTS_CA_BUNDLE": str(bundle),
        }

    def _real(self, connection: Mapping[str, Any]) -> dict[str, Any]:
        """A Connection of the sandbox as it would be, with its host made known."""
        extra = dict(connection["extra"])
        host = connection.get("host") or SALESFORCE_HOST
        if "domain" in extra:
            extra["domain"] = SALESFORCE_HOST.removesuffix(".salesforce.com")
        self.hosts[host] = int(extra.pop("endpoint_url").rpartition(":")[2])
        return {**connection, "extra": extra}

    def serve(self, connection: socket.socket, line: str) -> None:
        """One CONNECT: both ways until one side has enough."""
        host = line.split()[1].partition(":")[0]
        self.reached.add(host)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with suppress(OSError), _context(host).wrap_socket(connection, server_side=True) as asked:
            if host not in self.hosts:
                self.abroad.append(asked.recv(65536))
                asked.sendall(ANSWER)
                return
            with socket.create_connection(("127.0.0.1", self.hosts[host])) as answering:
                _both_ways(asked, answering)

    def run(self) -> None:
        self._server.serve_forever(0.01)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _both_ways(asked: ssl.SSLSocket, answering: socket.socket) -> None:
    """Hands on what either side says, in one thread: a TLS socket is not made for two at once."""
    while True:
        ready = [asked] if asked.pending() else select.select([asked, answering], [], [])[0]
        for source, target in ((asked, answering), (answering, asked)):
            if source in ready:
                data = source.recv(65536)
                if not data:
                    return
                target.sendall(data)


@contextmanager
def internet(connections: Mapping[str, Any], folder: Path) -> Iterator[Internet]:
    """The network of these Connections of a sandbox."""
    network = Internet(connections, folder / "authority.pem")
    thread = threading.Thread(target=network.run, daemon=True)
    thread.start()
    try:
        yield network
    finally:
        network.close()
        thread.join()

"""The HTTP server: two ports, on loopback by default, one event loop, and faults that break connections."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import sys
import time
from email.utils import formatdate
from pathlib import Path

from aiohttp import web

from .control import PREFIX, ControlApi, ControlError
from .faults import WIRE_FAULTS, Fault, distort, instead
from .journal import Entry
from .record_pages import record_page
from .state import State
from .wire import SALESFORCE, ZENDESK, Answer, Call

HOST = "127.0.0.1"
# Bulk jobs also go on when nobody calls; this is how finely.
_TICK_SECONDS = 0.02
# Larger than what either vendor takes, so that the vendor's half and not the HTTP library refuses.
_LARGEST_LINE = 65_536
_SLOW_PIECES = 5
# Calls that hang on purpose must not keep the process.
_SHUTDOWN_SECONDS = 0.1


class Server:
    """Serves a state on two ports until it is stopped."""

    def __init__(
        self, state: State, verbose: bool = False, host: str = HOST, certificate: tuple[Path, Path] | None = None
    ) -> None:
        self._state = state
        self._control = ControlApi(state)
        self._verbose = verbose
        self._host = host
        self._tls: ssl.SSLContext | None = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*certificate)
        self._runners: dict[str, web.ServerRunner] = {}
        self._sites: dict[str, web.TCPSite] = {}
        self._refusing: dict[str, int] = {}
        self._ticker: asyncio.Task[None] | None = None
        self.urls: dict[str, str] = {}

    @property
    def control(self) -> ControlApi:
        """The control operations, to be called on the server's event loop only."""
        return self._control

    async def start(self, salesforce_port: int, zendesk_port: int) -> None:
        """Listen; port 0 is that of the state's last server, or any free one. Raises ``OSError``.

        ``urls`` then has the two base URLs. They stay the same as long as nobody else takes the ports, so that links
        into the sandbox outlive its process.
        """
        for system, port in ((SALESFORCE, salesforce_port), (ZENDESK, zendesk_port)):
            server = web.Server(
                _Front(self, system).handle,
                access_log=None,
                max_line_size=_LARGEST_LINE,
                max_field_size=_LARGEST_LINE,
            )
            runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=_SHUTDOWN_SECONDS)
            await runner.setup()
            self._runners[system] = runner
            try:
                await self._listen(system, port or self._state.ports.get(system, 0))
            except OSError:
                if port or system not in self._state.ports:
                    raise
                await self._listen(system, 0)
            scheme = "http" if self._tls is None else "https"
            self._state.ports[system] = runner.addresses[0][1]
            self.urls[system] = f"{scheme}://{self._host}:{runner.addresses[0][1]}"
        self._state.save_settings()
        self._state.commit()
        self._ticker = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Stop listening and let go of the state."""
        if self._ticker is not None:
            self._ticker.cancel()
        for runner in self._runners.values():
            await runner.cleanup()
        self._state.close()

    async def _listen(self, system: str, port: int) -> None:
        self._sites[system] = web.TCPSite(self._runners[system], self._host, port, ssl_context=self._tls)
        await self._sites[system].start()

    async def _refuse(self, system: str, fault: Fault) -> None:
        """Listen no more, until the fault is lifted."""
        if system not in self._refusing:
            self._refusing[system] = fault.id
            await self._sites[system].stop()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            in_force = {fault["id"] for fault in self._state.faults.as_json()} if self._refusing else set()
            for system in [system for system, fault_id in self._refusing.items() if fault_id not in in_force]:
                del self._refusing[system]
                await self._listen(system, int(self.urls[system].rpartition(":")[2]))
            if self._state.jobs.in_flight():
                self._state.jobs.advance(time.time())
                self._state.commit()

    async def perform(self, request: web.BaseRequest) -> web.Response:
        """Serve a control operation."""
        try:
            body = json.loads(await request.read() or b"null")
            value = self._control.perform(request.method, request.path, request.query, body)
        except ControlError as error:
            return web.json_response({"error": str(error)}, status=error.status)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(value)

    def record_page(self, system: str, path: str) -> web.Response | None:
        """A page for people about one record, where the path is that of one."""
        page = record_page(self._state, system, path)
        if page is None:
            return None
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return web.Response(status=page[0], text=page[1], content_type="text/html", headers=headers)

    async def serve(self, request: web.BaseRequest, system: str) -> web.StreamResponse:
        """Serve a vendor's call: note it, wait, let faults and the vendor have their say, note the outcome."""
        state = self._state
        body = await request.read()
        call = Call(
            n=state.journal.next_call,
            at=time.time(),
            system=system,
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=request.headers,
            body=body,
            raw_target=request.raw_path,
        )
        entry = state.journal.begin(call)
        fault = state.faults.take(call, WIRE_FAULTS)
        if fault is not None:
            entry["fault"] = fault.do
        await asyncio.sleep(state.settings.latency / 2)
        answer = await self._answer(call, fault, entry)
        await asyncio.sleep(state.settings.latency / 2)
        status = None if answer is None or (fault and fault.do == "reset_after") else answer.status
        state.journal.end(entry, status=status, seconds=round(time.time() - call.at, 6))
        state.commit()
        if self._verbose:
            print(_log_line(entry), file=sys.stderr, flush=True)  # noqa: T201 - the access log
        if answer is None or status is None:
            return _break(request)
        response = await _deliver(request, answer, fault)
        if fault is not None and fault.do == "refuse":
            response.force_close()
            await self._refuse(system, fault)
        return response

    async def _answer(self, call: Call, fault: Fault | None, entry: Entry) -> Answer | None:
        """What will be answered; None when the connection breaks before anything happens."""
        if fault is None:
            return self._vendor_answer(call, entry)
        if fault.do == "reset_before":
            return None
        if fault.do == "hang":
            take = fault.arguments
            early = self._vendor_answer(call, entry) if take["effect"] and take["first"] else None
            await asyncio.sleep(take["seconds"])
            return self._vendor_answer(call, entry) if take["effect"] and early is None else early
        replacement = instead(fault, call.system)
        if replacement is not None:
            if fault.arguments.get("effect"):
                self._vendor_answer(call, entry)
            return replacement
        answer = self._vendor_answer(call, entry)
        distort(fault, call, answer)
        return answer

    def _vendor_answer(self, call: Call, entry: Entry) -> Answer:
        """The vendor's own answer, its effects made durable before anything can interrupt."""
        answer = self._state.answer(call)
        entry["job_id"] = answer.job_id
        self._state.commit()
        return answer


class _Front:
    """One port: control operations below their prefix, pages of records, and everything else is the vendor's."""

    def __init__(self, server: Server, system: str) -> None:
        self._server = server
        self._system = system

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == PREFIX or request.path.startswith(PREFIX + "/"):
            return await self._server.perform(request)
        page = self._server.record_page(self._system, request.path) if request.method == "GET" else None
        if page is not None:
            return page
        return await self._server.serve(request, self._system)


def _break(request: web.BaseRequest) -> web.Response:
    """Break the connection with a reset, as a crashed peer does."""
    transport = request.transport
    if transport is not None:
        peer = transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def _deliver(request: web.BaseRequest, answer: Answer, fault: Fault | None) -> web.StreamResponse:
    body = answer.encoded()
    headers = dict(answer.headers)
    if body:
        headers["Content-Type"] = answer.content_type
    kind = fault.do if fault is not None else ""
    take = fault.arguments if fault is not None else {}
    if kind == "clock_skew":
        headers["Date"] = formatdate(time.time() + take["seconds"], usegmt=True)
    if kind == "truncated" and take["how"] == "length":
        return await _cut_short(request, web.StreamResponse(status=answer.status, headers=headers), body)
    if kind == "slow_body":
        response = web.StreamResponse(status=answer.status, headers=headers)
        return await _trickle(request, response, body, take["seconds"])
    if kind == "truncated":
        body = body[: len(body) // 2]
    return web.Response(status=answer.status, headers=headers, body=body)


async def _cut_short(request: web.BaseRequest, response: web.StreamResponse, body: bytes) -> web.StreamResponse:
    """Announce the whole body, send half of it, and close."""
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _trickle(
    request: web.BaseRequest, response: web.StreamResponse, body: bytes, seconds: float
) -> web.StreamResponse:
    """Send the body in pieces over that many seconds."""
    response.content_length = len(body)
    await response.prepare(request)
    size = max(1, -(-len(body) // _SLOW_PIECES))
    for start in range(0, len(body), size):
        await asyncio.sleep(seconds / _SLOW_PIECES)
        await response.write(body[start : start + size])
    return response


def _log_line(entry: Entry) -> str:
    query = "?" + "&".join(entry["query"]) if entry["query"] else ""
    fault = f" fault={entry['fault']}" if entry["fault"] else ""
    return f"{entry['n']} {entry['system']} {entry['method']} {entry['path']}{query} {entry['status']}{fault}"

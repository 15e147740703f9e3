"""A Zendesk of the sandbox in this process, with a clock of its own: hours pass at once, and a call costs no socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from partner_sync.config.settings import Calls
from partner_sync.errors import RejectedError
from partner_sync.sandbox.organization_rules import Writer
from partner_sync.sandbox.state import State
from partner_sync.sandbox.tokens import ZENDESK_CLIENT_ID, ZENDESK_CLIENT_SECRET
from partner_sync.sandbox.wire import ZENDESK, Answer, Call
from partner_sync.sandbox.world import an_empty_world
from partner_sync.vendors.transport import Session
from partner_sync.vendors.zendesk_auth import ClientCredentials, StaticToken
from partner_sync.vendors.zendesk_client import Zendesk

HOST = "acme.zendesk.com"
EXPORT = "/api/v2/incremental/organizations"
START = datetime(2026, 11, 24, 3, tzinfo=timezone.utc).timestamp()
LATENCY = 0.05
"""Seconds of Zendesk's clock that a call takes."""


class ClockedZendesk(BaseAdapter):
    """The sandbox's Zendesk with an empty world, and a client of it.

    `at` is Zendesk's clock. `before` is called before every call, `distort` gets every answer of the export. A `direct`
    client leaves out the HTTP session, which costs ten times as much as all the rest.
    """

    def __init__(self, export_page: int = 1_000, *, direct: bool = False) -> None:
        super().__init__()
        self.at = START
        self.export_page = export_page
        self.before: Callable[[], None] = lambda: None
        self.distort: Callable[[Call, Answer], Answer] = lambda _call, answer: answer
        self.dates = 0.0
        """Seconds by which the header `Date` is wrong."""
        self.state = State(None, an_empty_world, {"zendesk_calls_per_minute": 0})
        self.paths: list[str] = []
        session = Session("Zendesk global", HOST, Calls(), sleep=self.passes, clock=lambda: self.at)
        session.mount("https://", self)
        auth = ClientCredentials(session, f"https://{HOST}", ZENDESK_CLIENT_ID, ZENDESK_CLIENT_SECRET)
        self.client = _Direct(self, session) if direct else Zendesk(session, f"https://{HOST}", "global", auth)

    def passes(self, seconds: float) -> None:
        self.at += seconds

    # -- what people do

    @property
    def ids(self) -> list[int]:
        return list(self.state.organizations.ids)

    def add(self, name: str, external_id: str | None = None, **fields: Any) -> int:
        row = {"name": name, "external_id": external_id, "organization_fields": fields}
        return self.state.organizations.add_raw([row], self.at)[0]

    def edit(self, organization_id: int, **attributes: Any) -> None:
        self.state.organizations.update(organization_id, attributes, Writer("person", self.at))

    def delete(self, organization_id: int) -> None:
        self.state.organizations.delete(organization_id, Writer("person", self.at))

    def undelete(self, organization_id: int) -> None:
        row = self.state.organizations.deleted[organization_id]
        self.state.organizations.add_raw([{**row, "updated_at": _timestamp(self.at)}], self.at)

    def options(self, key: str, options: list[str]) -> None:
        """Changes the options of a drop-down: values that lose theirs are cleared without a change of `updated_at`."""
        self.state.fields.change(key, {"options": options})
        self.state.organizations.keep_options(key)

    def rows(self) -> list[dict[str, Any]]:
        """All organizations as a listing shows them at this moment."""
        organizations = self.state.organizations
        return [organizations.rendered(organizations.rows[number], "") for number in organizations.ids]

    # -- the wire

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        url = urlsplit(request.url or "")
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        answer = self.answer(request.method or "", url.path, query, CaseInsensitiveDict(request.headers), body)
        response = requests.Response()
        response.status_code, response.url, response.request = answer.status, request.url or "", request
        date = formatdate(self.date, usegmt=True)
        response.headers.update({"Date": date, "Content-Type": answer.content_type, **answer.headers})
        response._content = answer.encoded()
        return response

    @property
    def date(self) -> float:
        """What the header `Date` of a response says now."""
        return self.at + self.dates

    def answer(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        self.before()
        if path == EXPORT:
            query = {**query, "per_page": str(self.export_page)}
        call = Call(0, self.at, ZENDESK, method, path, query, headers, body, path)
        answer = self.state.answer(call)
        if path == EXPORT:
            answer = self.distort(call, answer)
        self.at += LATENCY
        self.paths.append(path)
        return answer

    def close(self) -> None:
        self.state.close()


class _Direct(Zendesk):
    """The client without its HTTP session: it waits where the session would wait, and raises what it would raise."""

    def __init__(self, zendesk: ClockedZendesk, session: Session) -> None:
        super().__init__(session, f"https://{HOST}", "global", StaticToken("", ""))
        token = zendesk.state.tokens.mint(ZENDESK, zendesk.at, 1e9, ["read"])
        self._zendesk, self._headers = zendesk, {"Authorization": f"Bearer {token.value}"}

    def _ask(self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None) -> Any:
        while True:
            answer = self._zendesk.answer(method, path, query or {}, self._headers)
            date = datetime.fromtimestamp(int(self._zendesk.date), timezone.utc)
            self._session.calls, self._session.earliest = (
                self._session.calls + 1,
                min(filter(None, (self._session.earliest, date))),
            )
            if answer.status != 429:
                break
            self._zendesk.passes(float(answer.headers["Retry-After"]))
        if answer.status >= 400:
            raise RejectedError("Zendesk global", method, path, answer.status, "", "")
        return json.loads(answer.encoded())


def _timestamp(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

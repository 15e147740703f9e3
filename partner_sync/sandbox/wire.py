"""One call and one answer, as the two vendors' halves of the sandbox see them.

Nothing in here knows aiohttp: a vendor is a plain function from ``Call`` to ``Answer``, so each call
is answered between two turns of the event loop and is atomic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

SALESFORCE = "salesforce"
ZENDESK = "zendesk"


class BadJsonError(Exception):
    """The body of a request is not the JSON object it should be."""


@dataclass(frozen=True)
class Call:
    """One request. ``path`` has no query and is decoded; ``headers`` ignore case; ``at`` is epoch seconds."""

    n: int
    at: float
    system: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    raw_target: str

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises ``BadJsonError``."""
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise BadJsonError(str(error)) from error
        if not isinstance(value, dict):
            raise BadJsonError("not an object")
        return value

    def form(self) -> dict[str, str]:
        """The body as form fields; what is not one is left out."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass
class Answer:
    """One response. ``body`` is JSON-able, or text or bytes that go out as they are."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"
    job_id: str | None = None

    def encoded(self) -> bytes:
        """The body as it goes over the wire; None is an empty body."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()

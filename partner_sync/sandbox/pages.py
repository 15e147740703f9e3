"""Zendesk's two ways to page a list: by cursor, with all its recorded traps, and by page number.

Sources: Zendesk's "Cursor pagination" and "Offset pagination limits"; recordings of zenpy and node-zendesk show
the cursor (base64 of JSON with the key to go on from), a ``next`` link and an ``after_cursor`` on the last page, a
``prev`` link on the first, and links that name the account's canonical host.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

LARGEST_PAGE = 100
DEEPEST_OFFSET = 10_000
# A page[size] above 100 is refused, not clamped: assumption.
_TOO_LARGE = "page[size] must be between 1 and 100"

Key = Callable[[Any], Any]


class PageError(Exception):
    """A page that cannot be had: Zendesk answers 400. ``error`` is its code."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


@dataclass(frozen=True)
class Listing:
    """A list that can be paged.

    ``rows`` are ascending by the ``key`` of a row; ``order`` names that key in cursors ("-" for descending lists,
    whose rows come newest first).
    """

    name: str
    url: str
    rows: Sequence[Any]
    key: Key
    order: str
    render: Callable[[Any], Any]


def wants_cursor(query: Mapping[str, str]) -> bool:
    """Whether a call asks for cursor pages; without ``page[size]`` it gets the older form."""
    return "page[size]" in query


def cursor_page(listing: Listing, query: Mapping[str, str]) -> dict[str, Any]:
    """One page by cursor. Raises ``PageError``."""
    size = _size(query)
    rows = listing.rows
    start, end = 0, size
    if query.get("page[after]"):
        start = _position(listing, query["page[after]"], past=True)
        end = start + size
    elif query.get("page[before]"):
        end = _position(listing, query["page[before]"], past=False)
        start = max(0, end - size)
    shown = rows[start:end]
    meta: dict[str, Any] = {"has_more": end < len(rows), "after_cursor": None, "before_cursor": None}
    links: dict[str, Any] = {"prev": None, "next": None}
    if shown:
        meta["after_cursor"] = _cursor(listing, shown[-1])
        meta["before_cursor"] = _cursor(listing, shown[0])
        kept = {name: value for name, value in query.items() if name not in ("page[after]", "page[before]")}
        links["prev"] = _link(listing.url, {"page[before]": meta["before_cursor"], **kept})
        links["next"] = _link(listing.url, {"page[after]": meta["after_cursor"], **kept})
    return {listing.name: [listing.render(row) for row in shown], "meta": meta, "links": links}


def offset_page(listing: Listing, query: Mapping[str, str]) -> dict[str, Any]:
    """One page by number. Raises ``PageError`` beyond 10,000 records."""
    size = _number(query.get("per_page"), LARGEST_PAGE, "per_page")
    page = _number(query.get("page"), 1, "page")
    size = min(size, LARGEST_PAGE)
    if page * size > DEEPEST_OFFSET:
        # The words are an assumption; the status is documented.
        raise PageError("InvalidValue", f"Pages beyond {DEEPEST_OFFSET} records need cursor pagination")
    start = (page - 1) * size
    shown = listing.rows[start : start + size]
    kept = {name: value for name, value in query.items() if name != "page"}
    more = start + size < len(listing.rows)
    return {
        listing.name: [listing.render(row) for row in shown],
        "next_page": _link(listing.url, {**kept, "page": str(page + 1)}) if more else None,
        "previous_page": _link(listing.url, {**kept, "page": str(page - 1)}) if page > 1 else None,
        "count": len(listing.rows),
    }


def _size(query: Mapping[str, str]) -> int:
    text = query.get("page[size]", "")
    if not text.isdigit() or not 1 <= int(text) <= LARGEST_PAGE:
        raise PageError("InvalidPaginationParameter", _TOO_LARGE)
    return int(text)


def _number(text: str | None, default: int, name: str) -> int:
    if text is None:
        return default
    if not text.isdigit() or int(text) < 1:
        raise PageError("InvalidPaginationParameter", f"{name} must be a number from 1")
    return int(text)


def _link(url: str, parameters: Mapping[str, str]) -> str:
    pairs = [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(parameters.items())]
    return f"{url}?{'&'.join(pairs)}"


def _cursor(listing: Listing, row: Any) -> str:
    """Recorded for ids: ``{"o":"id","v":<base64 of "i" and little-endian int64>}``; other orders: assumption."""
    key = listing.key(row)
    value = b"i" + struct.pack("<q", key) if isinstance(key, int) else b"s" + json.dumps(key).encode()
    inner = {"o": listing.order, "v": base64.b64encode(value).decode()}
    return base64.b64encode(json.dumps(inner, separators=(",", ":")).encode()).decode()


def _position(listing: Listing, cursor: str, past: bool) -> int:
    """How many rows stand before a cursor's place, the row at the cursor itself included when *past*."""
    key = _decoded(listing, cursor)
    low, high = 0, len(listing.rows)
    while low < high:
        middle = (low + high) // 2
        here = listing.key(listing.rows[middle])
        before = here == key if past else False
        if before or (here > key if listing.order.startswith("-") else here < key):
            low = middle + 1
        else:
            high = middle
    return low


def _decoded(listing: Listing, cursor: str) -> Any:
    try:
        inner = json.loads(base64.b64decode(cursor, validate=True))
        value = base64.b64decode(inner["v"], validate=True)
        if inner["o"] != listing.order:
            raise ValueError("a cursor of another order")
        if value[:1] == b"i":
            return struct.unpack("<q", value[1:])[0]
        key = json.loads(value[1:])
        return tuple(key) if isinstance(key, list) else key
    except (ValueError, KeyError, TypeError, binascii.Error, struct.error) as error:
        raise PageError("InvalidPaginationParameter", "page[after] or page[before] is not a cursor") from error

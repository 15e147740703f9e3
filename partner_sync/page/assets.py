"""The static files: looked up by name, never opened by a path from a request."""

from __future__ import annotations

import hashlib
from pathlib import Path

STATIC = Path(__file__).with_name("static")
FILES = {path.relative_to(STATIC).as_posix(): path for path in sorted(STATIC.rglob("*")) if path.is_file()}
_VERSIONS = {name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for name, path in FILES.items()}


def asset_url(name: str) -> str:
    """The address of a static file. It contains the digest of the content, so browsers may cache it forever."""
    return f"static/{name}?v={_VERSIONS[name]}"

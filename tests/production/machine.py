"""What this machine must have for the stack: PostgreSQL and Redis from Debian's packages, and Python packages."""

from __future__ import annotations

import shutil
import socket
from importlib.util import find_spec
from pathlib import Path


def missing() -> str:
    """What this machine lacks, and how to install it; empty if it lacks nothing."""
    if find_spec("moto") is None or find_spec("s3fs") is None:
        return "moto or s3fs is missing here; `make test-production` makes an environment that has them"
    there = {"postgresql": postgres(), "redis-server": shutil.which("redis-server")}
    lacking = [package for package, found in there.items() if found is None]
    if not lacking:
        return ""
    return f"{' and '.join(lacking)} missing: apt-get install --no-install-recommends {' '.join(lacking)}"


def postgres() -> Path | None:
    """Where the programs of the newest PostgreSQL are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

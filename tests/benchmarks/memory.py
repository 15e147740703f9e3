"""How much memory this process holds and has held, in MB of 1,000,000 bytes."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def now() -> float:
    """Resident now; where the system does not tell, the most there was."""
    return _status("VmRSS") if STATUS.exists() else peak()


def peak() -> float:
    """The most that was resident. Linux's `ru_maxrss` begins with what the parent process held, `VmHWM` does not."""
    if STATUS.exists():
        return _status("VmHWM")
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / 1e6 if sys.platform == "darwin" else held * 1024 / 1e6


def _status(key: str) -> float:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{key}:"))
    return int(line.split()[1]) * 1024 / 1e6

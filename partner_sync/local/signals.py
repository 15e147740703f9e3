"""How a command is stopped: a signal becomes an exception, so that everything that was begun is ended in its order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_holding = False
_held: list[int] = []


class Stop(BaseException):
    """A signal asks us to end. `code` is what a shell expects then."""

    def __init__(self, number: int) -> None:
        self.code = 128 + number


def listen() -> None:
    """From now on a signal raises Stop. Also where it was ignored, as it is in a background job of a script."""
    for number in STOPPING:
        signal.signal(number, _stop)


@contextmanager
def held() -> Iterator[None]:
    """A signal that arrives inside takes effect at its end: nothing is begun without being known to be."""
    global _holding
    _holding = True
    try:
        yield
    finally:
        _holding = False
    if _held:
        raise Stop(_held.pop())


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - what signal handlers are called with
    for each in STOPPING:
        signal.signal(each, signal.SIG_IGN)  # ending takes seconds; a second Ctrl-C must not leave half of it
    if _holding:
        _held.append(number)
    else:
        raise Stop(number)

"""Turns the signals that stop a command into an exception, so that everything is ended in order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_holding = False
_held: list[int] = []


class Stop(BaseException):
    """A signal asks us to end. `code` is the exit code that a shell expects."""

    def __init__(self, number: int) -> None:
        self.code = 128 + number


def listen() -> None:
    """From now on a signal raises Stop, even if it was ignored, as in a background job of a script."""
    for number in STOPPING:
        signal.signal(number, _stop)


@contextmanager
def held() -> Iterator[None]:
    """Delays signals to the end of the block, so that nothing is started without being registered for its end."""
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
        signal.signal(each, signal.SIG_IGN)  # ending takes seconds; a second Ctrl-C must not interrupt it
    if _holding:
        _held.append(number)
    else:
        raise Stop(number)

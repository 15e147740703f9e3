"""Progress of a command: lines with the seconds since it began, and on a terminal the current step."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console, RenderableType
from rich.status import Status
from rich.text import Text

from partner_sync.cli.sanitize import sanitize

STYLES = {"success": "green", "failed": "bold red", "up_for_retry": "yellow", "WARNING": "yellow", "ERROR": "bold red"}


def show(console: Console, what: RenderableType) -> None:
    """Prints `what` without trailing whitespace."""
    with console.capture() as shown:
        console.print(what)
    console.file.write("".join(line.rstrip() + "\n" for line in shown.get().splitlines()))
    console.file.flush()


class Progress:
    """Prints progress lines. Sanitizes all text: markup and control characters have no effect."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._now = now
        self._begun = now()
        self._status = Status("", console=console, spinner="line") if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._status:
            self._status.stop()

    @property
    def seconds(self) -> float:
        return self._now() - self._begun

    def doing(self, text: str) -> None:
        """Shows the current step, on a terminal only."""
        if self._status:
            self._status.update(Text(sanitize(text)))

    def line(self, who: str, text: str, style: str = "") -> None:
        line = Text.assemble(
            (f"{self.seconds:6.1f} s  ", "dim"),
            (f"{sanitize(who):<20}  ", "cyan"),
            (sanitize(text), STYLES.get(style, style)),
        )
        if self._status:
            line.truncate(self._console.width, overflow="ellipsis")
        self._console.print(line, no_wrap=True, soft_wrap=True)

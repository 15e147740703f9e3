"""What is shown while a command works: lines with the seconds since it began, and on a terminal what it does now."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console, RenderableType
from rich.status import Status
from rich.text import Text

from partner_sync.cli.sanitize import plain

STYLES = {"success": "green", "failed": "bold red", "up_for_retry": "yellow", "WARNING": "yellow", "ERROR": "bold red"}
_READ = re.compile(r"(?P<read>[0-9]+) of (?P<announced>[0-9]+) read$")
_EVERY_SECONDS = 5.0


def show(console: Console, what: RenderableType) -> None:
    """Prints `what` without the blanks that fill its lines."""
    with console.capture() as shown:
        console.print(what)
    console.file.write("".join(line.rstrip() + "\n" for line in shown.get().splitlines()))
    console.file.flush()


class Progress:
    """Shows lines as they come. Everything it gets is text: markup and control characters in it mean nothing."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._now = now
        self._begun = now()
        self._counted = 0.0
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
        """What goes on from now on. Only a terminal shows it."""
        if self._status:
            self._status.update(Text(plain(text)))

    def said(self, who: str, text: str, style: str = "") -> None:
        """A line of a log. Of those that count pages, some: a large read has a thousand of them."""
        counted = _READ.search(text)
        if counted and counted["read"] != counted["announced"]:
            self.doing(f"{who}: {text}")
            if self.seconds - self._counted < _EVERY_SECONDS:
                return
        self.line(who, text, style)

    def line(self, who: str, text: str, style: str = "") -> None:
        self._counted = self.seconds
        line = Text.assemble(
            (f"{self.seconds:6.1f} s  ", "dim"),
            (f"{plain(who):<20}  ", "cyan"),
            (plain(text), STYLES.get(style, style)),
        )
        if self._status:
            line.truncate(self._console.width, overflow="ellipsis")
        self._console.print(line, no_wrap=True, soft_wrap=True)

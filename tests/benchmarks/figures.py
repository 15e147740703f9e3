"""A measured number beside its target, and the table of all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

KEPT = Path(__file__).parent / "measured.json"
"""The figures of the last whole call that was kept, which docs/assurance.md shows."""


@dataclass(frozen=True)
class Figure:
    """`met` is None where there is no target, or where this call did not measure.

    `timed` is a figure that tells as much of the machine, and of what else runs on it, as of us.
    """

    what: str
    target: str
    measured: str
    met: bool | None = None
    timed: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def not_measured(what: str, target: str, why: str) -> Figure:
    return Figure(what, target, f"not measured: {why}")


def table(figures: Iterable[Figure]) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    made.add_column("what", ratio=5)
    made.add_column("target", ratio=3)
    made.add_column("measured", ratio=4)
    made.add_column("")
    for figure in figures:
        told = {True: Text("met", "green"), False: Text("MISSED", "bold red"), None: Text("")}[figure.met]
        made.add_row(Text(figure.what), Text(figure.target), Text(figure.measured), told)
    return made


def missed(figures: Iterable[Figure], *, counted_only: bool = False) -> list[Figure]:
    return [figure for figure in figures if figure.met is False and not (counted_only and figure.timed)]


def kept_as_markdown() -> str:
    """The kept figures as docs/assurance.md shows them."""
    kept = json.loads(KEPT.read_text())
    rows = [f"| {one['what']} | {one['target']} | {_said(one)} |" for one in kept["figures"]]
    when = f"{kept['cores']} cores, load {kept['load']:.1f} when it began, {kept['at'][:10]}, one call of `make bench`:"
    return "\n".join([when, "", "| what | target | measured |", "|---|---|---|", *rows])


def _said(figure: dict[str, Any]) -> str:
    return f"**missed**: {figure['measured']}" if figure["met"] is False else str(figure["measured"])

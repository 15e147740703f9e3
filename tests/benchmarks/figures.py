"""A measured number beside its target, and the table of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Figure:
    """`met` is None where there is no target, or where this call did not measure."""

    what: str
    target: str
    measured: str
    met: bool | None = None

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


def missed(figures: Iterable[Figure]) -> list[Figure]:
    return [figure for figure in figures if figure.met is False]

"""Tables that README and terminal show alike. A cell may have `names` in backticks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One table of a part; the only one needs no heading."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    heading: str = ""
    about: str = ""


def markdown(tables: list[Table]) -> str:
    """The tables as the README has them."""
    return "\n\n".join("\n\n".join(filter(None, (_head(table), _grid(table)))) for table in tables) + "\n"


def _head(table: Table) -> str:
    return f"**{table.heading}**: {table.about}" if table.heading else table.about


def _grid(table: Table) -> str:
    lines = [table.columns, ("---",) * len(table.columns), *table.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def any_of(words: Iterable[str]) -> str:
    """`a`, `b` or `c`."""
    *most, last = (f"`{word}`" for word in words)
    return f"{', '.join(most)} or {last}" if most else last

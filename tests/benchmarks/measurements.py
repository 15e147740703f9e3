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
"""The last whole run that was kept; docs/assurance.md shows it."""


@dataclass(frozen=True)
class Measurement:
    """`met` is None where there is no target, or where this call did not measure.

    `timed`: the result depends on the machine and on its other work as much as on the product.
    """

    what: str
    target: str
    measured: str
    met: bool | None = None
    timed: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def not_measured(what: str, target: str, why: str) -> Measurement:
    return Measurement(what, target, f"not measured: {why}")


def table(measurements: Iterable[Measurement]) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    made.add_column("what", ratio=5)
    made.add_column("target", ratio=3)
    made.add_column("measured", ratio=4)
    made.add_column("")
    for measurement in measurements:
        told = {True: Text("met", "green"), False: Text("MISSED", "bold red"), None: Text("")}[measurement.met]
        made.add_row(Text(measurement.what), Text(measurement.target), Text(measurement.measured), told)
    return made


def missed(measurements: Iterable[Measurement], *, counted_only: bool = False) -> list[Measurement]:
    return [
        measurement
        for measurement in measurements
        if measurement.met is False and not (counted_only and measurement.timed)
    ]


def kept_as_markdown() -> str:
    """The kept measurements as docs/assurance.md shows them."""
    kept = json.loads(KEPT.read_text())
    rows = [f"| {one['what']} | {one['target']} | {_measured_value(one)} |" for one in kept["measurements"]]
    when = f"{kept['cores']} cores, load {kept['load']:.1f} when it began, {kept['at'][:10]}, one call of `make bench`:"
    return "\n".join([when, "", "| what | target | measured |", "|---|---|---|", *rows])


def _measured_value(measurement: dict[str, Any]) -> str:
    return f"**missed**: {measurement['measured']}" if measurement["met"] is False else str(measurement["measured"])

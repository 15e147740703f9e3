"""What the overview says first: one state, the most important that is true. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from partner_sync.history.labels import run_label
from partner_sync.history.overview_results import Overview
from partner_sync.page.dag import DagView
from partner_sync.page.formats import plural

State = Literal["needs-attention", "running", "paused", "planning-only", "overdue", "up-to-date"]
SIGNS: dict[State, str] = {
    "needs-attention": "▲",
    "running": "…",
    "paused": "‖",
    "planning-only": "○",
    "overdue": "▲",
    "up-to-date": "●",
}


@dataclass(frozen=True)
class Headline:
    """The state and its text; `also` are the other states that are true, in the order of their importance."""

    state: State
    text: str
    also: tuple[str, ...] = ()

    @property
    def sign(self) -> str:
        return SIGNS[self.state]


def headline(overview: Overview, dag: DagView) -> Headline:
    """The health of the sync. `Up to date` only if nothing else is true."""
    urgent = sum(item.urgent for item in overview.items)
    found: list[tuple[State, str]] = []
    if urgent:
        found.append(("needs-attention", f"{plural(urgent, 'item')} {'needs' if urgent == 1 else 'need'} attention"))
    if overview.running is not None:
        found.append(("running", run_label(overview.running)))
    elif dag.active and not dag.paused:
        found.append(("running", "Running: reading"))
    if dag.paused:
        found.append(("paused", "Paused"))
    if overview.planning_only:
        found.append(("planning-only", "Planning only"))
    if overview.overdue and not dag.paused:
        found.append(("overdue", "Overdue"))
    (state, text), *rest = [*found, ("up-to-date", "Up to date")]
    return Headline(state, text, tuple(text for state, text in rest if state != "up-to-date"))

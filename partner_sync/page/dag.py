"""What Airflow knows about the DAG and about who asks. Data only; `plugin.py` fills it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class DagView:
    """The DAG as Airflow has it, for one user.

    `active` are the ids of runs that are queued or running. `run_state` and `run_seconds` are of the run that the
    address names, None for a run that Airflow does not know.
    """

    user: str = ""
    may_trigger: bool = False
    paused: bool = False
    paused_since: datetime | None = None
    paused_by: str | None = None
    active: tuple[str, ...] = ()
    run_state: str | None = None
    run_seconds: float | None = None


def dag_view() -> DagView:
    """A dependency that `page_app` replaces: without Airflow nobody may start a run."""
    return DagView()

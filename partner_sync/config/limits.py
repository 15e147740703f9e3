"""The tables that say how much is written without a person: limits, approvals, and values that rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, with_config

from partner_sync.config.settings import STRICT, Changes, Hours, Percent, Text, Times

LimitName = Literal["create", "update", "mark", "emptied", "rules"]
LIMIT_NAMES: tuple[LimitName, ...] = ("create", "update", "mark", "emptied", "rules")


@with_config(STRICT)
@dataclass(frozen=True)
class Limit:
    """The most changes that are written without an approval. The floor is at most half of what a percentage is of."""

    floor: Annotated[Changes, Field(description="up to this number, at most half, changes are always allowed")] = 0
    max_count: Annotated[Changes | None, Field(description="the most changes in one run")] = None
    max_percent: Annotated[
        Percent | None,
        Field(description="the most changes in one run, in percent of the instance's unmarked partner organizations"),
    ] = None
    max_percent_7_days: Annotated[
        Percent | None,
        Field(description="for marks: the most organizations that are marked within seven days, in percent"),
    ] = None


LIMITS: dict[LimitName, Limit] = {
    "mark": Limit(floor=10, max_percent=20, max_percent_7_days=30),
    "create": Limit(floor=50, max_percent=20),
    "emptied": Limit(
        floor=20, max_percent=20
    ),  # per field: rows that clear it, of the organizations with a value there
    "rules": Limit(floor=10, max_percent=5),  # rows that a changed config alone causes, of all partner organizations
}
"""What is true where the file has no table."""


@with_config(STRICT)
@dataclass(frozen=True)
class Approvals:
    """Who may decide about changes, and for how long an approval is in force."""

    people: Annotated[
        int,
        Field(
            ge=1, le=2, json_schema_extra={"unit": "people"}, description="how many different people must approve a row"
        ),
    ] = 1
    hours: Annotated[Hours, Field(description="how long an approval is in force if it is not used")] = 24
    by: Annotated[
        tuple[Text, ...],
        Field(
            description="a list of the Airflow users who may approve, leave, undo and withdraw; empty: everybody who"
            " may trigger the DAG"
        ),
    ] = ()

    @property
    def lasts(self) -> timedelta:
        """How long an approval is in force."""
        return timedelta(hours=self.hours)


@with_config(STRICT)
@dataclass(frozen=True)
class Resting:
    """When a value that Zendesk does not keep is no longer written in every run."""

    after: Annotated[Times, Field(description="results in a row, rejected or set back, after which a value rests")] = 3
